//! Faults on packets as others see them: sockets in namespaces that the tests make.

mod connections;
mod cut;
mod dns;
mod follow;
mod held;
mod holder;
pub mod hosts;
pub mod rates;
