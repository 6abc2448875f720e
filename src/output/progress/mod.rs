//! Progress while a run goes on: redrawn in place on a terminal, plain lines elsewhere.

use std::sync::Arc;
use std::time::Duration;

use super::{Event, Series, Tier};

pub(super) mod line;
mod printer;

pub use printer::{Mode, ProgressPrinter};

/// How a run stands at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Time since the run began.
    pub at: Duration,
    /// The scenarios in the order of the script.
    pub scenarios: Vec<ScenarioProgress>,
    /// What a live view shows besides; `None` where nobody looks at one.
    pub detail: Option<Detail>,
}

/// What a live view shows besides the scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The load second by second, up to now.
    pub series: Arc<Series>,
    /// The faults that are in place, or about to be.
    pub faults: Vec<FaultProgress>,
    /// The last events of the timeline, oldest first.
    pub events: Vec<Event>,
}

/// How a fault stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultProgress {
    /// Its name.
    pub name: String,
    /// What it does to whom: `blackhole n1 → n2:5432`.
    pub label: String,
    /// What heals it should rchaos die; `None` before the agent has looked.
    pub tier: Option<Tier>,
    /// Where it is in its life: `planned`, `live`, `seen to act`, `not healed`.
    pub state: &'static str,
    /// Time since it was put in force; `None` before.
    pub since: Option<Duration>,
    /// Time until it ends by itself; `None` if its scope ends it.
    pub left: Option<Duration>,
}

/// How a scenario stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioProgress {
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub state: ScenarioState,
    /// The stage it is in, in words (`stage 2/3`); empty without stages.
    pub stage: String,
    /// Time since it began.
    pub elapsed: Duration,
    /// Time it takes; `None` if iterations decide.
    pub total: Option<Duration>,
    /// Iterations it is to run; `None` if time decides.
    pub total_iterations: Option<u64>,
    /// Virtual users at work.
    pub vus: u64,
    /// Virtual users there may be.
    pub max_vus: u64,
    /// Iterations per second of late.
    pub rate: f64,
    /// Iterations that ended in an error, since it began.
    pub errors: u64,
    /// The 95th percentile of `http_req_duration` of late, in milliseconds; `None` without samples.
    pub p95_ms: Option<f64>,
    /// Iterations ended since it began.
    pub iterations: u64,
    /// Iterations that could not start in time.
    pub dropped: u64,
}

/// Where a scenario is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioState {
    /// Has not begun.
    Waiting,
    /// Starts iterations.
    Running,
    /// Starts no more, lets the last ones end.
    Stopping,
    /// Has ended.
    Done,
}

impl ScenarioState {
    /// Whether iterations may be under way.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Stopping)
    }
}
