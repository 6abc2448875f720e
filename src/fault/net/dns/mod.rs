//! `netfault.dns`: names are not found, or found elsewhere, or late.
//!
//! ```text
//! names     which names are meant        message   queries and answers
//! datagram  the packets they come in     judge     what becomes of a query
//! ```

mod datagram;
mod judge;
mod message;
mod names;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::compile::{Arm, Resolved, compile, exempt};
use super::filter::{Direction, Filter, Protocol};
use super::follow::Follows;
use super::loss::percent;
use super::nft::{Expression, Refusal};
use super::owned::Owned;
use super::packets::{Packets, Plan};
use super::queue::{Mode, Work};
use super::resolve::{Site, networks, shared_sites};
use super::rules::{Piece, Shaping, fault_number, next_number};
use super::shaped::{peers, queued};
use crate::fault::{Context, Kind, Target, Trouble};

pub use names::Pattern;

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dns {
    /// Whose queries; with an ingress filter those that it is asked.
    pub target: Target,
    /// What becomes of them.
    pub answer: Answer,
    /// How much later.
    pub delay: Duration,
    /// The names that are meant; none for all.
    pub names: Vec<Pattern>,
    /// The share of the queries that is hit, 0 to 1.
    pub share: f64,
    /// Whether queries over TCP are refused; else they pass, and are answered as ever.
    pub refuse_tcp: bool,
    /// Which servers; its port is that of DNS.
    #[serde(flatten)]
    pub filter: Filter,
}

/// What a query is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// What the server says.
    True,
    /// An error.
    Error(Failure),
    /// Addresses out of the ranges for documentation, which nobody has; other records are not there.
    Random,
    /// Addresses, for the names that the first fitting pattern has; others get the true answer.
    Spoof(Spoofed),
}

/// Addresses by name, in the order in which names are tried.
pub type Spoofed = Vec<(Pattern, Vec<IpAddr>)>;

/// How a name is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// There is no such name.
    Nxdomain,
    /// The server has failed.
    Servfail,
    /// The server does not want to.
    Refused,
    /// Nothing comes back.
    Timeout,
}

impl Failure {
    /// The names.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("nxdomain", Self::Nxdomain),
        ("servfail", Self::Servfail),
        ("refused", Self::Refused),
        ("timeout", Self::Timeout),
    ];

    fn word(self) -> &'static str {
        let same = |(_, one): &&(&str, Self)| *one == self;
        Self::NAMES.iter().find(same).map_or("", |(name, _)| name)
    }
}

/// The kind.
pub const KIND: Kind = queued("netfault.dns", |spec, context| {
    let options: Dns = spec.read()?;
    let plan = move |context: &Context| options.plan(context);
    Ok(Packets::boxed(
        context,
        "answered wrongly or late",
        Box::new(plan),
    ))
});

impl Dns {
    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let found = shared_sites(&self.target, context)?;
        let directions = match self.filter.direction() {
            Direction::Both => vec![Direction::Egress, Direction::Ingress],
            one => vec![one],
        };
        let mut pieces = Vec::new();
        for site in &found {
            for direction in &directions {
                let protocols = match self.refuse_tcp {
                    true => vec![Protocol::Udp, Protocol::Tcp],
                    false => vec![Protocol::Udp],
                };
                for protocol in protocols {
                    let number = next_number(context, &pieces, site);
                    pieces.push(self.piece(context, site, *direction, protocol, number)?);
                }
            }
        }
        Ok(Plan {
            targets: found.into_iter().map(|site| site.label).collect(),
            effect: self.effect(),
            pieces,
            follows: Follows::of([&self.target], Some(&self.filter)),
        })
    }

    fn piece(
        &self,
        context: &Context,
        site: &Site,
        direction: Direction,
        protocol: Protocol,
        number: u32,
    ) -> Result<Piece, Trouble> {
        let filter = Filter {
            direction: Some(direction),
            protocol: Some(protocol),
            ..self.filter.clone()
        };
        let (remote, local) = peers(&filter, context)?;
        let mut except = networks(&filter.except, context)?;
        except.extend(exempt(&context.exempt));
        let held = protocol == Protocol::Udp;
        let resolved = Resolved {
            filter: &filter,
            remote,
            local,
            except,
            terminated: site.host && !filter.forwarded,
            queue: held.then(|| fault_number(context)),
            queries: true,
            steers: false,
            owned: Owned::of(site)?,
        };
        let last = match held {
            true => Expression::Queue(0),
            false => Expression::Refuse(Refusal::Reset),
        };
        let mode = match direction {
            Direction::Ingress => Mode::Hold,
            Direction::Egress | Direction::Both => Mode::Resend,
        };
        Ok(Piece {
            site: site.clone(),
            number,
            ruleset: compile(number, &resolved, &Arm::all(vec![Expression::Count, last])),
            shaping: held.then(|| Shaping {
                mode,
                work: self.work(),
            }),
            steer: None,
            lane: None,
        })
    }

    fn work(&self) -> Work {
        let rule = Arc::new(self.clone());
        Work::Judge(Arc::new(move |rng| {
            Box::new(judge::Names::new(rule.clone(), rng))
        }))
    }

    fn effect(&self) -> String {
        let mut parts = vec![match &self.answer {
            Answer::True => "names are found".to_owned(),
            Answer::Error(failure) => format!("names are not found ({})", failure.word()),
            Answer::Random => "names are found at random addresses".to_owned(),
            Answer::Spoof(list) => {
                let names: Vec<_> = list.iter().map(|(name, _)| name.to_string()).collect();
                format!("{} found elsewhere", names.join(", "))
            }
        }];
        if !self.delay.is_zero() {
            parts.push(format!("{:?} late", self.delay));
        }
        if !self.names.is_empty() {
            let names: Vec<_> = self.names.iter().map(Pattern::to_string).collect();
            parts.push(format!("names {}", names.join(" and ")));
        }
        if self.share < 1.0 {
            parts.push(format!("{}% of the queries", percent(self.share)));
        }
        let tcp = if self.refuse_tcp { "refused" } else { "passed" };
        parts.push(format!("over TCP {tcp}"));
        format!("{}: {}", parts.join(", "), self.filter.label())
    }
}
