//! Experiments: a steady state, faults in steps, a guard, and what it all comes to.

mod harness;
mod observe;
mod prober;
mod probes;
mod report;
mod state;
mod tolerance;
mod watch;

pub use harness::{Harness, RECOVERY};
pub use prober::Prober;
pub use probes::Declaring;
pub use report::summary;
pub use state::{Alert, Cut, Experiment, Guard, Steady};
pub use tolerance::Functions;
