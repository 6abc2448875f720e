//! `netfault.latency`: packets arrive later.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::queue::{Delay, Impairment};
use super::shaped::{Shaped, kind};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Latency {
    /// Whose packets.
    pub target: Target,
    /// How much later, one way.
    pub delay: Delay,
    /// Which packets.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = kind("netfault.latency", |spec, context| {
    let options: Latency = spec.read()?;
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect: format!("packets are delayed by {:?}", options.delay.delay),
        impairment: Impairment {
            delay: Some(options.delay),
            ..Impairment::default()
        },
    };
    Ok(shaped.boxed(context, "delayed"))
});
