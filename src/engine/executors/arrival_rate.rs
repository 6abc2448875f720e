//! `constant-arrival-rate` and `ramping-arrival-rate`: arrivals per second, whatever the answers take.

use std::rc::Rc;
use std::time::Duration;

use crate::base::units::{Rate, show_duration};
use crate::engine::arrivals::{Arrivals, Stage, length};
use crate::engine::fields::Fields;
use crate::engine::share::Share;

use super::{Executor, ExecutorKind, counted, users};

pub(super) const CONSTANT: ExecutorKind = ExecutorKind {
    name: "constant-arrival-rate",
    keys: &["rate", "duration", "max_vus"],
    read: |fields| Executor::ArrivalRate(ArrivalRate::constant(fields)),
};

pub(super) const RAMPING: ExecutorKind = ExecutorKind {
    name: "ramping-arrival-rate",
    keys: &["start_rate", "stages", "max_vus"],
    read: |fields| Executor::ArrivalRate(ArrivalRate::ramping(fields)),
};

/// How many users there may be when the script does not say; idle ones cost a few KiB.
const MAX_VUS: u32 = 1000;

/// An open model: arrivals keep their schedule, and one that finds no free user is dropped and
/// counted, never queued (Schroeder et al. 2006, "Open Versus Closed: A Cautionary Tale").
#[derive(Debug, Clone, PartialEq)]
pub struct ArrivalRate {
    /// Arrivals per second at the start.
    pub start_rate: f64,
    /// Where the rate goes; a constant rate is one stage.
    pub stages: Vec<Stage>,
    /// The most users that may be busy at once; default 1000.
    pub max_vus: u32,
    /// Whether it was written with `rate` and `duration`.
    pub constant: bool,
}

impl ArrivalRate {
    fn constant(fields: &Fields) -> Self {
        let rate = fields.some_rate("rate");
        let duration = fields.some_time("duration");
        Self {
            start_rate: rate,
            stages: vec![Stage {
                duration,
                target: rate,
            }],
            max_vus: fields.at_least_one("max_vus", MAX_VUS),
            constant: true,
        }
    }

    fn ramping(fields: &Fields) -> Self {
        Self {
            start_rate: fields.or("start_rate", Rate(0.0)).0,
            stages: fields.stages_of_rates(),
            max_vus: fields.at_least_one("max_vus", MAX_VUS),
            constant: false,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        if self.constant {
            CONSTANT.name
        } else {
            RAMPING.name
        }
    }

    /// How long all stages take.
    #[must_use]
    pub fn length(&self) -> Duration {
        length(&self.stages)
    }

    /// The schedule.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        Arrivals::ramping(self.start_rate, &self.stages)
    }

    pub(super) fn describe(&self) -> String {
        let peak = self
            .stages
            .iter()
            .map(|stage| stage.target)
            .fold(self.start_rate, f64::max);
        let shape = if self.constant {
            format!("{}/s", shown(peak))
        } else {
            let stages = counted(self.stages.len() as u64, "stage");
            format!("up to {}/s in {stages}", shown(peak))
        };
        let time = show_duration(self.length());
        format!("{shape} for {time}, at most {}", users(self.max_vus))
    }

    /// Starts this worker's arrivals (every n-th of all) at their intended instants.
    pub async fn run(&self, share: &Rc<Share>) {
        let arrivals = self.arrivals();
        let mut n = share.index();
        while let Some(due) = arrivals.due(n) {
            let intended = share.begin() + due;
            share.wait_until(intended).await;
            if share.stopping() {
                return;
            }
            share.arrive(n, intended);
            n += share.workers();
        }
        share.wait_until(share.begin() + self.length()).await;
    }
}

/// A rate with at most two decimals.
fn shown(rate: f64) -> String {
    let text = format!("{rate:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
