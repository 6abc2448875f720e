//! An HTTP reverse proxy that misbehaves by rule: which requests, which share of them, what happens.
//!
//! ```text
//! handle    one proxy as its owner sees it, and its thread
//! rule      which requests a rule is for, and its counters
//! kinds/    what a rule can do; one fault, one file
//! serve     one client connection: HTTP/1.1, or HTTP/2 by prior knowledge
//! exchange  one request: the rules, the upstream, the answer
//! upstream  connections to the upstream: TCP, TLS, Unix; HTTP/1.1 or HTTP/2
//! body      bodies as they stream by
//! ```
//!
//! Each proxy has a thread with a runtime of its own: bodies stream, so that memory is bounded by
//! what the sockets hold.

mod body;
mod exchange;
mod glob;
mod handle;
pub mod kinds;
#[cfg(test)]
mod loopback;
mod origin;
mod rule;
mod serve;
mod upstream;
mod wire;

pub use handle::{HttpProxy, HttpProxyOptions, MOST_RULES, RuleError};
pub use origin::{Origin, OriginError, OriginTls, Version};
pub use rule::{HttpFault, Match, Rule, RuleStatus};
