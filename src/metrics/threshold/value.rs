//! The right-hand side of a threshold: read with its unit, shown with its unit.

use std::time::Duration;

use crate::base::units;
use crate::metrics::definition::Unit;

/// What an expression's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dimension {
    /// A plain number, shown with a name of the script's.
    Number(Unit),
    /// Milliseconds.
    Time,
    /// Bytes.
    Bytes,
    /// 0 to 1.
    Share,
    /// 0 to 100.
    Percent,
    /// Per second.
    PerSecond,
    /// Bytes per second.
    Bandwidth,
}

impl Dimension {
    /// The dimension of values that have the unit of a metric.
    pub(super) fn of(unit: &Unit) -> Self {
        match unit {
            Unit::Time => Self::Time,
            Unit::Bytes => Self::Bytes,
            Unit::Percent => Self::Percent,
            Unit::None | Unit::Other(_) => Self::Number(unit.clone()),
        }
    }

    /// Reads a value: a bare number, or one with a unit. The error says what to write instead.
    pub(super) fn read(&self, text: &str) -> Result<f64, String> {
        if let Ok(number) = text.parse::<f64>()
            && number.is_finite()
        {
            if *self == Self::Share && !(0.0..=1.0).contains(&number) {
                let share = if number > 1.0 { number } else { 1.0 };
                return Err(format!(
                    "write a share such as \"{}%\", or a number from 0 to 1",
                    number_text(share)
                ));
            }
            return Ok(number);
        }
        let value = match self {
            Self::Number(_) => {
                Err("write a plain number, the metric has no unit for thresholds".to_owned())
            }
            Self::Time => units::duration(text).map(millis).map_err(|e| e.0),
            Self::Bytes => units::bytes(text)
                .map(|bytes| bytes.0 as f64)
                .map_err(|e| e.0),
            Self::Share => units::share(text).map(|share| share.0).map_err(|e| e.0),
            Self::Percent => units::share(text)
                .map(|share| share.0 * 100.0)
                .map_err(|e| e.0),
            Self::PerSecond => units::rate(text).map(|rate| rate.0).map_err(|e| e.0),
            Self::Bandwidth => units::bandwidth(text).map(|width| width.0).map_err(|e| e.0),
        };
        value.map_err(|message| {
            if text.is_empty() {
                format!("write a value such as {}", self.example())
            } else {
                message
            }
        })
    }

    /// A value as someone would write it.
    pub(super) fn example(&self) -> &'static str {
        match self {
            Self::Number(_) => "10",
            Self::Time => "300ms",
            Self::Bytes => "64MiB",
            Self::Share | Self::Percent => "1%",
            Self::PerSecond => "10/s",
            Self::Bandwidth => "1MB/s",
        }
    }

    /// Shows a measured value, rounded for people.
    pub(super) fn show(&self, value: f64) -> String {
        match self {
            Self::Number(Unit::Other(name)) => format!("{} {name}", number_text(value)),
            Self::Number(_) => number_text(value),
            Self::Time => show_time(value),
            Self::Bytes => units::show_bytes(value),
            Self::Share => format!("{}%", number_text(value * 100.0)),
            Self::Percent => format!("{}%", number_text(value)),
            Self::PerSecond => format!("{}/s", number_text(value)),
            Self::Bandwidth => format!("{}/s", units::show_bytes(value)),
        }
    }

    /// Spells a threshold's value in full; reading it gives the same value again.
    pub(super) fn spell(&self, value: f64) -> String {
        let in_steps = |steps: &[(f64, &str)]| {
            let whole = |(step, _): &&(f64, &str)| value >= *step && (value / step).fract() == 0.0;
            let (step, unit) = steps
                .iter()
                .find(whole)
                .or(steps.last())
                .unwrap_or(&(1.0, ""));
            format!("{}{unit}", value / step)
        };
        match self {
            Self::Time if value >= 0.0 => in_steps(&[(1000.0, "s"), (1.0, "ms")]),
            Self::Bytes if value >= 0.0 && value.fract() == 0.0 => in_steps(&[
                (1_073_741_824.0, "GiB"),
                (1_048_576.0, "MiB"),
                (1024.0, "KiB"),
                (1000.0, "KB"),
                (1.0, "B"),
            ]),
            Self::Share => format!("{}%", (value * 1e14).round() / 1e12),
            Self::Percent if (0.0..=100.0).contains(&value) => format!("{value}%"),
            Self::PerSecond if value >= 0.0 => format!("{value}/s"),
            Self::Bandwidth if value >= 0.0 => format!("{value}B/s"),
            _ => value.to_string(),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

fn show_time(ms: f64) -> String {
    let sign = if ms < 0.0 { "-" } else { "" };
    let seconds = ms.abs() / 1e3;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => format!("{sign}{}", units::show_duration(duration)),
        Err(_) => format!("{ms}ms"),
    }
}

/// Up to four digits after the point; very small numbers in full.
fn number_text(value: f64) -> String {
    if value.fract() == 0.0 || (value != 0.0 && value.abs() < 0.001) {
        return value.to_string();
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelt_reads_the_same() {
        let table = [
            (Dimension::Time, 300.0, "300ms"),
            (Dimension::Time, 2000.0, "2s"),
            (Dimension::Time, 1234.5, "1234.5ms"),
            (Dimension::Time, 0.25, "0.25ms"),
            (Dimension::Time, 0.0, "0ms"),
            (Dimension::Time, -5.0, "-5"),
            (Dimension::Bytes, 67_108_864.0, "64MiB"),
            (Dimension::Bytes, 10_000.0, "10KB"),
            (Dimension::Bytes, 0.5, "0.5"),
            (Dimension::Share, 0.01, "1%"),
            (Dimension::Share, 0.999, "99.9%"),
            (Dimension::Percent, 80.0, "80%"),
            (Dimension::PerSecond, 0.5, "0.5/s"),
            (Dimension::Bandwidth, 1e6, "1000000B/s"),
            (Dimension::Number(Unit::None), -1.5, "-1.5"),
        ];
        for (dimension, value, text) in table {
            assert_eq!(dimension.spell(value), text);
            let back = dimension.read(text).unwrap();
            assert!((back - value).abs() <= value.abs() * 1e-12, "{text} {back}");
        }
    }

    #[test]
    fn measured_values_are_shown_for_people() {
        let table = [
            (Dimension::Time, 12.3456, "12.3ms"),
            (Dimension::Time, -1500.0, "-1.5s"),
            (Dimension::Share, 0.012_345_678, "1.2346%"),
            (Dimension::Share, 1.0, "100%"),
            (Dimension::PerSecond, 9.5, "9.5/s"),
            (Dimension::Bandwidth, 1.2e6, "1.2 MB/s"),
            (Dimension::Bytes, 1500.0, "1.5 kB"),
            (Dimension::Number(Unit::None), 42.0, "42"),
            (Dimension::Number(Unit::named("carts")), 42.0, "42 carts"),
            (Dimension::Time, f64::MAX, &format!("{}ms", f64::MAX)),
        ];
        for (dimension, value, text) in table {
            assert_eq!(dimension.show(value), text);
        }
    }
}
