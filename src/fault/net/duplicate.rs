//! `netfault.duplicate`: a share of the packets arrives twice.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::loss::percent;
use super::queue::{Impairment, Share};
use super::shaped::{Shaped, queued};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Duplicate {
    /// Whose packets.
    pub target: Target,
    /// How many of them.
    pub duplicate: Share,
    /// Which ones are meant at all.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = queued("netfault.duplicate", |spec, context| {
    let options: Duplicate = spec.read()?;
    let share = percent(options.duplicate.share);
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect: format!("{share}% of the packets arrive twice"),
        impairment: Impairment {
            duplicate: Some(options.duplicate),
            ..Impairment::default()
        },
    };
    Ok(shaped.boxed(context, "doubled"))
});
