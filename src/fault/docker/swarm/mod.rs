//! Faults on what a swarm keeps: a setting is changed, and put back if it is still ours; or something is lost, and made
//! anew.
//!
//! ```text
//! setting      what settings have in common
//! service      replicas, limits, image, tasks started anew, rolled back
//! node         availability, role
//! loss, lost   what losses have in common: who used it, and giving it back
//! store        what secrets and configs have in common
//! secret …     secrets, configs, networks, definitions of services
//! edit         changing a service that the swarm changes too
//! reads        what services, tasks and nodes are like; stores of secrets and configs
//! ```

mod config;
mod definition;
mod edit;
mod loss;
mod lost;
mod network;
mod node;
mod reads;
mod secret;
mod service;
mod setting;
mod store;
mod stores;

pub use config::{Config, ConfigLoss, KIND as CONFIG, LOSS as CONFIG_LOSS, LostConfig};
pub use definition::{LOSS as SERVICE_LOSS, LostService, ServiceLoss};
pub use network::{LOSS as NETWORK_LOSS, LostNetwork, NetworkLoss};
pub use node::{Availability, KIND as NODE, Node, NodeChange, Role};
pub(super) use reads::{NODES, SERVICES, TASKS};
pub use secret::{KIND as SECRET, LOSS as SECRET_LOSS, LostSecret, Secret, SecretLoss};
pub use service::{Change, KIND as SERVICE, Service};
pub(super) use stores::{CONFIGS, NETWORKS, SECRETS};
