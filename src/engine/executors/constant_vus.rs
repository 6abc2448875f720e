//! `constant-vus`: a fixed number of users, each as fast as it can, for a duration.

use std::rc::Rc;
use std::time::Duration;

use crate::base::units::show_duration;
use crate::engine::fields::Fields;
use crate::engine::share::Share;
use crate::engine::user::Work;

use super::{Executor, ExecutorKind, users};

pub(super) const KIND: ExecutorKind = ExecutorKind {
    name: "constant-vus",
    keys: &["vus", "duration"],
    read: |fields| Executor::ConstantVus(ConstantVus::read(fields)),
};

/// A closed model: the next iteration of a user starts when its last one has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstantVus {
    /// How many users; default 1.
    pub vus: u32,
    /// How long; required.
    pub duration: Duration,
}

impl ConstantVus {
    fn read(fields: &Fields) -> Self {
        Self {
            vus: fields.at_least_one("vus", 1),
            duration: fields.some_time("duration"),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!("{} for {}", users(self.vus), show_duration(self.duration))
    }

    /// Runs this worker's share until the duration has passed.
    pub async fn run(&self, share: &Rc<Share>) {
        let until = share.begin() + self.duration;
        for number in share.own(self.vus) {
            share.launch(number, Work::until(until)).await;
        }
        share.finish_by(until).await;
    }
}
