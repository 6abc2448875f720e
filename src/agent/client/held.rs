//! A fault as the controller knows it: what was asked, what is there, and what came of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::agent::protocol::{Change, Injected};
use crate::base::clock::Clock;
use crate::fault::{Healed, Preflight, Spec, Tier, Trouble};

/// What a script wants injected.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its name in timeline, tags and summary; made from the kind if there is none.
    pub name: Option<String>,
    /// What it is.
    pub spec: Spec,
    /// On which agent: its name in `options { agents = … }`, or empty for this host.
    pub agent: String,
    /// What it does to whom, in a few words: `blackhole n1 → n2:5432`.
    pub label: String,
    /// How long it lasts at most.
    pub ttl: Option<Duration>,
    /// Whether the run fails if it never acted.
    pub must_hit: bool,
    /// Whether it is a fixture: made also in a dry run, and no fault in the summary.
    pub fixture: bool,
}

/// One fault of the run. Cheap to share; lives on after its heal, for the summary.
#[derive(Debug)]
pub struct Held {
    /// Its number, unique in the run, from 1.
    pub id: u64,
    /// Its name, unique in the run.
    pub name: String,
    /// What was asked for.
    pub order: Order,
    clock: Clock,
    state: Mutex<State>,
}

/// How a fault stands. Times are on the run's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Where in its life it is.
    pub phase: Phase,
    /// When the script asked for it.
    pub planned_at: Duration,
    /// When it was read back as being in place.
    pub injected_at: Option<Duration>,
    /// When it was first seen to act.
    pub observed_at: Option<Duration>,
    /// When it was read back as being undone.
    pub healed_at: Option<Duration>,
    /// What was touched, once the agent has looked.
    pub preflight: Option<Preflight>,
    /// What the agent told of it; an object.
    pub facts: Value,
    /// What was last read of it, or why it is where it is.
    pub detail: String,
}

/// Where in its life a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Asked for; nothing is certain yet.
    Planned,
    /// In place.
    Live,
    /// Undone, and read back.
    Healed,
    /// Nothing was touched, or what was is undone: the reason is in the detail.
    Refused,
    /// Only logged.
    DryRun,
    /// Its target went away, and the effect with it.
    Void,
    /// Somebody else had changed the target; it was left as it is.
    Drifted,
    /// It could not be undone.
    Unhealed,
}

impl Phase {
    /// Whether a heal would still change it: it is there, may come to be, or could not be undone so far.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Live | Self::Planned | Self::Unhealed)
    }
}

impl Held {
    pub(super) fn new(id: u64, name: String, order: Order, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            id,
            name,
            order,
            clock,
            state: Mutex::new(State {
                phase: Phase::Planned,
                planned_at: clock.elapsed(),
                injected_at: None,
                observed_at: None,
                healed_at: None,
                preflight: None,
                facts: Value::Null,
                detail: String::new(),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands now.
    #[must_use]
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// Whether it is in place.
    #[must_use]
    pub fn active(&self) -> bool {
        self.lock().phase == Phase::Live
    }

    /// Time until it ends by itself; `None` if it does not, or has ended.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let state = self.lock();
        let end = state.injected_at? + self.order.ttl?;
        (state.phase == Phase::Live).then(|| end.saturating_sub(self.clock.elapsed()))
    }

    /// What the agent told of it when it was injected: `{"listen": "127.0.0.1:3310"}`.
    #[must_use]
    pub fn facts(&self) -> Value {
        self.lock().facts.clone()
    }

    /// What holds it up; before the agent has looked, unknown.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        self.lock()
            .preflight
            .as_ref()
            .map(|preflight| preflight.tier)
    }

    pub(super) fn dry_run(&self) {
        let mut state = self.lock();
        state.phase = Phase::DryRun;
        "nothing was touched".clone_into(&mut state.detail);
    }

    pub(super) fn injected(&self, injected: &Injected) {
        let mut state = self.lock();
        // A heal that was asked for meanwhile may have come first.
        if state.phase == Phase::Planned {
            state.phase = Phase::Live;
        }
        let now = self.clock.elapsed();
        state.injected_at = Some(now);
        state.observed_at = injected.observed.then_some(now);
        state.preflight = Some(injected.preflight.clone());
        state.facts = injected.facts.clone();
        state.detail.clone_from(&injected.detail);
    }

    pub(super) fn updated(&self, injected: &Injected) {
        let mut state = self.lock();
        state.preflight = Some(injected.preflight.clone());
        state.facts = injected.facts.clone();
        // It may have ended on its own meanwhile; then why is what counts.
        if state.phase == Phase::Live {
            state.detail.clone_from(&injected.detail);
        }
    }

    pub(super) fn refused(&self, trouble: &Trouble) {
        let mut state = self.lock();
        state.phase = match trouble {
            Trouble::Left(_) => Phase::Unhealed,
            _ => Phase::Refused,
        };
        state.detail = trouble.to_string();
    }

    pub(super) fn changed(&self, change: &Change) {
        match change {
            Change::Observed { detail } => {
                let mut state = self.lock();
                let now = self.clock.elapsed();
                state.observed_at.get_or_insert(now);
                state.detail.clone_from(detail);
            }
            Change::Noted { .. } => {}
            Change::Healed { reason, outcome } => {
                self.healed(outcome);
                let mut state = self.lock();
                if state.phase == Phase::Healed {
                    state.detail.clone_from(reason);
                }
            }
            Change::Void { detail } => {
                let mut state = self.lock();
                state.phase = Phase::Void;
                state.healed_at = Some(self.clock.elapsed());
                state.detail.clone_from(detail);
            }
        }
    }

    pub(super) fn healed(&self, outcome: &Result<Healed, Trouble>) {
        let mut state = self.lock();
        // What is final stays; a heal that failed may be followed by one that does not.
        if !state.phase.is_open() {
            return;
        }
        let was_there = state.injected_at.is_some();
        state.phase = match outcome {
            Ok(Healed::Drifted(text)) => {
                state.detail.clone_from(text);
                Phase::Drifted
            }
            Ok(_) if !was_there => Phase::Refused,
            Ok(_) => Phase::Healed,
            Err(trouble) => {
                state.detail = trouble.to_string();
                Phase::Unhealed
            }
        };
        if state.phase == Phase::Healed {
            let now = self.clock.elapsed();
            state.healed_at.get_or_insert(now);
        }
    }
}
