//! Proxies as fixtures, and what they do to traffic as faults, in the hands of an agent.
//!
//! The path through a proxy dies with its holder: that is an outage, not a heal, and plan, timeline
//! and summary say so (tier `inline`).

mod http_proxy;
mod listen;
mod proxy;
mod rule;
mod shelf;
mod status;
mod toxic;

pub use http_proxy::{HttpProxyFixture, KIND as HTTP_PROXY};
pub use proxy::{KIND as PROXY, ProxyFixture};
pub use rule::RuleOptions;
pub use toxic::ToxicOptions;

use super::spec::{Kind, Query};

/// What can be asked about proxies.
pub const QUERIES: &[Query] = &[status::QUERY];

/// The kinds of this family.
pub const KINDS: &[Kind] = &[
    PROXY,
    toxic::kind("proxy.latency"),
    toxic::kind("proxy.bandwidth"),
    toxic::kind("proxy.slow_close"),
    toxic::kind("proxy.timeout"),
    toxic::kind("proxy.reset_peer"),
    toxic::kind("proxy.slicer"),
    toxic::kind("proxy.limit_data"),
    toxic::kind("proxy.packet_loss"),
    toxic::kind("proxy.noop"),
    toxic::kind("proxy.down"),
    toxic::kind("proxy.duplicate"),
    toxic::kind("proxy.reorder"),
    HTTP_PROXY,
    rule::kind("http_proxy.delay"),
    rule::kind("http_proxy.abort"),
    rule::kind("http_proxy.reset"),
    rule::kind("http_proxy.patch"),
];

#[cfg(test)]
mod tests;
