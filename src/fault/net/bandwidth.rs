//! `netfault.bandwidth`: packets pass no faster than a rate.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::queue::{Impairment, Pace};
use super::shaped::{Shaped, kind};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Whose packets.
    pub target: Target,
    /// How fast.
    pub pace: Pace,
    /// Which of them.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = Kind {
    probe: super::probe::bandwidth,
    ..HELD
};

const HELD: Kind = kind("netfault.bandwidth", |spec, context| {
    let options: Bandwidth = spec.read()?;
    let megabits = (options.pace.rate * 8.0 / 1e3).round() / 1e3;
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect: format!("packets pass at {megabits} Mbit/s"),
        impairment: Impairment {
            pace: Some(options.pace),
            ..Impairment::default()
        },
    };
    Ok(shaped.boxed(context, "slowed"))
});
