//! Faults on processes: found by what they are, held by pidfd, told apart by their start time.

mod bound;
pub(in crate::fault) mod clock;
mod find;
mod freeze;
mod guarded;
mod identity;
mod kill;
mod limit;
mod nest;
mod output;
mod owner;
mod pause;
mod ready;
mod restart;
mod rlimit;
mod running;
mod signal;
mod sockets;
mod spawn;
pub mod supervise;

pub use bound::Bound;
pub use clock::Clock;
pub use find::{Find, Found};
pub use identity::Identity;
pub use kill::{KIND as KILL, Kill};
pub(in crate::fault) use limit::preflight as limits_preflight;
pub use limit::{KIND as LIMIT, Limits};
pub(in crate::fault) use output::Output;
pub(in crate::fault) use owner::container_of;
pub use pause::{KIND as PAUSE, Pause};
pub use ready::{Ready, Sign};
pub use restart::Restart;
pub use rlimit::LimitName;
pub(in crate::fault) use rlimit::{Lowered, inspect as limits_seen, recover as limits_recover};
pub use signal::SignalName;
pub(in crate::fault) use sockets::inodes_of;
pub use spawn::{KIND as SPAWN, Spawn, Stop};
pub(in crate::fault) use supervise::{kill_marked, mark};

use super::spec::{Kind, Query};

/// The kinds of this family.
pub const KINDS: &[Kind] = &[pause::KIND, kill::KIND, limit::KIND, spawn::KIND];

/// What can be asked about processes.
pub const QUERIES: &[Query] = &[find::QUERY, spawn::QUERY];
