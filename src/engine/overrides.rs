//! What the command line changes of a plan: users, duration, iterations, and which scenarios run.

use std::time::Duration;

use crate::base::scale::TimeScale;
use crate::base::text::{nearest, quoted};

use super::executors::{ConstantVus, Executor, SharedIterations};
use super::plan::{Plan, ScenarioPlan, StartAfter};

/// Values of `--vus`, `--duration`, `--iterations` and `--only`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Users: of a closed model how many, of an open model at most how many.
    pub vus: Option<u32>,
    /// How long: a duration as it is, stages stretched or shortened to it.
    pub duration: Option<Duration>,
    /// Iterations in all, shared by the users.
    pub iterations: Option<u64>,
    /// Names of the scenarios to run; empty means all.
    pub only: Vec<String>,
    /// How much shorter than written scenarios are.
    pub time_scale: TimeScale,
}

impl Overrides {
    /// Applies them to a plan; returns the names of the scenarios that are left out.
    ///
    /// # Errors
    ///
    /// A name that no scenario has; the message says which are there.
    pub fn apply(&self, plan: &mut Plan) -> Result<Vec<String>, String> {
        let left_out = self.select(plan)?;
        for scenario in &mut plan.scenarios {
            self.shorten(scenario);
            if let Some(iterations) = self.iterations {
                let vus = self.vus.unwrap_or_else(|| scenario.executor.max_vus());
                scenario.executor = Executor::SharedIterations(SharedIterations {
                    vus: u32::try_from(iterations)
                        .unwrap_or(u32::MAX)
                        .min(vus)
                        .max(1),
                    iterations,
                    max_duration: self.duration.unwrap_or(Duration::from_secs(600)),
                });
                continue;
            }
            if let Some(vus) = self.vus {
                set_vus(&mut scenario.executor, vus);
            }
            if let Some(duration) = self.duration {
                set_duration(&mut scenario.executor, duration);
            }
        }
        Ok(left_out)
    }

    /// What is written lasts as long as the time scale says; what the command line gives is meant as it is.
    fn shorten(&self, scenario: &mut ScenarioPlan) {
        if self.time_scale.is_real() {
            return;
        }
        if let StartAfter::Offset(offset) = &mut scenario.start {
            *offset = self.time_scale.of(*offset);
        }
        match &mut scenario.executor {
            // Their end is the last iteration; the duration is a time-out.
            Executor::SharedIterations(_) | Executor::PerVuIterations(_) => {}
            executor => {
                let duration = self.time_scale.of(executor.length());
                set_duration(executor, duration);
            }
        }
    }

    fn select(&self, plan: &mut Plan) -> Result<Vec<String>, String> {
        let names: Vec<String> = plan
            .scenarios
            .iter()
            .map(|scenario| scenario.name.to_string())
            .collect();
        for wanted in &self.only {
            if !names.contains(wanted) {
                let hint = nearest(wanted, names.iter().map(String::as_str)).map_or_else(
                    || format!("the scenarios are {}", names.join(", ")),
                    |near| format!("did you mean \"{near}\"?"),
                );
                return Err(format!(
                    "--only: no scenario is called {}; {hint}",
                    quoted(wanted)
                ));
            }
        }
        let mut left_out = Vec::new();
        if !self.only.is_empty() {
            left_out.extend(names.into_iter().filter(|name| !self.only.contains(name)));
            plan.scenarios
                .retain(|scenario| self.only.iter().any(|name| **name == *scenario.name));
            // What a scenario waits for may not run now; then it starts with the run.
            for scenario in &mut plan.scenarios {
                if let StartAfter::Scenario(name) = &scenario.start
                    && !self.only.iter().any(|only| **only == **name)
                {
                    scenario.start = StartAfter::Offset(Duration::ZERO);
                }
            }
        }
        Ok(left_out)
    }
}

fn set_vus(executor: &mut Executor, vus: u32) {
    match executor {
        Executor::SharedIterations(profile) => {
            profile.vus = vus;
            profile.iterations = profile.iterations.max(u64::from(vus));
        }
        Executor::PerVuIterations(profile) => profile.vus = vus,
        Executor::ConstantVus(profile) => profile.vus = vus,
        Executor::RampingVus(profile) => {
            let duration = profile.length();
            *executor = Executor::ConstantVus(ConstantVus { vus, duration });
        }
        Executor::ArrivalRate(profile) => profile.max_vus = vus,
    }
}

fn set_duration(executor: &mut Executor, duration: Duration) {
    let stages = match executor {
        Executor::SharedIterations(profile) => {
            profile.max_duration = duration;
            return;
        }
        Executor::PerVuIterations(profile) => {
            profile.max_duration = duration;
            return;
        }
        Executor::ConstantVus(profile) => {
            profile.duration = duration;
            return;
        }
        Executor::RampingVus(profile) => &mut profile.stages,
        Executor::ArrivalRate(profile) => &mut profile.stages,
    };
    let total: Duration = stages.iter().map(|stage| stage.duration).sum();
    if !total.is_zero() {
        let scale = duration.as_secs_f64() / total.as_secs_f64();
        for stage in stages {
            stage.duration = stage.duration.mul_f64(scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::Stage;
    use super::super::executors::RampingVus;
    use super::*;

    fn ramp() -> Executor {
        let stage = |seconds, target| Stage {
            duration: Duration::from_secs(seconds),
            target,
        };
        Executor::RampingVus(RampingVus {
            start_vus: 1,
            stages: vec![stage(10, 20.0), stage(30, 20.0)],
            graceful_ramp_down: Duration::ZERO,
        })
    }

    #[test]
    fn a_duration_stretches_stages() {
        let mut executor = ramp();
        set_duration(&mut executor, Duration::from_secs(4));
        assert_eq!(executor.length(), Duration::from_secs(4));
        assert_eq!(executor.max_vus(), 20);
    }

    #[test]
    fn a_number_of_users_replaces_a_ramp() {
        let mut executor = ramp();
        set_vus(&mut executor, 3);
        assert_eq!(executor.describe(), "3 users for 40s");
    }
}
