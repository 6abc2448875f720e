//! The agent: the only part of rchaos that injects on a host, and what surely heals it.
//!
//! ```text
//! client     the controller's end: starts agents, beats, orders, records
//! protocol   what is said on the agent's standard streams, one JSON object a line
//! guardian   parent of the worker; watches it, and heals the journal in its place
//! worker     builds, injects, verifies, holds, renews, heals
//! journal    what was done and how it is undone, on disk before the effect
//! roster     the agents of this host, live and dead
//! recover    heals what dead agents left
//! ```

mod audit;
pub mod client;
mod deadman;
mod guardian;
mod host;
mod journal;
mod ledger;
mod paths;
pub mod protocol;
mod recover;
mod roster;
#[cfg(test)]
mod tests;
mod worker;

pub use deadman::stop_for as stop_deadman;
pub use guardian::{GuardianArgs, guard};
pub use host::{name as host_name, now as boot_time};
pub use journal::{Journal, JournalError, Read, Record, State, Unhealed};
pub use paths::{Paths, PathsError};
pub use recover::{Recovered, Recovery, recover};
pub use roster::{Entry, Life, roster};
pub use worker::{WorkerArgs, work};
