//! `netfault.partition`: groups of targets that cannot reach each other.

use serde::{Deserialize, Serialize};

use super::compile::{Arm, Resolved, compile, exempt};
use super::filter::{Direction, Filter, Network};
use super::follow::Follows;
use super::nft::{Expression, Ruleset};
use super::packets::{Packets, Plan, kind};
use super::resolve::{Site, addresses, sites};
use super::rules::{Piece, number};
use crate::fault::{Context, Kind, Target, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Partition {
    /// Who stays together; targets in different groups are cut off from each other.
    pub groups: Vec<Vec<Target>>,
    /// Only what earlier groups send to later ones is lost.
    pub one_way: bool,
    /// Only between these groups, numbered from 0; empty for between all. With `one_way`, what the first of two
    /// sends to the second is lost.
    #[serde(default)]
    pub between: Vec<(usize, usize)>,
}

/// The kind.
pub const KIND: Kind = kind("netfault.partition", |spec, context| {
    let options: Partition = spec.read()?;
    let plan = move |context: &Context| options.plan(context);
    Ok(Packets::boxed(context, "dropped", Box::new(plan)))
});

/// A target, and the addresses that the others know it by.
struct Member {
    site: Site,
    addresses: Vec<Network>,
}

impl Partition {
    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        let groups = self.members(context)?;
        let mut rules = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            for member in group {
                let others = |wanted: &dyn Fn(usize) -> bool| -> Vec<Network> {
                    let other = groups.iter().enumerate().filter(|(i, _)| wanted(*i));
                    let all = other.flat_map(|(_, group)| group);
                    all.flat_map(|one| one.addresses.iter().copied()).collect()
                };
                // Cut at both ends: an address that only one end knows is cut there.
                let cuts = match self.one_way {
                    false => vec![(Direction::Both, others(&|other| self.cuts(index, other)))],
                    true => vec![
                        (Direction::Egress, others(&|other| self.cuts(index, other))),
                        (Direction::Ingress, others(&|other| self.cuts(other, index))),
                    ],
                };
                for (direction, remote) in cuts {
                    if !remote.is_empty() {
                        let ruleset = cut(context, direction, remote);
                        rules.push((member.site.clone(), ruleset));
                    }
                }
            }
        }
        Ok(Plan {
            targets: groups.iter().map(|group| names(group)).collect(),
            effect: self.effect(),
            pieces: merged(context, rules),
            follows: Follows::of(self.groups.iter().flatten(), None),
        })
    }

    /// Whether what one group sends to another is lost.
    fn cuts(&self, from: usize, to: usize) -> bool {
        if self.between.is_empty() {
            return if self.one_way { from < to } else { from != to };
        }
        let named = |from, to| self.between.contains(&(from, to));
        named(from, to) || !self.one_way && named(to, from)
    }

    fn effect(&self) -> String {
        let label = |group: &Vec<Target>| {
            let labels: Vec<_> = group.iter().map(Target::label).collect();
            labels.join(" and ")
        };
        if !self.between.is_empty() {
            let arrow = if self.one_way { " to " } else { " | " };
            let pair = |(one, other): &(usize, usize)| {
                let label = |index: usize| self.groups.get(index).map(label).unwrap_or_default();
                format!("{}{arrow}{}", label(*one), label(*other))
            };
            let pairs: Vec<_> = self.between.iter().map(pair).collect();
            return format!("no packets between {}", pairs.join(", "));
        }
        let groups: Vec<_> = self.groups.iter().map(label).collect();
        match self.one_way {
            false => format!("no packets between {}", groups.join(" | ")),
            true => format!("no packets from {}", groups.join(" to ")),
        }
    }

    fn members(&self, context: &Context) -> Result<Vec<Vec<Member>>, Trouble> {
        let mut groups: Vec<Vec<Member>> = Vec::new();
        for targets in &self.groups {
            let mut group = Vec::new();
            for target in targets {
                for site in sites(target, context)? {
                    let twice = |other: &&Member| other.site.namespace == site.namespace;
                    let before = groups.iter().flatten().chain(&group).find(twice);
                    if let Some(other) = before {
                        return Err(Trouble::Precondition(format!(
                            "{} and {} share one network, so that nothing can be cut between them",
                            other.site.label, site.label
                        )));
                    }
                    let addresses = addresses(&site)?;
                    group.push(Member { site, addresses });
                }
            }
            groups.push(group);
        }
        Ok(groups)
    }
}

fn names(group: &[Member]) -> String {
    let names: Vec<_> = group.iter().map(|member| &*member.site.label).collect();
    names.join(" and ")
}

fn cut(context: &Context, direction: Direction, remote: Vec<Network>) -> Ruleset {
    let filter = Filter {
        direction: Some(direction),
        // The host's own addresses are reached over its loopback, where a peer's never are.
        force: true,
        forwarded: true,
        ..Filter::default()
    };
    let resolved = Resolved {
        filter: &filter,
        remote: Some(remote),
        local: None,
        except: exempt(&context.exempt),
        terminated: false,
        queue: None,
        queries: false,
        steers: false,
        owned: None,
    };
    let arms = Arm::all(vec![Expression::Count, Expression::Drop]);
    compile(number(context, 0), &resolved, &arms)
}

/// One piece for each namespace: two directions become one, with their sets told apart.
fn merged(context: &Context, rules: Vec<(Site, Ruleset)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (site, ruleset) in rules {
        let same = |piece: &&mut Piece| piece.site.namespace == site.namespace;
        match pieces.iter_mut().find(same) {
            Some(piece) => piece.ruleset.absorb(ruleset, "b"),
            None => pieces.push(Piece {
                site,
                number: number(context, 0),
                ruleset,
                shaping: None,
                steer: None,
                lane: None,
            }),
        }
    }
    pieces
}
