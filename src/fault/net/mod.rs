//! Faults on packets, set in the kernel of the target's own network namespace, without tools there.
//!
//! ```text
//! blackhole …   one fault, one file
//! packets       what faults have in common that match packets and do something to them
//! filter        which packets, as scripts say it        resolve   names and targets to addresses
//! compile       a filter as rules, step by step (steps)  rules     rules in one namespace, held and removed
//! steer         impaired by the kernel itself, in classes  netem    what happens to packets there
//! lanes         one fault at a time has the kernel do it
//! follow        planned again while it is live        owned     processes that share the host's network
//! attachment    the agent's table in a namespace        nft/      nf_tables
//! namespace/    found, entered, made                    route/    links and addresses
//! queue/        packets held in user space              sockets   listed and destroyed
//! netlink/      the way to the kernel for all of them
//! ```

mod attachment;
mod bandwidth;
mod blackhole;
mod compile;
mod corrupt;
mod cut;
pub mod dns;
mod duplicate;
mod filter;
mod follow;
mod impair;
mod lanes;
mod latency;
mod loss;
pub mod namespace;
mod netem;
pub mod netlink;
mod network;
pub mod nft;
mod owned;
mod packets;
mod partition;
mod probe;
pub mod queue;
mod reject;
mod reorder;
mod resolve;
pub mod route;
mod rules;
mod shaped;
pub mod sockets;
mod sockopt;
mod steer;
mod steps;

pub(in crate::fault) use sockopt::drop_all_received;

use super::spec::Kind;

/// The kinds of this family.
pub const KINDS: &[Kind] = &[
    bandwidth::KIND,
    blackhole::KIND,
    corrupt::KIND,
    cut::KIND,
    dns::KIND,
    duplicate::KIND,
    impair::KIND,
    latency::KIND,
    loss::KIND,
    network::KIND,
    partition::KIND,
    reject::KIND,
    reorder::KIND,
];

pub use bandwidth::{Bandwidth, KIND as BANDWIDTH};
pub use blackhole::{Blackhole, KIND as BLACKHOLE};
pub use corrupt::{Corrupt, KIND as CORRUPT};
pub use cut::{Cut, KIND as CUT};
pub use dns::{Dns, KIND as DNS};
pub use duplicate::{Duplicate, KIND as DUPLICATE};
pub use filter::{Direction, Filter, FilterError, Network, Peer, Ports, Protocol};
pub use impair::{Impair, KIND as IMPAIR};
pub use latency::{KIND as LATENCY, Latency};
pub use loss::{KIND as LOSS, Loss};
pub use network::{KIND as NETWORK, NetworkOf};
pub use partition::{KIND as PARTITION, Partition};
pub use reject::{Answer, KIND as REJECT, Reject};
pub use reorder::{KIND as REORDER, Reorder};
