//! One gameday under way: its phases, what was said, and what it comes to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::units::millis;
use crate::output::{
    Action, EntryKind, GamedayEntry, GamedaySummary, PhaseSummary, Score, Verdict,
};

/// A gameday, shared by the main VM and the controller.
#[derive(Debug)]
pub struct Gameday {
    /// Its name.
    pub name: Arc<str>,
    /// When it began.
    pub begun_at: Duration,
    state: Mutex<State>,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub struct State {
    /// The phase that is under way; empty between phases.
    pub phase: String,
    /// When it began.
    pub phase_at: Duration,
    /// The phases so far.
    pub phases: Vec<PhaseSummary>,
    /// What was asked, answered and noted.
    pub entries: Vec<GamedayEntry>,
    /// What was measured.
    pub scores: Vec<Score>,
    /// What is to be done.
    pub actions: Vec<Action>,
    /// Whether its function has ended.
    pub ended: bool,
    /// Why it was stopped.
    pub stopped: Option<String>,
    /// What was wrong with the script.
    pub error: Option<String>,
    /// What it failed at.
    pub failures: Vec<String>,
}

impl Gameday {
    /// A gameday that begins.
    #[must_use]
    pub fn new(name: Arc<str>, begun_at: Duration) -> Arc<Self> {
        Arc::new(Self {
            name,
            begun_at,
            state: Mutex::default(),
        })
    }

    /// Its state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something that was said.
    pub fn enter(
        &self,
        at: Duration,
        kind: EntryKind,
        prompt: &str,
        answer: Option<String>,
        by: &str,
    ) {
        let mut state = self.state();
        let phase = state.phase.clone();
        state.entries.push(GamedayEntry {
            at_ms: millis(at),
            phase,
            kind,
            prompt: prompt.to_owned(),
            answer,
            by: by.to_owned(),
        });
    }

    /// As the summary has it.
    #[must_use]
    pub fn summary(&self) -> GamedaySummary {
        let state = self.state();
        GamedaySummary {
            name: self.name.to_string(),
            verdict: state.verdict().0,
            phases: state.phases.clone(),
            entries: state.entries.clone(),
            scores: state.scores.clone(),
            actions: state.actions.clone(),
        }
    }
}

impl State {
    /// Notes the phase that an interrupted script could not end, if there is one.
    pub fn break_off(&mut self, at: Duration) {
        let name = std::mem::take(&mut self.phase);
        if !name.is_empty() {
            self.phases.push(PhaseSummary {
                name,
                at_ms: millis(self.phase_at),
                duration_ms: millis(at.saturating_sub(self.phase_at)),
                ok: false,
            });
        }
    }

    /// How it ended, and why not well.
    #[must_use]
    pub fn verdict(&self) -> (Verdict, Vec<String>) {
        let missed = self.scores.iter().filter(|score| score.ok == Some(false));
        let missed = missed.map(|score| format!("target missed: {}", score.name));
        let mut reasons: Vec<String> = Vec::new();
        let verdict = if let Some(text) = &self.error {
            reasons.push(text.clone());
            Verdict::Error
        } else if let Some(text) = &self.stopped {
            reasons.push(text.clone());
            Verdict::Aborted
        } else {
            Verdict::Passed
        };
        reasons.extend(self.failures.iter().cloned().chain(missed));
        match verdict {
            Verdict::Passed if !reasons.is_empty() => (Verdict::Failed, reasons),
            verdict => (verdict, reasons),
        }
    }
}
