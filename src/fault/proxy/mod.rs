//! A TCP and UDP proxy that misbehaves on request: faults stack per direction and change while
//! connections are open.
//!
//! ```text
//! plane    the worker threads, and where proxies are made
//! handle   one proxy as its owner sees it
//! worker   one thread: epoll, timers, connections        (no task per connection)
//! link     one direction of one connection               (copy or chain)
//! chain    the faults of one link, in creation order
//! kinds/   one fault, one file
//! udp/     datagrams: a session per client instead of a connection
//! ```
//!
//! The workers run on epoll directly: a timer is exact to some fifty microseconds where an
//! async runtime rounds to the millisecond, and an idle connection costs a few hundred bytes.

mod address;
mod chain;
mod command;
mod connection;
mod dial;
mod handle;
pub mod kinds;
mod link;
#[cfg(test)]
mod loopback;
mod plane;
mod poller;
mod protocol;
mod resolve;
mod slab;
mod socket;
mod stage;
mod status;
mod timers;
mod token;
mod toxic;
mod udp;
mod worker;

pub use address::{Address, AddressError, Target};
pub use handle::{MOST_TOXICS, Proxy, ToxicError};
pub use plane::{ListenError, Plane, ProxyOptions, listener};
pub use protocol::Protocol;
pub use status::{FaultStatus, Traffic};
pub use toxic::{Attribute, AttributeError, Fault, Number, Stream, Toxic};
