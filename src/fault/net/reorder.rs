//! `netfault.reorder`: a share of the packets overtakes the others, which are delayed.

use serde::{Deserialize, Serialize};

use super::filter::Filter;
use super::loss::percent;
use super::queue::{Delay, Impairment, Reorder as Overtaking};
use super::shaped::{Shaped, kind};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reorder {
    /// Whose packets.
    pub target: Target,
    /// Which of them overtake.
    pub reorder: Overtaking,
    /// By how much.
    pub delay: Delay,
    /// Which ones are meant at all.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = kind("netfault.reorder", |spec, context| {
    let options: Reorder = spec.read()?;
    let share = percent(options.reorder.share.share);
    let delay = options.delay.delay;
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect: format!("{share}% of the packets overtake the others by {delay:?}"),
        impairment: Impairment {
            delay: Some(options.delay),
            reorder: Some(options.reorder),
            ..Impairment::default()
        },
    };
    Ok(shaped.boxed(context, "reordered"))
});
