//! Faults on containers, through the engine that runs them.
//!
//! ```text
//! kill …    one fault, one file
//! part      what they have in common: one part for each container, with its record
//! life      containers that were ended, and bringing them back
//! limits    limits in one form, whichever way the engine writes them
//! throttle  limits of block I/O, in the control group
//! exec      a command inside a container
//! swarm/    services and nodes of a swarm, and what it keeps for them
//! fixture   what scripts make for themselves: run, network, volume, image, compose
//! reads     how a container is, what it wrote and uses; events
//! list      which ones there are
//! select    which containers are meant
//! trouble   what an engine's errors mean for a fault
//! ```

mod compose;
mod custom;
mod disconnect;
mod events;
mod exec;
mod fixture;
mod image;
mod kill;
mod life;
mod limit;
mod limits;
mod list;
mod network;
mod oom;
mod part;
mod pause;
mod reads;
mod remove;
mod restart;
mod run;
mod select;
mod stop;
mod swarm;
mod tar;
mod throttle;
mod trouble;
mod volume;

pub use compose::{Compose, KIND as COMPOSE};
pub use custom::{Custom, KIND as CUSTOM};
pub use disconnect::{Disconnect, KIND as DISCONNECT};
pub use exec::{Ended, Exec};
pub use fixture::OWNER;
pub use image::{Image, KIND as BUILD};
pub use kill::{KIND as KILL, Kill};
pub use limit::{KIND as LIMIT, Limit};
pub use limits::Limits;
pub use network::{KIND as NETWORK, Network};
pub use oom::{KIND as OOM, Oom, Victim};
pub use part::On;
pub use pause::{KIND as PAUSE, Pause};
pub use reads::Usage;
pub use remove::{KIND as REMOVE, Remove};
pub use restart::{KIND as RESTART, Restart};
pub use run::{Health, KIND as RUN, Port, Run};
pub use select::{Container, Containers, PROTECT, pattern};
pub use stop::{KIND as STOP, Stop};
pub use swarm::{
    Availability, CONFIG, CONFIG_LOSS, Change, Config, ConfigLoss, LostConfig, LostNetwork,
    LostSecret, LostService, NETWORK_LOSS, NODE, NetworkLoss, Node, NodeChange, Role, SECRET,
    SECRET_LOSS, SERVICE, SERVICE_LOSS, Secret, SecretLoss, Service, ServiceLoss,
};
pub use throttle::Throttle;
pub use volume::{KIND as VOLUME, Volume};

use super::spec::{Kind, Query};

/// The kinds of this family.
pub const KINDS: &[Kind] = &[
    compose::KIND,
    custom::KIND,
    disconnect::KIND,
    image::KIND,
    kill::KIND,
    limit::KIND,
    network::KIND,
    oom::KIND,
    pause::KIND,
    remove::KIND,
    restart::KIND,
    run::KIND,
    stop::KIND,
    swarm::CONFIG,
    swarm::CONFIG_LOSS,
    swarm::NETWORK_LOSS,
    swarm::NODE,
    swarm::SECRET,
    swarm::SECRET_LOSS,
    swarm::SERVICE,
    swarm::SERVICE_LOSS,
    volume::KIND,
];

/// What can be asked about containers.
pub const QUERIES: &[Query] = &[
    events::EVENTS,
    list::LIST,
    reads::EXEC,
    reads::INSPECT,
    reads::LOGS,
    reads::STATS,
    reads::TOP,
    swarm::CONFIGS,
    swarm::NETWORKS,
    swarm::NODES,
    swarm::SECRETS,
    swarm::SERVICES,
    swarm::TASKS,
];
