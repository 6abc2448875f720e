//! `netfault.corrupt`: a share of the packets arrives with a bit flipped.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::loss::percent;
use super::queue::{Impairment, Share};
use super::shaped::{Shaped, kind};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Corrupt {
    /// Whose packets.
    pub target: Target,
    /// How many of them.
    pub corrupt: Share,
    /// Which ones are meant at all.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = kind("netfault.corrupt", |spec, context| {
    let options: Corrupt = spec.read()?;
    let share = percent(options.corrupt.share);
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect: format!("{share}% of the packets have a bit flipped"),
        impairment: Impairment {
            corrupt: Some(options.corrupt),
            ..Impairment::default()
        },
    };
    Ok(shaped.boxed(context, "damaged"))
});
