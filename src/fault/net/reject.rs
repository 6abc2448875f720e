//! `netfault.reject`: packets are refused aloud, with a TCP reset or an ICMP error.

use serde::{Deserialize, Serialize};

use super::compile::Arm;
use super::filter::Filter;
use super::nft::{Compare, Expression, Field, Refusal};
use super::packets::{Packets, kind, plan_one};
use crate::fault::{Kind, Target};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reject {
    /// Whose packets.
    pub target: Target,
    /// What is answered.
    pub with: Answer,
    /// Which packets.
    #[serde(flatten)]
    pub filter: Filter,
}

/// What the sender of a refused packet gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A reset to TCP, "port unreachable" to the rest.
    #[default]
    Reset,
    /// ICMP "port unreachable" to all.
    PortUnreachable,
    /// ICMP "host unreachable" to all.
    HostUnreachable,
    /// ICMP "administratively prohibited" to all.
    Prohibited,
}

impl Answer {
    /// The names.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("reset", Self::Reset),
        ("port-unreachable", Self::PortUnreachable),
        ("host-unreachable", Self::HostUnreachable),
        ("prohibited", Self::Prohibited),
    ];

    fn arms(self) -> Vec<Arm> {
        let refuse = |refusal| vec![Expression::Count, Expression::Refuse(refusal)];
        match self {
            Self::Reset => vec![
                Arm {
                    protocol: Some(6),
                    steps: pass_resets(),
                },
                Arm {
                    protocol: Some(6),
                    steps: refuse(Refusal::Reset),
                },
                Arm {
                    protocol: None,
                    steps: refuse(Refusal::PortUnreachable),
                },
            ],
            Self::PortUnreachable => Arm::all(refuse(Refusal::PortUnreachable)),
            Self::HostUnreachable => Arm::all(refuse(Refusal::HostUnreachable)),
            Self::Prohibited => Arm::all(refuse(Refusal::Prohibited)),
        }
    }
}

/// The kernel's own answer to what a process here sent passes the same rules on its way to the process.
fn pass_resets() -> Vec<Expression> {
    const RESET: u8 = 4;
    vec![
        Expression::Load(Field::TcpFlags { mask: RESET }),
        Expression::Compare(Compare::Equal, vec![RESET]),
        Expression::Accept,
    ]
}

/// The kind.
pub const KIND: Kind = kind("netfault.reject", |spec, context| {
    let options: Reject = spec.read()?;
    Ok(Packets::boxed(
        context,
        "refused",
        Box::new(move |context| {
            let Reject {
                target,
                with,
                filter,
            } = &options;
            plan_one(context, target, filter, "packets are refused", &with.arms())
        }),
    ))
});
