//! When virtual users of a ramping profile come and go, as a pure list of steps.

use std::time::Duration;

use super::arrivals::Stage;

/// From `at` on, the profile wants `vus` virtual users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Since the profile's start.
    pub at: Duration,
    /// How many virtual users from then on.
    pub vus: u32,
}

/// Every change of the number of virtual users, in order; the first step is at zero. A stage of
/// zero length jumps; otherwise each whole number is taken on when the straight line reaches it.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "targets were read as u32"
)]
pub fn steps(start: u32, stages: &[Stage]) -> Vec<Step> {
    let mut steps = vec![Step {
        at: Duration::ZERO,
        vus: start,
    }];
    let mut current = start;
    let mut begins = Duration::ZERO;
    for stage in stages {
        let target = stage.target as u32;
        let distance = target.abs_diff(current);
        if stage.duration.is_zero() {
            steps.push(Step {
                at: begins,
                vus: target,
            });
        } else {
            for passed in 1..=distance {
                let share = f64::from(passed) / f64::from(distance);
                steps.push(Step {
                    at: begins + stage.duration.mul_f64(share),
                    vus: if target > current {
                        current + passed
                    } else {
                        current - passed
                    },
                });
            }
        }
        begins += stage.duration;
        current = target;
    }
    steps
}

/// The most virtual users that a ramping profile ever wants.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "targets were read as u32"
)]
pub fn peak(start: u32, stages: &[Stage]) -> u32 {
    stages
        .iter()
        .map(|stage| stage.target as u32)
        .fold(start, u32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(seconds: u64, target: u32) -> Stage {
        Stage {
            duration: Duration::from_secs(seconds),
            target: f64::from(target),
        }
    }

    #[test]
    fn users_come_and_go_on_a_straight_line() {
        let seen: Vec<(u64, u32)> = steps(0, &[stage(2, 2), stage(1, 2), stage(2, 0)])
            .iter()
            .map(|step| (step.at.as_secs(), step.vus))
            .collect();
        assert_eq!(seen, [(0, 0), (1, 1), (2, 2), (4, 1), (5, 0)]);
    }

    #[test]
    fn a_stage_of_no_length_jumps() {
        let seen: Vec<u32> = steps(5, &[stage(0, 50), stage(1, 50), stage(0, 0)])
            .iter()
            .map(|step| step.vus)
            .collect();
        assert_eq!(seen, [5, 50, 0]);
        assert_eq!(peak(5, &[stage(0, 50), stage(0, 0)]), 50);
    }
}
