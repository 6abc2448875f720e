//! When arrivals are due: the open-model schedule as a pure function of the arrival's number.

use std::time::Duration;

/// A stage of a ramping profile: within `duration`, go linearly to `target`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long the stage takes; zero jumps at once.
    pub duration: Duration,
    /// The value at its end: virtual users, or arrivals per second.
    pub target: f64,
}

/// The total length of some stages.
#[must_use]
pub fn length(stages: &[Stage]) -> Duration {
    stages.iter().map(|stage| stage.duration).sum()
}

/// A stretch of time in which the rate changes linearly.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: f64,
    duration: f64,
    from: f64,
    to: f64,
    /// Arrivals that were due before this segment began.
    before: f64,
}

/// A schedule of arrivals. Arrival `n` (from 0) is due when the integral of the rate reaches `n`,
/// so a constant rate starts at once and keeps a fixed period without drift, as in k6.
#[derive(Debug, Clone)]
pub struct Arrivals {
    segments: Vec<Segment>,
    total: f64,
}

impl Arrivals {
    /// A constant rate, in arrivals per second.
    #[must_use]
    pub fn constant(rate: f64, duration: Duration) -> Self {
        Self::ramping(
            rate,
            &[Stage {
                duration,
                target: rate,
            }],
        )
    }

    /// A rate that starts at `start` per second and passes through `stages`.
    #[must_use]
    pub fn ramping(start: f64, stages: &[Stage]) -> Self {
        let mut segments = Vec::with_capacity(stages.len());
        let (mut from, mut begins, mut before) = (start, 0.0, 0.0);
        for stage in stages {
            let duration = stage.duration.as_secs_f64();
            if duration > 0.0 {
                segments.push(Segment {
                    start: begins,
                    duration,
                    from,
                    to: stage.target,
                    before,
                });
            }
            before += (from + stage.target) / 2.0 * duration;
            begins += duration;
            from = stage.target;
        }
        Self {
            segments,
            total: before,
        }
    }

    /// How many arrivals are due in all.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a non-negative count; the cast saturates"
    )]
    pub fn total(&self) -> u64 {
        // The integral is a float: 10/s for 0.3 s is a hair under 3.
        (self.total - 1e-9).ceil().max(0.0) as u64
    }

    /// When arrival `n` (from 0) is due, since the profile's start; `None` past its end.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 arrivals")]
    pub fn due(&self, n: u64) -> Option<Duration> {
        if n >= self.total() {
            return None;
        }
        let n = n as f64;
        let index = self
            .segments
            .partition_point(|segment| segment.before <= n)
            .checked_sub(1)?;
        let segment = self.segments.get(index)?;
        let wanted = n - segment.before;
        let slope = (segment.to - segment.from) / segment.duration;
        // The root of from·x + slope/2·x² = wanted, in the form that stays exact for slope → 0.
        let root = (segment.from * segment.from + 2.0 * slope * wanted)
            .max(0.0)
            .sqrt();
        let divisor = segment.from + root;
        let offset = if divisor > 0.0 {
            2.0 * wanted / divisor
        } else {
            0.0
        };
        Some(Duration::from_secs_f64(
            segment.start + offset.min(segment.duration),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(seconds: f64, target: f64) -> Stage {
        Stage {
            duration: Duration::from_secs_f64(seconds),
            target,
        }
    }

    #[test]
    fn a_constant_rate_keeps_its_period_from_the_start() {
        let arrivals = Arrivals::constant(50.0, Duration::from_secs(2));
        assert_eq!(arrivals.total(), 100);
        assert_eq!(arrivals.due(0), Some(Duration::ZERO));
        assert_eq!(arrivals.due(50), Some(Duration::from_secs(1)));
        assert_eq!(arrivals.due(100), None);
    }

    #[test]
    fn a_ramp_follows_the_integral_of_the_rate() {
        let arrivals = Arrivals::ramping(0.0, &[stage(10.0, 10.0)]);
        assert_eq!(arrivals.total(), 50);
        // t²/2 = 25 at t = 7.07
        let due = arrivals.due(25).unwrap().as_secs_f64();
        assert!((due - 50f64.sqrt()).abs() < 1e-6, "{due}");
    }

    #[test]
    fn arrivals_never_go_backwards_over_stages() {
        let stages = [
            stage(1.0, 100.0),
            stage(0.0, 10.0),
            stage(2.0, 10.0),
            stage(1.0, 0.0),
            stage(1.0, 0.0),
            stage(1.0, 50.0),
        ];
        let arrivals = Arrivals::ramping(20.0, &stages);
        assert_eq!(arrivals.total(), 60 + 20 + 5 + 25);
        let mut last = Duration::ZERO;
        for n in 0..arrivals.total() {
            let due = arrivals.due(n).unwrap();
            assert!(due >= last, "arrival {n} at {due:?} after {last:?}");
            last = due;
        }
        assert!(last <= length(&stages));
    }

    #[test]
    fn a_rate_of_zero_has_no_arrivals() {
        let arrivals = Arrivals::ramping(0.0, &[stage(5.0, 0.0)]);
        assert_eq!((arrivals.total(), arrivals.due(0)), (0, None));
    }
}
