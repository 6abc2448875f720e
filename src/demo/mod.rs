//! The target that examples run against: a small HTTP shop with a cache and a store behind it.
//!
//! All three listen on loopback only, and the shop reaches the other two over TCP, so that a proxy
//! can sit between and something can degrade.

mod backing;
mod endpoint;
mod front;
mod guard;
mod line;
mod peer;
mod playground;
mod reply;
mod server;
mod shop;
mod stats;
mod store;
#[cfg(test)]
mod tests;

pub use guard::{BreakerOptions, BulkheadOptions, Protections};
pub use shop::{Addresses, DemoError, Shop, ShopOptions, serve};
