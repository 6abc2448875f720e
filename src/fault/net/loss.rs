//! `netfault.loss`: a share of the packets does not arrive.

use serde::{Deserialize, Serialize};

use super::compile::Arm;
use super::filter::Filter;
use super::nft::{Compare, Expression, Field};
use super::packets::{Packets, plan_one};
use super::queue::{Impairment, Loss as Model, Share};
use super::shaped::{Shaped, kind};
use crate::fault::{Context, Fault, Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Loss {
    /// Whose packets.
    pub target: Target,
    /// Which of them are lost.
    pub loss: Model,
    /// Which ones are meant at all.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = kind("netfault.loss", |spec, context| {
    let options: Loss = spec.read()?;
    Ok(match options.loss {
        Model::Random(Share {
            share,
            correlation: 0.0,
        }) => independent(context, options, share),
        model => modelled(context, options, model),
    })
});

/// How finely the kernel draws.
const STEPS: u32 = 1_000_000;

/// Each packet by itself: the kernel can do that.
fn independent(context: &Context, options: Loss, share: f64) -> Box<dyn Fault> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 1, and a float cast saturates"
    )]
    let below = (share * f64::from(STEPS)).round() as u32;
    let arms = Arm::all(vec![
        Expression::Load(Field::Random { below: STEPS }),
        Expression::Compare(Compare::Below, below.to_be_bytes().to_vec()),
        Expression::Count,
        Expression::Drop,
    ]);
    let effect = format!("{}% of the packets are lost", percent(share));
    Packets::boxed(
        context,
        "lost",
        Box::new(move |context| {
            let Loss { target, filter, .. } = &options;
            plan_one(context, target, filter, &effect, &arms)
        }),
    )
}

/// Packets with a memory of those before them.
fn modelled(context: &Context, options: Loss, model: Model) -> Box<dyn Fault> {
    let effect = match model {
        Model::Random(share) => format!("{}% of the packets are lost", percent(share.share)),
        Model::Gilbert { .. } => "packets are lost in two states".to_owned(),
        Model::States { .. } => "packets are lost in four states".to_owned(),
    };
    let shaped = Shaped {
        target: options.target,
        filter: options.filter,
        effect,
        impairment: Impairment {
            loss: Some(model),
            ..Impairment::default()
        },
    };
    shaped.boxed(context, "lost")
}

/// A share as messages show it.
pub(super) fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}
