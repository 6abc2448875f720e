//! What the links to all agents share: the faults of the run, and the way to the controller.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::held::{Held, Order, Phase};
use super::link::Link;
use super::notice::Notice;
use crate::agent::protocol::Change;
use crate::base::clock::Clock;
use crate::fault::{Healed, Protected, Trouble};

/// How an agent is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program and its arguments: `{"ssh", "db1", "rchaos", "agent"}`.
    pub command: Vec<String>,
    /// Addresses of the controller as the agent's host sees them; faults leave them reachable.
    pub control: Vec<IpAddr>,
}

/// Who answers for a run, what allows it, and how far one fault may reach.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GuardRails {
    /// Who answers for it.
    pub operator: String,
    /// What allows it: the number of a ticket.
    pub ticket: Option<String>,
    /// The greatest share (0 to 1) of a selection that one fault may act on; all by default.
    pub max_blast: Option<f64>,
    /// What no fault may touch.
    pub protected: Protected,
    /// Why no fault may be injected at all, if none may.
    pub no_faults: Option<String>,
}

/// What a run's agents need to know.
pub struct AgentsConfig {
    /// The run's id.
    pub run: String,
    /// The script, for `rchaos status`.
    pub script: String,
    /// The run's seed.
    pub seed: u64,
    /// How long an agent waits without a sign of life before it heals.
    pub lease: Duration,
    /// The run's clock.
    pub clock: Clock,
    /// Whether faults are only logged.
    pub dry_run: bool,
    /// How agents are started, by name; those of the script are added when it is loaded.
    pub commands: BTreeMap<String, AgentCommand>,
    /// Whether timers of systemd heal where all else is lost.
    pub deadman: bool,
    /// Who answers for the run, what allows it, and how far a fault may reach.
    pub guard_rails: GuardRails,
    /// Where notices go.
    pub notices: UnboundedSender<Notice>,
}

/// The state behind [`super::Agents`].
pub(super) struct Inner {
    pub(super) run: String,
    pub(super) script: String,
    pub(super) seed: u64,
    pub(super) lease: Duration,
    pub(super) clock: Clock,
    pub(super) dry_run: bool,
    pub(super) deadman: bool,
    pub(super) guard_rails: GuardRails,
    pub(super) commands: Mutex<BTreeMap<String, AgentCommand>>,
    pub(super) links: Mutex<HashMap<String, Arc<Link>>>,
    /// Held while an agent starts, which may take as long as somebody types a password.
    pub(super) starting: tokio::sync::Mutex<()>,
    notices: UnboundedSender<Notice>,
    faults: Mutex<Vec<Arc<Held>>>,
}

impl Inner {
    pub(super) fn new(config: AgentsConfig) -> Self {
        Self {
            run: config.run,
            script: config.script,
            seed: config.seed,
            lease: config.lease,
            clock: config.clock,
            dry_run: config.dry_run,
            deadman: config.deadman,
            guard_rails: config.guard_rails,
            commands: Mutex::new(config.commands),
            links: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            notices: config.notices,
            faults: Mutex::default(),
        }
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Arc<Held>>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All faults and fixtures of the run, oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Held>> {
        self.faults().clone()
    }

    pub(super) fn held(&self, id: u64) -> Option<Arc<Held>> {
        let index = usize::try_from(id.checked_sub(1)?).ok()?;
        self.faults().get(index).cloned()
    }

    /// Gives a fault its number and a name that no other has.
    pub(super) fn enter(&self, order: Order) -> Arc<Held> {
        let mut faults = self.faults();
        let id = u64::try_from(faults.len()).unwrap_or(u64::MAX) + 1;
        let kind = &order.spec.kind;
        let wanted = order.name.clone().unwrap_or_else(|| {
            let last = kind.rsplit('.').next();
            last.unwrap_or(kind).to_owned()
        });
        let taken = |name: &str| faults.iter().any(|held| held.name == name);
        let mut name = wanted.clone();
        let mut number = 2;
        while taken(&name) {
            name = format!("{wanted}-{number}");
            number += 1;
        }
        let held = Held::new(id, name, order, self.clock);
        faults.push(held.clone());
        held
    }

    pub(super) fn notice(&self, notice: Notice) {
        // The controller outlives its agents, except at the very end.
        let _ = self.notices.send(notice);
    }

    /// Puts something about a fault onto the timeline.
    pub(super) fn tell(&self, held: &Arc<Held>, text: String) {
        self.notice(Notice::Fault {
            held: held.clone(),
            text,
        });
    }

    pub(super) fn notice_of(&self, held: &Arc<Held>, change: &Change) {
        let text = match change {
            Change::Observed { detail } => format!("observed: {detail}"),
            Change::Noted { detail } => detail.clone(),
            Change::Healed { reason, outcome } => format!("{}: {reason}", ended(outcome)),
            Change::Void { detail } => format!("void: {detail}"),
        };
        self.tell(held, text);
    }

    /// Notes how a heal ended, and says so the first time.
    pub(super) fn healed(&self, held: &Arc<Held>, outcome: &Result<Healed, Trouble>) {
        let before = held.state().phase;
        held.healed(outcome);
        let after = held.state().phase;
        if before != after && after != Phase::Refused {
            self.tell(held, ended(outcome));
        }
    }
}

fn ended(outcome: &Result<Healed, Trouble>) -> String {
    match outcome {
        Ok(Healed::Restored) => "healed".to_owned(),
        Ok(Healed::Unchanged) => "healed: it was as before already".to_owned(),
        Ok(Healed::Vanished) => "healed: the target is gone".to_owned(),
        Ok(Healed::Drifted(text)) => {
            format!("left as it is, since somebody else changed it: {text}")
        }
        Err(trouble) => format!("not healed: {trouble}"),
    }
}
