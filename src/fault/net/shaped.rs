//! What faults have in common that hold packets in user space: where they are held.

use serde_json::Value;

use super::compile::{Arm, Resolved, compile, exempt};
use super::filter::{Direction, Filter, Network, Peer};
use super::follow::Follows;
use super::lanes::Lanes;
use super::nft::{Expression, Hook};
use super::owned::{self, Owned};
use super::packets::{Packets, Plan, refuse_loopback};
use super::queue::{Impairment, Mode, Work};
use super::resolve::{Site, addresses, networks, shared_sites, sites};
use super::rules::{Piece, Shaping, fault_number, next_number};
use super::steer::Steer;
use super::steps::sent_again;
use crate::fault::{Built, Context, Fault, Healed, Kind, Spec, Target, Tier, Trouble};

/// An impairment of a target's packets.
#[derive(Debug, Clone)]
pub(super) struct Shaped {
    /// Whose packets.
    pub(super) target: Target,
    /// Which of them.
    pub(super) filter: Filter,
    /// What they suffer.
    pub(super) impairment: Impairment,
    /// In words: `packets are delayed by 100ms`.
    pub(super) effect: String,
}

impl Shaped {
    /// The inert fault; `done` is what happens to a packet, for the timeline.
    pub(super) fn boxed(self, context: &Context, done: &'static str) -> Box<dyn Fault> {
        let plan = move |context: &Context| self.plan(context);
        Packets::boxed(context, done, Box::new(plan))
    }

    fn plan(&self, context: &Context) -> Result<Plan, Trouble> {
        refuse_loopback(&self.filter)?;
        let found = shared_sites(&self.target, context)?;
        let mut placer = Placer {
            shaped: self,
            context,
            except: networks(&self.filter.except, context)?,
            pieces: Vec::new(),
        };
        placer.except.extend(exempt(&context.exempt));
        let mut places = Vec::new();
        for site in &found {
            places.extend(placer.place(site)?);
        }
        places.dedup();
        Ok(Plan {
            targets: found.into_iter().map(|site| site.label).collect(),
            effect: format!(
                "{}: {} ({}){}",
                self.effect,
                self.filter.label(),
                places.join(", "),
                owned::label(&placer.pieces)
            ),
            pieces: placer.pieces,
            follows: Follows::of([&self.target], Some(&self.filter)),
        })
    }

    /// The peers' own namespaces, if all peers are targets of this agent and nothing else is said that
    /// only holds at the sender.
    fn receivers(&self, context: &Context) -> Result<Option<Vec<Site>>, Trouble> {
        let filter = &self.filter;
        let plain = filter.from.is_empty() && filter.interface.is_none() && !filter.forwarded;
        if filter.to.is_empty() || !plain {
            return Ok(None);
        }
        let mut receivers = Vec::new();
        for peer in &filter.to {
            match peer {
                Peer::Target(target) => receivers.extend(sites(target, context)?),
                Peer::Network(_) | Peer::Name(_) => return Ok(None),
            }
        }
        Ok(Some(receivers))
    }
}

struct Placer<'a> {
    shaped: &'a Shaped,
    context: &'a Context,
    except: Vec<Network>,
    pieces: Vec<Piece>,
}

impl Placer<'_> {
    /// Places the fault for one of the target's namespaces; says in words where.
    fn place(&mut self, site: &Site) -> Result<Vec<String>, Trouble> {
        let filter = &self.shaped.filter;
        let direction = filter.direction();
        let mut words = Vec::new();
        if direction != Direction::Egress {
            let one_way = Filter {
                direction: Some(Direction::Ingress),
                ..filter.clone()
            };
            let ends = peers(filter, self.context)?;
            self.add(site, &one_way, ends, Mode::Hold)?;
            words.push(format!("held at {}", site.label));
        }
        if direction != Direction::Ingress {
            words.extend(self.egress(site)?);
        }
        Ok(words)
    }

    fn egress(&mut self, site: &Site) -> Result<Vec<String>, Trouble> {
        let filter = &self.shaped.filter;
        let receivers = match site.owners.is_empty() {
            true => self.shaped.receivers(self.context)?,
            // Where they arrive, nobody knows which process of the host has sent them.
            false => None,
        };
        let Some(receivers) = receivers else {
            let one_way = Filter {
                direction: Some(Direction::Egress),
                ..filter.clone()
            };
            let ends = peers(filter, self.context)?;
            let fault = fault_number(self.context);
            let way = Steer::way(&self.shaped.impairment);
            let steer = match way {
                Some(_) => Steer::of(site, &one_way, fault)?,
                None => None,
            };
            let lanes = self.context.shared.get::<Lanes>();
            let lane = lanes.take(site.namespace.cookie, fault, steer.is_some());
            let words = match (way, steer) {
                (Some(way), Some(steer)) if lane.kernel => {
                    self.steer(site, &one_way, ends, steer)?;
                    format!("by the kernel ({way}) at {}", site.label)
                }
                _ => {
                    self.add(site, &one_way, ends, Mode::Resend)?;
                    format!("held at {} and sent again", site.label)
                }
            };
            if let Some(piece) = self.pieces.last_mut() {
                piece.lane = Some(lane);
            }
            return Ok(vec![words]);
        };
        // Seen from the receiver: from the target, to the port that the receiver offers.
        let senders = addresses(site)?;
        let arriving = Filter {
            from: senders.iter().copied().map(Peer::Network).collect(),
            to: Vec::new(),
            except: Vec::new(),
            direction: Some(Direction::Ingress),
            ..filter.clone()
        };
        let mut words = Vec::new();
        for receiver in &receivers {
            self.add(
                receiver,
                &arriving,
                (Some(senders.clone()), None),
                Mode::Hold,
            )?;
            words.push(format!("held at {}", receiver.label));
        }
        Ok(words)
    }

    fn steer(
        &mut self,
        site: &Site,
        filter: &Filter,
        (remote, local): Ends,
        steer: Steer,
    ) -> Result<(), Trouble> {
        let resolved = Resolved {
            filter,
            remote,
            local,
            except: self.except.clone(),
            terminated: false,
            queue: None,
            queries: false,
            steers: true,
            owned: Owned::of(site)?,
        };
        let number = next_number(self.context, &self.pieces, site);
        let steps = [Expression::Classify(steer.class), Expression::Accept];
        // Counted when it was sent first.
        let mut again = sent_again(Hook::Output, None);
        again.extend(steps.clone());
        let mut arms = Arm::all(again);
        let first = std::iter::once(Expression::Count).chain(steps).collect();
        arms.extend(Arm::all(first));
        self.pieces.push(Piece {
            site: site.clone(),
            number,
            ruleset: compile(number, &resolved, &arms),
            shaping: None,
            steer: Some((steer, self.shaped.impairment.clone())),
            lane: None,
        });
        Ok(())
    }

    fn add(
        &mut self,
        site: &Site,
        filter: &Filter,
        (remote, local): Ends,
        mode: Mode,
    ) -> Result<(), Trouble> {
        let resolved = Resolved {
            filter,
            remote,
            local,
            except: self.except.clone(),
            terminated: site.host && !filter.forwarded,
            queue: Some(fault_number(self.context)),
            queries: false,
            steers: false,
            owned: Owned::of(site)?,
        };
        let number = next_number(self.context, &self.pieces, site);
        // Which queue is known once somebody listens to it.
        let arms = Arm::all(vec![Expression::Count, Expression::Queue(0)]);
        self.pieces.push(Piece {
            site: site.clone(),
            number,
            ruleset: compile(number, &resolved, &arms),
            shaping: Some(Shaping {
                mode,
                work: Work::Impair(self.shaped.impairment.clone()),
            }),
            steer: None,
            lane: None,
        });
        Ok(())
    }
}

/// Who is at the other end, and which addresses of the target; none for all.
pub(super) type Ends = (Option<Vec<Network>>, Option<Vec<Network>>);

/// The ends that a filter names.
pub(super) fn peers(filter: &Filter, context: &Context) -> Result<Ends, Trouble> {
    let some = |networks: Vec<_>| (!networks.is_empty()).then_some(networks);
    let (to, from) = (
        some(networks(&filter.to, context)?),
        some(networks(&filter.from, context)?),
    );
    Ok(match to {
        None => (from, None),
        to => (to, from),
    })
}

/// A kind of fault that holds packets in user space.
pub(super) const fn kind(name: &'static str, build: fn(&Spec, &Context) -> Built) -> Kind {
    Kind {
        // Where the kernel impairs packets; in the agent it is the lease.
        tier: Tier::Journal,
        probe: super::probe::impairment,
        ..queued(name, build)
    }
}

/// A kind of fault that always holds packets in the agent.
pub(super) const fn queued(name: &'static str, build: fn(&Spec, &Context) -> Built) -> Kind {
    const RECOVER: fn(&Value) -> Result<Healed, Trouble> = super::rules::recover;
    Kind {
        name,
        tier: Tier::Lease,
        fixture: false,
        build,
        recover: RECOVER,
        probe: super::probe::queue,
    }
}
