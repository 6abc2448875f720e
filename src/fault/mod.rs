//! What can be injected and undone; one fault, one file, and no Lua here.
//!
//! ```text
//! spec      a fault as data, and the kinds there are   (each family has its list KINDS)
//! life      the trait that every fault implements      (preflight, inject, inspect, renew, heal)
//! context   what a fault knows of the run, and what faults of one agent share
//! stack     several faults on one value: baseline, effective value, last one out restores
//! target    what faults act on
//! pick      which of the targets that match
//! child     children that die with the agent
//! stub      what a child is first: it places itself, and then becomes the program
//! place     where a target is: root folder, control groups
//! ramp      effects that grow over time
//! outcome   how the heals of several parts end as one
//! ```

mod child;
mod context;
mod control_group;
pub mod docker;
pub mod http_proxy;
pub mod inline;
mod life;
pub mod net;
mod outcome;
mod pick;
mod place;
pub mod process;
mod protect;
pub mod proxy;
mod ramp;
mod spec;
mod stack;
pub mod stress;
mod stub;
mod target;
mod trouble;

pub use child::{Children, ended};
pub use context::{Context, Shared};
pub use life::{Fault, Healed, Preflight, Resource, Sharing, Sight, Survives, Tier};
pub use pick::Pick;
pub use protect::Protected;
pub use spec::{Built, Kind, Query, Spec, find, kinds, queries};
pub use stack::{Stack, Stacks};
pub use stub::{Role, Stub};
pub use target::Target;
pub use trouble::Trouble;
