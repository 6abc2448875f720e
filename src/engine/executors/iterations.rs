//! `shared-iterations` and `per-vu-iterations`: a number of iterations, however long they take.

use std::rc::Rc;
use std::time::Duration;

use crate::base::units::show_duration;
use crate::engine::fields::Fields;
use crate::engine::share::Share;
use crate::engine::user::Work;

use super::{Executor, ExecutorKind, counted, users};

const KEYS: &[&str] = &["vus", "iterations", "max_duration"];

pub(super) const SHARED: ExecutorKind = ExecutorKind {
    name: "shared-iterations",
    keys: KEYS,
    read: |fields| Executor::SharedIterations(SharedIterations::read(fields)),
};

pub(super) const PER_VU: ExecutorKind = ExecutorKind {
    name: "per-vu-iterations",
    keys: KEYS,
    read: |fields| Executor::PerVuIterations(PerVuIterations::read(fields)),
};

/// Users take iterations from one pool, so that a fast one does more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedIterations {
    /// How many users; default 1.
    pub vus: u32,
    /// How many iterations in all, at least as many as users; default one per user.
    pub iterations: u64,
    /// When to stop although some are left; default 10 minutes.
    pub max_duration: Duration,
}

/// Every user does the same number of iterations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerVuIterations {
    /// How many users; default 1.
    pub vus: u32,
    /// How many iterations each; default 1.
    pub iterations: u64,
    /// When to stop although some are left; default 10 minutes.
    pub max_duration: Duration,
}

const MAX_DURATION: Duration = Duration::from_secs(600);

impl SharedIterations {
    fn read(fields: &Fields) -> Self {
        let vus = fields.at_least_one("vus", 1);
        let iterations = fields.at_least_one("iterations", u64::from(vus));
        if iterations > 0 && iterations < u64::from(vus) {
            fields.note(
                "iterations",
                &format!(
                    "{iterations} is fewer than the {vus} users that share them; lower `vus` or raise it"
                ),
            );
        }
        Self {
            vus,
            iterations,
            max_duration: fields.or("max_duration", MAX_DURATION),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!(
            "{} shared by {}, at most {}",
            counted(self.iterations, "iteration"),
            users(self.vus),
            show_duration(self.max_duration)
        )
    }

    /// Runs this worker's users until the pool is empty.
    pub async fn run(&self, share: &Rc<Share>) {
        let until = share.begin() + self.max_duration;
        for number in share.own(self.vus) {
            share
                .launch(number, Work::shared(until, self.iterations))
                .await;
        }
        share.finish_by(until).await;
    }
}

impl PerVuIterations {
    fn read(fields: &Fields) -> Self {
        Self {
            vus: fields.at_least_one("vus", 1),
            iterations: fields.at_least_one("iterations", 1),
            max_duration: fields.or("max_duration", MAX_DURATION),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!(
            "{} for each of {}, at most {}",
            counted(self.iterations, "iteration"),
            users(self.vus),
            show_duration(self.max_duration)
        )
    }

    /// Runs this worker's users until each has done its part.
    pub async fn run(&self, share: &Rc<Share>) {
        let until = share.begin() + self.max_duration;
        for number in share.own(self.vus) {
            share
                .launch(number, Work::each(until, self.iterations))
                .await;
        }
        share.finish_by(until).await;
    }
}
