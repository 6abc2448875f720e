//! What faults on packets have in common: rules in one namespace or several, under one lease.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::attachment::{Attachments, trouble_entering, trouble_with_kernel};
use super::compile::{Arm, Resolved, compile, exempt};
use super::filter::Filter;
use super::follow::{Follower, Follows};
use super::nft::{self, Count};
use super::owned::{self, Owned};
use super::resolve::{networks, shared_sites};
use super::rules::{Piece, Rules, number};
use super::shaped::peers;
use crate::fault::outcome::worst;
use crate::fault::{
    Built, Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Spec, Survives,
    Target, Tier, Trouble,
};

/// What a fault puts where, once its targets are known.
pub(super) struct Plan {
    /// The targets as they were found.
    pub(super) targets: Vec<String>,
    /// What will happen to them.
    pub(super) effect: String,
    /// What is put into each namespace.
    pub(super) pieces: Vec<Piece>,
    /// Whether it may have to be planned again while it is live.
    pub(super) follows: Follows,
}

/// Finds the targets of a fault; changes nothing.
pub(super) type Planner = Box<dyn Fn(&Context) -> Result<Plan, Trouble> + Send + Sync>;

/// A fault that consists of rules.
pub(super) struct Packets {
    context: Context,
    plan: Arc<Planner>,
    /// What happens to a packet, for the timeline: `dropped`.
    done: &'static str,
    rules: Vec<Rules>,
    follows: Follows,
    follower: Option<Follower>,
    lease: Duration,
    /// What rules have done whose namespace is gone.
    before: Count,
    gone_since: Option<Instant>,
    news: Vec<String>,
    preflight: Option<Preflight>,
}

impl Packets {
    /// An inert fault.
    pub(super) fn boxed(context: &Context, done: &'static str, plan: Planner) -> Box<dyn Fault> {
        Box::new(Self {
            context: context.clone(),
            plan: Arc::new(plan),
            done,
            rules: Vec::new(),
            follows: Follows::default(),
            follower: None,
            lease: Duration::ZERO,
            before: Count::default(),
            gone_since: None,
            news: Vec::new(),
            preflight: None,
        })
    }
}

impl Packets {
    /// Does what the last plan says, if it says anything new.
    fn follow(&mut self) {
        let planned = self.follower.as_ref().and_then(Follower::latest);
        let Some(mut pieces) = planned else {
            return;
        };
        for rules in &mut self.rules {
            let same = |piece: &Piece| (piece.site.namespace.cookie, piece.number) == rules.key();
            let Some(index) = pieces.iter().position(same) else {
                continue;
            };
            match rules.follow(pieces.swap_remove(index)) {
                // Ports come and go: only where addresses change is it worth a word.
                Ok(true) if !self.follows.ports => {
                    let text = format!("addresses have changed; {} follows", rules.label());
                    self.news.push(text);
                }
                Ok(_) | Err(Trouble::Vanished(_)) => {}
                Err(error) => tracing::warn!("a fault on packets does not follow: {error}"),
            }
        }
        self.take_places(pieces);
    }

    /// What is left of a plan takes the place of rules whose namespace is gone: a container that was started again.
    fn take_places(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            let Some(index) = self.rules.iter().position(Rules::is_gone) else {
                return;
            };
            if piece.steer.is_some() || !self.may_touch(&piece.site.label) {
                // What is not in the journal must not be changed; and what is protected not at all.
                continue;
            }
            let attachments = self.context.shared.get::<Attachments>();
            let label = piece.site.label.clone();
            let mut rules = Rules::new(&self.context, piece, index);
            match rules.install(&attachments, self.lease) {
                Ok(()) => {
                    let text = format!("{label} has another network now; the fault is there, too");
                    self.news.push(text);
                    let old = std::mem::replace(&mut self.rules[index], rules);
                    self.before.packets += old.seen().packets;
                    self.before.bytes += old.seen().bytes;
                }
                Err(error) => tracing::warn!("a fault on packets does not follow {label}: {error}"),
            }
        }
    }

    /// Whether a target that was not there before is not protected.
    fn may_touch(&self, label: &str) -> bool {
        let allowed = |preflight: &Preflight| {
            let targets = vec![label.to_owned()];
            let other = Preflight {
                targets,
                ..preflight.clone()
            };
            self.context.protected.targets(&other).is_ok()
        };
        self.preflight.as_ref().is_some_and(allowed)
    }

    /// Whether targets that are all gone may be back in a moment.
    fn is_awaited(&mut self, gone: &[String]) -> bool {
        /// As long as a container or service takes to start again.
        const PATIENCE: Duration = Duration::from_secs(15);
        if !self.follows.returns {
            return false;
        }
        let since = *self.gone_since.get_or_insert_with(|| {
            let gone = gone.join(", ");
            self.news
                .push(format!("void for now: {gone}; it is looked for again"));
            Instant::now()
        });
        since.elapsed() < PATIENCE
    }
}

/// The plan of a fault that does one thing to the packets of one target.
pub(super) fn plan_one(
    context: &Context,
    target: &Target,
    filter: &Filter,
    effect: &str,
    arms: &[Arm],
) -> Result<Plan, Trouble> {
    refuse_loopback(filter)?;
    let found = shared_sites(target, context)?;
    let (remote, local) = peers(filter, context)?;
    let mut except = networks(&filter.except, context)?;
    except.extend(exempt(&context.exempt));
    let mut pieces = Vec::new();
    for site in &found {
        let resolved = Resolved {
            filter,
            remote: remote.clone(),
            local: local.clone(),
            except: except.clone(),
            terminated: site.host && !filter.forwarded,
            queue: None,
            queries: false,
            steers: false,
            owned: Owned::of(site)?,
        };
        let number = number(context, 0);
        pieces.push(Piece {
            site: site.clone(),
            number,
            ruleset: compile(number, &resolved, arms),
            shaping: None,
            steer: None,
            lane: None,
        });
    }
    Ok(Plan {
        targets: found.into_iter().map(|site| site.label).collect(),
        effect: format!("{effect}: {}{}", filter.label(), owned::label(&pieces)),
        pieces,
        follows: Follows::of([target], Some(filter)),
    })
}

/// A loopback carries what the machine's own programs need to live.
pub(super) fn refuse_loopback(filter: &Filter) -> Result<(), Trouble> {
    if filter.covers_loopback() && !filter.force {
        return Err(Trouble::Misuse(
            "this would hit the whole loopback, which the machine's own programs need; \
             give a `port`, or `force = true`"
                .to_owned(),
        ));
    }
    Ok(())
}

/// For the ledger: faults of one run compose in a namespace.
fn resources(pieces: &[Piece]) -> Vec<Resource> {
    let mut cookies: Vec<_> = pieces
        .iter()
        .map(|piece| piece.site.namespace.cookie)
        .collect();
    cookies.sort_unstable();
    cookies.dedup();
    let key = |cookie: u64| format!("packets of network namespace {cookie}");
    let all = cookies.into_iter();
    all.map(|cookie| Resource::new(key(cookie), Sharing::Stacks))
        .collect()
}

impl Fault for Packets {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let plan = (self.plan)(&self.context)?;
        for piece in &plan.pieces {
            // Reading takes the same right as writing.
            let tried = piece.site.namespace.enter(nft::tables);
            tried
                .map_err(trouble_entering)?
                .map_err(trouble_with_kernel)?;
        }
        let steered = plan.pieces.iter().any(|piece| piece.steer.is_some());
        let preflight = Preflight {
            targets: plan.targets,
            effect: plan.effect,
            undo: format!(
                "the nftables table rchaos-{} is emptied{}",
                self.context.agent,
                if steered {
                    ", and the kernel's own queueing put back"
                } else {
                    ""
                }
            ),
            tier: if steered { Tier::Journal } else { Tier::Lease },
            survives: Survives::Process,
            resources: resources(&plan.pieces),
            provisional: plan.pieces.iter().any(|piece| piece.site.host),
        };
        self.follows = plan.follows;
        let pieces = plan.pieces.into_iter().enumerate();
        self.rules = pieces
            .map(|(index, piece)| Rules::new(&self.context, piece, index))
            .collect();
        self.preflight = Some(preflight.clone());
        Ok(preflight)
    }

    fn undo(&self) -> Value {
        let records: Vec<_> = self.rules.iter().map(|rules| &rules.record).collect();
        json!(records)
    }

    fn inject(&mut self, lease: Duration) -> Result<(), Trouble> {
        let attachments = self.context.shared.get::<Attachments>();
        self.lease = lease;
        for rules in &mut self.rules {
            rules.install(&attachments, lease)?;
        }
        self.follower = Follower::start(self.follows, self.plan.clone(), &self.context);
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        self.follow();
        let mut sum = self.before;
        let (mut installed, mut gone) = (true, Vec::new());
        for rules in &mut self.rules {
            match rules.inspect() {
                Ok((live, count)) => {
                    installed &= live;
                    sum.packets += count.packets;
                    sum.bytes += count.bytes;
                }
                Err(Trouble::Vanished(text)) => gone.push(text),
                Err(error) => return Err(error),
            }
        }
        let mut detail = vec![format!(
            "{} packets, {} bytes {}",
            sum.packets, sum.bytes, self.done
        )];
        if gone.len() < self.rules.len() {
            self.gone_since = None;
        } else if !self.is_awaited(&gone) {
            return Err(Trouble::Vanished(gone.join(", ")));
        }
        detail.extend(gone);
        Ok(Sight {
            installed,
            hits: Some(sum.packets),
            detail: detail.join("; "),
        })
    }

    fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    fn renew(&mut self, lease: Duration) -> Result<(), Trouble> {
        self.lease = lease;
        for rules in &self.rules {
            match rules.renew(lease) {
                // The rest of the fault goes on; `inspect` tells what is void.
                Ok(()) | Err(Trouble::Vanished(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        self.follower = None;
        worst(self.rules.iter_mut().map(Rules::remove))
    }
}

/// A kind of fault that consists of rules.
pub(super) const fn kind(name: &'static str, build: fn(&Spec, &Context) -> Built) -> Kind {
    Kind {
        name,
        tier: Tier::Lease,
        fixture: false,
        build,
        recover: super::rules::recover,
        probe: super::probe::rules,
    }
}
