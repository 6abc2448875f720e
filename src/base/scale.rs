//! The time scale of a rehearsal: how much shorter than written a script's holds are.

use std::time::Duration;

/// By how much holds, stages and intervals are shortened; 1 is as written. Time-outs and thresholds are not: what is
/// asked of a system does not become stricter because its rehearsal is short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeScale(f64);

impl Default for TimeScale {
    fn default() -> Self {
        Self(1.0)
    }
}

impl TimeScale {
    /// Reads what the command line says: `0.02`.
    ///
    /// # Errors
    ///
    /// No number, or none from 0.001 to 100.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(factor) if (0.001..=100.0).contains(&factor) => Ok(Self(factor)),
            _ => Err("write a number from 0.001 to 100; 0.02 makes an hour 72 seconds".to_owned()),
        }
    }

    /// How long something lasts that is written as `time`.
    #[must_use]
    pub fn of(self, time: Duration) -> Duration {
        if self.is_real() {
            time
        } else {
            time.mul_f64(self.0)
        }
    }

    /// Whether everything lasts as long as it is written.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "only the default is exactly one")]
    pub fn is_real(self) -> bool {
        self.0 == 1.0
    }

    /// As summaries carry it.
    #[must_use]
    pub fn factor(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_rehearsed_in_seconds() {
        let scale = TimeScale::parse("0.02").unwrap();
        assert_eq!(scale.of(Duration::from_secs(3600)), Duration::from_secs(72));
        assert!(!scale.is_real());
        assert!(TimeScale::parse("1").unwrap().is_real());
        for text in ["0", "-1", "nan", "1e9", "fast"] {
            assert!(TimeScale::parse(text).is_err(), "{text}");
        }
    }
}
