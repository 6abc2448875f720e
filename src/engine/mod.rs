//! From a loaded script to a verdict: plan, scheduling, virtual users, thresholds, result.

mod activity;
mod arrivals;
mod control;
mod crew;
mod director;
mod error_table;
mod executors;
mod fields;
mod judge;
mod memory;
mod overrides;
mod pacer;
mod plan;
mod pool;
mod progress;
mod ramp;
mod result;
mod run;
mod schedule;
mod share;
mod site;
mod stage;
mod user;
mod verbs;
mod verdict;
mod worker;

pub use control::Ending;
pub use memory::default_limit as default_memory_limit;
pub use overrides::Overrides;
pub use plan::{Plan, StartAfter};
pub use result::summarise;
pub use run::{Checked, Outcome, RunConfig, RunError, check, run};
pub use verbs::VERBS;
