//! `ramping-vus`: a number of users that changes in stages.

use std::rc::Rc;
use std::time::Duration;

use crate::base::units::show_duration;
use crate::engine::arrivals::{self, Stage};
use crate::engine::fields::Fields;
use crate::engine::ramp;
use crate::engine::share::Share;
use crate::engine::user::Work;

use super::{Executor, ExecutorKind, counted, users};

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "ramping-vus",
    keys: &["start_vus", "stages", "graceful_ramp_down"],
    read: |fields| Executor::RampingVus(RampingVus::read(fields)),
};

/// A closed model whose number of users follows straight lines between stages.
#[derive(Debug, Clone, PartialEq)]
pub struct RampingVus {
    /// How many users at the start; default 1.
    pub start_vus: u32,
    /// Where the number goes; at least one stage.
    pub stages: Vec<Stage>,
    /// How long a user that has to go may finish its iteration; default 30 s.
    pub graceful_ramp_down: Duration,
}

impl RampingVus {
    fn read(fields: &Fields) -> Self {
        Self {
            start_vus: fields.or("start_vus", 1),
            stages: fields.stages_of_users(),
            graceful_ramp_down: fields.or("graceful_ramp_down", Duration::from_secs(30)),
        }
    }

    /// The most users that the profile wants.
    #[must_use]
    pub fn peak(&self) -> u32 {
        ramp::peak(self.start_vus, &self.stages)
    }

    /// How long all stages take.
    #[must_use]
    pub fn length(&self) -> Duration {
        arrivals::length(&self.stages)
    }

    pub(super) fn describe(&self) -> String {
        format!(
            "up to {} in {} over {}",
            users(self.peak()),
            counted(self.stages.len() as u64, "stage"),
            show_duration(self.length())
        )
    }

    /// Starts and retires this worker's users as the profile asks.
    pub async fn run(&self, share: &Rc<Share>) {
        let until = share.begin() + self.length();
        let mut wanted = 0;
        for step in ramp::steps(self.start_vus, &self.stages) {
            share.wait_until(share.begin() + step.at).await;
            if share.stopping() {
                return;
            }
            for number in share.own_between(wanted, step.vus) {
                share.launch(number, Work::until(until)).await;
            }
            for number in share.own_between(step.vus, wanted) {
                share.retire(number, self.graceful_ramp_down);
            }
            wanted = step.vus;
        }
        share.wait_until(until).await;
    }
}
