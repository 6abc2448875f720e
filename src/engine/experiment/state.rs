//! One experiment under way: what was declared, what probes said when, and what it comes to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::observe::{observe, problem, summaries};
use super::probes::{Answer, Kind, Probe};
use crate::base::units::millis;
use crate::modules::prometheus::Server;
use crate::output::{Observation, StepSummary, Verdict};

/// The probes of an experiment.
#[derive(Debug, Clone)]
pub struct Steady {
    /// The hypothesis in words.
    pub name: String,
    /// What is asked.
    pub probes: Arc<[Probe]>,
    /// How long it may take to be there before anything is injected.
    pub settle: Option<Duration>,
}

/// An alert of a Prometheus server, by name.
#[derive(Debug, Clone)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Who knows of it.
    pub server: Arc<Server>,
}

/// When a breach while a fault is live ends the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// How often probes are asked.
    pub every: Duration,
    /// How many breaches in a row are tolerated.
    pub tolerate: u32,
}

/// Why an experiment ended before its function did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// The steady state was not there before; nothing was injected.
    Precondition(String),
    /// A fault could not be prepared; nothing of it was injected.
    Refused(String),
    /// The guard saw one breach too many.
    Guard(String),
    /// Somebody stopped it.
    Stopped(String),
}

/// An experiment, shared by the main VM, the prober and the controller.
#[derive(Debug)]
pub struct Experiment {
    /// Its name.
    pub name: Arc<str>,
    /// When it began.
    pub begun_at: Duration,
    state: Mutex<State>,
}

/// Everything that changes.
#[derive(Debug, Default)]
pub struct State {
    /// What `x:steady_state` declared.
    pub steady: Option<Steady>,
    /// Alerts that count as detection.
    pub alerts: Vec<Alert>,
    /// What `x:guard` set.
    pub guard: Option<Guard>,
    /// What probes said before.
    pub before: Option<Observation>,
    /// What they said while a fault was live.
    pub during: Option<Observation>,
    /// What they said after the last heal.
    pub after: Option<Observation>,
    /// The steps so far.
    pub steps: Vec<StepSummary>,
    /// Whether the last of them has not ended; an interrupted script cannot say how it did.
    pub in_step: bool,
    /// How many of its faults are live.
    pub live: u32,
    /// When the first fault was in force.
    pub injected_at: Option<Duration>,
    /// When the last fault was healed.
    pub healed_at: Option<Duration>,
    /// When the injection was first noticed: by a breach or an alert.
    pub detected_at: Option<Duration>,
    /// How long it took from the last heal to the steady state that stayed.
    pub recovered_after: Option<Duration>,
    /// Whether the watch over it runs.
    pub watched: bool,
    /// Why it ended early.
    pub cut: Option<Cut>,
    /// What was wrong with the script.
    pub error: Option<String>,
    /// What else it failed at.
    pub failures: Vec<String>,
    /// Breaches in a row.
    in_a_row: u32,
}

/// What the guard makes of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// All held, or it does not matter now.
    Fine,
    /// The first breach since the injection.
    Detected(String),
    /// A breach that is tolerated.
    Tolerated(String),
    /// One too many.
    Breach(String),
}

impl Experiment {
    /// An experiment that begins.
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
}

impl State {
    /// How often probes are asked while faults are live.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.guard
            .map_or(Duration::from_millis(500), |guard| guard.every)
    }

    /// Whether it has ended early.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Notes why it ends early; the first reason stays. True if this is the first.
    pub fn cut(&mut self, why: Cut) -> bool {
        let first = self.cut.is_none();
        self.cut.get_or_insert(why);
        first
    }

    /// A step begins.
    pub fn begin_step(&mut self, name: &str, at: Duration) {
        self.in_step = true;
        self.steps.push(StepSummary {
            name: name.to_owned(),
            at_ms: millis(at),
            duration_ms: 0,
            ok: false,
            error: None,
        });
    }

    /// The step under way ends, if there is one.
    pub fn end_step(&mut self, at: Duration, error: Option<String>) {
        let open = std::mem::take(&mut self.in_step);
        if let Some(step) = self.steps.last_mut().filter(|_| open) {
            step.duration_ms = millis(at).saturating_sub(step.at_ms);
            step.ok = error.is_none();
            step.error = error;
        }
    }

    /// Takes how its faults stand: when each was injected and healed.
    pub fn sync(&mut self, faults: impl Iterator<Item = (Option<Duration>, Option<Duration>)>) {
        self.live = 0;
        for (injected, healed) in faults {
            self.injected_at = self.injected_at.into_iter().chain(injected).min();
            self.healed_at = self.healed_at.max(healed);
            self.live += u32::from(injected.is_some() && healed.is_none());
        }
    }

    /// Takes what probes said at `at`, having been asked at `asked`, while it is watched.
    pub fn saw(&mut self, answers: &[Answer], asked: Duration, at: Duration) -> Seen {
        // Asked before the fault was in force, or answered after it was gone, says nothing of it.
        if self.live == 0 || self.injected_at.is_none_or(|from| asked < from) {
            return Seen::Fine;
        }
        let Some(steady) = &self.steady else {
            return Seen::Fine;
        };
        let broken = problem(&steady.probes, answers);
        let names = summaries(&steady.probes, answers);
        observe(&mut self.during, names, broken.is_none());
        let Some(text) = broken else {
            self.in_a_row = 0;
            return Seen::Fine;
        };
        self.in_a_row += 1;
        let first = self.detected_at.is_none();
        self.detected_at.get_or_insert(at);
        match self.guard {
            Some(guard) if self.in_a_row > guard.tolerate => Seen::Breach(text),
            Some(_) => Seen::Tolerated(text),
            None if first => Seen::Detected(text),
            None => Seen::Fine,
        }
    }

    /// An alert fired, asked for at `asked`. True if that is how the injection was detected.
    pub fn alerted(&mut self, asked: Duration, at: Duration) -> bool {
        let after = self.injected_at.is_some_and(|from| asked >= from);
        let first = after && self.detected_at.is_none();
        if first {
            self.detected_at = Some(at);
        }
        first
    }

    /// The verdict, if the function of the script itself ended well.
    #[must_use]
    pub fn verdict(&self) -> (Verdict, Vec<String>) {
        let mut reasons = Vec::new();
        let cut = self.cut.as_ref().map(|cut| match cut {
            Cut::Precondition(text) => (
                Verdict::Aborted,
                format!("steady state not met, nothing was injected: {text}"),
            ),
            Cut::Refused(text) => (Verdict::Aborted, text.clone()),
            Cut::Guard(text) => (Verdict::Failed, format!("guard: {text}")),
            Cut::Stopped(text) => (Verdict::Aborted, text.clone()),
        });
        let mut verdict = Verdict::Passed;
        if let Some(text) = &self.error {
            verdict = Verdict::Error;
            reasons.push(text.clone());
        } else if let Some((word, text)) = cut {
            verdict = word;
            reasons.push(text);
        }
        if verdict == Verdict::Passed && !self.failures.is_empty() {
            verdict = Verdict::Failed;
        }
        reasons.extend(self.failures.iter().cloned());
        (verdict, reasons)
    }

    /// How long before the first fault the steady state may take to be there.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let Some(steady) = &self.steady else {
            return Duration::ZERO;
        };
        let windows = steady.probes.iter().filter_map(|probe| match &probe.kind {
            Kind::Metric(metric) => Some(metric.window + Duration::from_secs(2)),
            _ => None,
        });
        steady
            .settle
            .unwrap_or_else(|| windows.max().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment(tolerate: Option<u32>) -> State {
        let probe = Probe {
            name: "up".to_owned(),
            kind: Kind::Function(0, None),
            within: Duration::from_secs(1),
        };
        State {
            steady: Some(Steady {
                name: "s".to_owned(),
                probes: Arc::from([probe]),
                settle: None,
            }),
            guard: tolerate.map(|tolerate| Guard {
                every: Duration::from_secs(1),
                tolerate,
            }),
            ..State::default()
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn look(state: &mut State, ok: bool, second: u64) -> Seen {
        let answer = Answer {
            ok,
            ..Answer::default()
        };
        state.saw(&[answer], at(second), at(second))
    }

    #[test]
    fn a_guard_counts_breaches_in_a_row_while_a_fault_is_live() {
        let mut state = experiment(Some(1));
        assert_eq!(look(&mut state, false, 1), Seen::Fine);
        state.sync([(Some(at(2)), None)].into_iter());
        for second in [3, 5, 7] {
            assert!(matches!(
                look(&mut state, false, second),
                Seen::Tolerated(_)
            ));
            assert_eq!(look(&mut state, true, second + 1), Seen::Fine);
        }
        assert!(matches!(look(&mut state, false, 9), Seen::Tolerated(_)));
        assert!(matches!(look(&mut state, false, 10), Seen::Breach(_)));
        state.sync([(Some(at(2)), Some(at(11)))].into_iter());
        assert_eq!(look(&mut state, false, 12), Seen::Fine);
        assert_eq!(state.detected_at, Some(at(3)));
        let during = state.during.unwrap();
        assert_eq!((during.ok, during.checked, during.breaches), (false, 8, 5));
        assert!(!during.probes[0].ok);
    }

    #[test]
    fn without_a_guard_the_first_breach_is_the_detection() {
        let mut state = experiment(None);
        state.sync([(Some(at(2)), None)].into_iter());
        assert_eq!(look(&mut state, true, 3), Seen::Fine);
        assert!(matches!(look(&mut state, false, 4), Seen::Detected(_)));
        assert_eq!(look(&mut state, false, 5), Seen::Fine);
        assert_eq!(state.detected_at, Some(at(4)));
        // An alert counts once, and only after the injection.
        assert!(!state.alerted(at(6), at(6)));
        let mut state = experiment(None);
        assert!(!state.alerted(at(1), at(1)));
        state.sync([(Some(at(2)), None)].into_iter());
        assert!(state.alerted(at(3), at(4)) && !state.alerted(at(5), at(5)));
        // A look that began before the injection says nothing of it.
        let mut state = experiment(Some(0));
        state.sync([(Some(at(5)), None)].into_iter());
        let answers = [Answer::default()];
        assert_eq!(state.saw(&answers, at(4), at(6)), Seen::Fine);
    }

    #[test]
    fn verdicts_have_their_reasons() {
        let mut state = experiment(None);
        assert_eq!(state.verdict(), (Verdict::Passed, Vec::new()));
        state.failures.push("x".to_owned());
        assert_eq!(state.verdict().0, Verdict::Failed);
        assert!(state.cut(Cut::Precondition("up: got 503".to_owned())));
        assert!(!state.cut(Cut::Stopped("SIGINT".to_owned())));
        let (verdict, reasons) = state.verdict();
        assert_eq!(verdict, Verdict::Aborted);
        assert!(reasons[0].contains("nothing was injected"), "{reasons:?}");
    }
}
