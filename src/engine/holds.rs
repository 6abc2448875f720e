//! The faults of a run as its controller sees them: healed on every way out, and told in the summary.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::control::Ending;
use crate::agent::client::{Agents, Held, Notice, Phase};
use crate::base::units::millis;
use crate::fault;
use crate::output::{EventKind, FaultOutcome, FaultProgress, FaultSummary, Tier};

/// The agents of a run, and what they say.
pub struct Holds {
    /// The agents.
    pub agents: Agents,
    notices: UnboundedReceiver<Notice>,
    healing: Option<JoinHandle<()>>,
}

impl Holds {
    /// Nothing is held yet.
    #[must_use]
    pub fn new(agents: Agents, notices: UnboundedReceiver<Notice>) -> Self {
        Self {
            agents,
            notices,
            healing: None,
        }
    }

    /// What an agent says next.
    pub async fn next(&mut self) -> Notice {
        match self.notices.recv().await {
            Some(notice) => notice,
            None => std::future::pending().await,
        }
    }

    /// What an agent has said already.
    pub fn try_next(&mut self) -> Option<Notice> {
        self.notices.try_recv().ok()
    }

    /// Begins to heal everything; the run goes on ending meanwhile.
    pub fn heal_now(&mut self) {
        if self.healing.is_none() && !self.agents.records().is_empty() {
            let agents = self.agents.clone();
            self.healing = Some(tokio::spawn(async move {
                agents.heal_all().await;
            }));
        }
    }

    /// Heals all faults that are live; fixtures stay until the run is closed.
    pub fn heal(&mut self) -> impl Future<Output = ()> + use<> {
        let (healing, agents) = (self.healing.take(), self.agents.clone());
        async move {
            if let Some(healing) = healing {
                // A defect there shows as unhealed records.
                let _ = healing.await;
            }
            if agents
                .records()
                .iter()
                .any(|held| !held.order.fixture && held.state().phase.is_open())
            {
                agents.heal_all().await;
            }
        }
    }

    /// Ends all agents, after everything is healed.
    pub fn close(&mut self) -> impl Future<Output = ()> + use<> {
        let (healing, agents) = (self.heal(), self.agents.clone());
        async move {
            healing.await;
            agents.close().await;
        }
    }

    /// Whether anything was ever put in force.
    #[must_use]
    pub fn any_injected(&self) -> bool {
        let records = self.agents.records();
        records
            .iter()
            .any(|held| !held.order.fixture && held.state().injected_at.is_some())
    }

    /// What is left: one text for each fault or fixture that is not known to be healed.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let records = self.agents.records();
        let left = records.iter().filter(|held| {
            matches!(
                held.state().phase,
                Phase::Unhealed | Phase::Drifted | Phase::Live
            )
        });
        left.map(|held| {
            let state = held.state();
            let why = match state.phase {
                Phase::Live => "nobody has said that it is healed",
                _ => &state.detail,
            };
            format!(
                "not healed: {} ({}): {why}; `rchaos recover` tries again",
                held.name, held.order.label
            )
        })
        .collect()
    }

    /// Faults that had to act and never did.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let records = self.agents.records();
        records
            .iter()
            .filter(|held| held.order.must_hit && outcome(held) == FaultOutcome::NeverHit)
            .map(|held| {
                format!(
                    "{} ({}) was injected, never hit",
                    held.name, held.order.label
                )
            })
            .collect()
    }

    /// The faults that are in place at a moment, or about to be; fixtures are none.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Vec<FaultProgress> {
        let records = self.agents.records();
        let standing = records
            .iter()
            .filter(|held| !held.order.fixture && held.state().phase.is_open());
        standing.map(|held| progress(held, now)).collect()
    }

    /// All faults for the summary; fixtures are none.
    #[must_use]
    pub fn summaries(&self) -> Vec<FaultSummary> {
        let records = self.agents.records();
        let faults = records.iter().filter(|held| !held.order.fixture);
        faults.map(|held| summary(held)).collect()
    }
}

fn outcome(held: &Held) -> FaultOutcome {
    let state = held.state();
    match state.phase {
        Phase::Planned => FaultOutcome::Planned,
        Phase::Healed if state.observed_at.is_none() => FaultOutcome::NeverHit,
        Phase::Healed => FaultOutcome::Healed,
        Phase::Refused => FaultOutcome::Refused,
        Phase::DryRun => FaultOutcome::DryRun,
        Phase::Void => FaultOutcome::Void,
        Phase::Drifted => FaultOutcome::Drifted,
        Phase::Live | Phase::Unhealed => FaultOutcome::Unhealed,
    }
}

fn progress(held: &Held, now: Duration) -> FaultProgress {
    let state = held.state();
    FaultProgress {
        name: held.name.clone(),
        label: held.order.label.clone(),
        tier: held.tier(),
        state: match (state.phase, state.observed_at) {
            (Phase::Planned, _) => "planned",
            (Phase::Live, None) => "live",
            (Phase::Live, Some(_)) => "seen to act",
            _ => "not healed",
        },
        since: state.injected_at.map(|since| now.saturating_sub(since)),
        left: held.remaining(),
    }
}

fn summary(held: &Held) -> FaultSummary {
    let state = held.state();
    let preflight = state.preflight.as_ref();
    let kind = fault::find(&held.order.spec.kind).ok();
    let tier = held.tier().or(kind.map(|kind| kind.tier));
    FaultSummary {
        id: held.id.to_string(),
        name: held.name.clone(),
        kind: held.order.spec.kind.clone(),
        target: preflight.map_or_else(
            || held.order.label.clone(),
            |preflight| preflight.targets.join(", "),
        ),
        agent: agent_name(&held.order.agent).to_owned(),
        tier: tier.unwrap_or(Tier::Journal),
        planned_at_ms: millis(state.planned_at),
        injected_at_ms: state.injected_at.map(millis),
        observed_at_ms: state.observed_at.map(millis),
        healed_at_ms: state.healed_at.map(millis),
        verified: state.injected_at.is_some() && matches!(state.phase, Phase::Healed | Phase::Void),
        outcome: outcome(held),
        detail: state.detail.clone(),
        undo: preflight.map_or_else(String::new, |preflight| preflight.undo.clone()),
    }
}

fn agent_name(agent: &str) -> &str {
    if agent.is_empty() { "local" } else { agent }
}

/// What a notice puts onto the timeline, and whether it ends the run.
pub(super) fn events(notice: &Notice) -> (Vec<(EventKind, String)>, Option<Ending>) {
    let lines = |kind, texts: &[String]| texts.iter().map(|text| (kind, text.clone())).collect();
    match notice {
        Notice::Started { texts, .. } => (lines(EventKind::Fault, texts), None),
        Notice::Fault { held, text } => {
            let kind = match held.state().phase {
                Phase::Healed => EventKind::Heal,
                Phase::Unhealed | Phase::Drifted => EventKind::Error,
                _ => EventKind::Fault,
            };
            (vec![(kind, format!("{}: {text}", held.name))], None)
        }
        Notice::Halt { agent } => {
            let text = format!("halted on the host of agent {}", agent_name(agent));
            (Vec::new(), Some(Ending::Halt(text)))
        }
        Notice::Lost { agent, reason } => {
            let text = format!("agent {} is lost: {reason}", agent_name(agent));
            (Vec::new(), Some(Ending::AgentLost(text)))
        }
        Notice::Mended {
            agent,
            texts,
            clean,
        } => {
            let kind = if *clean {
                EventKind::Heal
            } else {
                EventKind::Error
            };
            let agent = agent_name(agent);
            let told = texts
                .iter()
                .map(|text| (kind, format!("agent {agent}: {text}")));
            (told.collect(), None)
        }
    }
}
