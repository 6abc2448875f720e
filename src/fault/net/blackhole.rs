//! `netfault.blackhole`: packets vanish without a word.

use serde::{Deserialize, Serialize};

use super::compile::Arm;
use super::filter::Filter;
use super::nft::Expression;
use super::packets::{Packets, kind, plan_one};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Blackhole {
    /// Whose packets.
    pub target: Target,
    /// Which of them.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = kind("netfault.blackhole", |spec, context| {
    let options: Blackhole = spec.read()?;
    let arms = Arm::all(vec![Expression::Count, Expression::Drop]);
    Ok(Packets::boxed(
        context,
        "dropped",
        Box::new(move |context| {
            let Blackhole { target, filter } = &options;
            plan_one(context, target, filter, "packets are dropped", &arms)
        }),
    ))
});
