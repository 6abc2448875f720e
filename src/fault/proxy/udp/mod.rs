//! Datagrams through a proxy: a session per client, with faults per direction.

mod flow;
mod relay;
mod session;

pub use relay::{Desk, Relay};
