//! The controller: takes figures, watches thresholds, memory and signals, and decides how a run ends.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Interval, MissedTickBehavior};

use crate::agent::client as agent;
use crate::base::clock::Clock;
use crate::base::units::{Bytes, show_duration};
use crate::metrics::{Aggregator, Recorder, TagSetId, builtin};
use crate::output::{Event, EventKind, Feed};
use crate::script::{Kind, ScriptError};

pub use super::ending::Ending;
use super::error_table::ErrorTable;
use super::holds::Holds;
use super::impact::Impact;
use super::judge::Judge;
use super::memory;
use super::recording::Recording;
use super::site::Report;

/// How long heals may take after somebody has asked the run to end; a second signal leaves them to the agents.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the controller wants its caller to do now.
#[derive(Debug)]
pub enum Notice {
    /// A worker can start scenarios.
    Ready,
    /// A worker's part of a scenario has ended.
    Done(usize),
    /// An experiment wants a scenario to run.
    Load(Arc<str>, oneshot::Sender<Result<(), String>>),
    /// The run shall end: interrupt everything.
    Stop,
    /// A second signal: leave now.
    Leave,
    /// Time to show progress.
    Tick,
}

/// The state of a run that lasts over all of its stages.
pub struct Control {
    /// The run's clock.
    pub clock: Clock,
    /// All figures, shared with natives that read them.
    pub aggregator: Arc<Mutex<Aggregator>>,
    /// The run's thresholds; none before the script is loaded.
    pub judge: Option<Judge>,
    /// Errors of iterations.
    pub errors: ErrorTable,
    /// What happened when.
    pub timeline: Vec<Event>,
    /// Curves and outputs.
    pub recording: Recording,
    /// Why the run ended early, if it did.
    pub ending: Option<Ending>,
    /// The faults of the run.
    pub holds: Holds,
    /// What they did to the load.
    pub impact: Impact,
    pub(super) recorder: Recorder,
    pub(super) most_users: u32,
    reports: mpsc::Receiver<Report>,
    interrupt: Signal,
    terminate: Signal,
    ticks: Interval,
    memory_limit: Bytes,
    signals: u32,
}

impl Control {
    /// A controller at the start of a run. Must be made inside a runtime.
    ///
    /// # Errors
    ///
    /// Signals cannot be caught.
    pub fn new(
        clock: Clock,
        aggregator: Arc<Mutex<Aggregator>>,
        reports: mpsc::Receiver<Report>,
        memory_limit: Bytes,
        holds: Holds,
        feed: Feed,
    ) -> std::io::Result<Self> {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut figures = aggregator.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = Recorder::new(figures.catalog().clone());
        let recording = Recording::new(&mut figures, feed);
        drop(figures);
        Ok(Self {
            recorder,
            recording,
            most_users: 0,
            holds,
            impact: Impact::default(),
            clock,
            aggregator,
            judge: None,
            errors: ErrorTable::default(),
            timeline: Vec::new(),
            ending: None,
            reports,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            ticks,
            memory_limit,
            signals: 0,
        })
    }

    /// The figures; a panic elsewhere does not make them unreadable.
    pub fn figures(&self) -> MutexGuard<'_, Aggregator> {
        self.aggregator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something on the timeline.
    pub fn note(&mut self, kind: EventKind, text: impl Into<String>) {
        self.timeline.push(Event {
            at: self.clock.elapsed(),
            kind,
            text: text.into(),
        });
    }

    /// Waits for a future while the run's events are handled. `None` when it was cut short: the
    /// run ends early and the future did not end within `grace` after that.
    pub async fn during<T>(
        &mut self,
        future: impl Future<Output = T>,
        grace: Duration,
        mut on: impl FnMut(&mut Self, Notice),
    ) -> Option<T> {
        tokio::pin!(future);
        let mut limit: Option<Instant> = None;
        loop {
            let patience = limit.map_or(Duration::MAX, |limit| {
                limit.saturating_duration_since(Instant::now())
            });
            tokio::select! {
                biased;
                value = &mut future => return Some(value),
                () = tokio::time::sleep(patience), if limit.is_some() => return None,
                notice = self.next() => {
                    let leave = matches!(notice, Notice::Leave);
                    if matches!(notice, Notice::Stop) {
                        limit = Some(Instant::now() + grace);
                    }
                    on(self, notice);
                    if leave {
                        return None;
                    }
                }
            }
        }
    }

    /// The next thing that the caller has to act on. May be dropped at any time.
    pub async fn next(&mut self) -> Notice {
        loop {
            let notice = tokio::select! {
                biased;
                _ = self.interrupt.recv() => self.signalled("SIGINT"),
                _ = self.terminate.recv() => self.signalled("SIGTERM"),
                report = self.reports.recv() => match report {
                    Some(report) => self.take(report),
                    None => std::future::pending().await,
                },
                notice = self.holds.next() => self.noticed(notice),
                _ = self.ticks.tick() => self.tick(),
            };
            if let Some(notice) = notice {
                return notice;
            }
        }
    }

    /// Notes what an agent says.
    fn noticed(&mut self, notice: agent::Notice) -> Option<Notice> {
        if let agent::Notice::Fault { held, .. } = &notice {
            let aggregator = self.aggregator.clone();
            let figures = aggregator.lock().unwrap_or_else(PoisonError::into_inner);
            self.impact.follow(held, &figures, self.clock);
            let live = figures.catalog().faults().live();
            drop(figures);
            let series = self
                .recorder
                .series(builtin::FAULTS_ACTIVE, TagSetId::EMPTY);
            #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
            self.recorder.add(series, live as f64);
            self.flush();
        }
        let (events, ending) = super::holds::events(&notice);
        for (kind, text) in events {
            self.note(kind, text);
        }
        ending.and_then(|ending| self.end(ending))
    }

    /// Heals whatever is live, and waits for it.
    pub async fn heal(&mut self) {
        let healing = self.holds.heal();
        self.during(healing, PATIENCE, |_, _| {}).await;
        while let Some(notice) = self.holds.try_next() {
            let _ = self.noticed(notice);
        }
    }

    /// Ends all agents, after what is still live is healed.
    pub async fn close(&mut self) {
        let closing = self.holds.close();
        self.during(closing, PATIENCE, |_, _| {}).await;
        while let Some(notice) = self.holds.try_next() {
            let _ = self.noticed(notice);
        }
    }

    /// Takes the reports that are already there, after all threads have ended.
    pub fn drain(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            self.take(report);
        }
    }

    /// Records what is left, after everything was drained, and says how long the run took.
    pub fn finish(&mut self) -> Duration {
        let took = self.clock.elapsed();
        let aggregator = self.aggregator.clone();
        let mut figures = aggregator.lock().unwrap_or_else(PoisonError::into_inner);
        self.recording.finish(&mut figures, took, &self.timeline);
        took
    }

    fn signalled(&mut self, name: &'static str) -> Option<Notice> {
        self.signals += 1;
        if self.signals > 1 {
            return Some(Notice::Leave);
        }
        self.end(Ending::Signal(name))
    }

    /// Notes why the run ends; the first reason stays, unless a worse one follows.
    fn end(&mut self, ending: Ending) -> Option<Notice> {
        let text = match &ending {
            Ending::Signal(name) => format!("{name}: interrupting"),
            Ending::Threshold(text) => format!("threshold failed, ending the run: {text}"),
            Ending::Expectation(error) | Ending::Precondition(error) | Ending::Injection(error) => {
                error.message.clone()
            }
            Ending::Halt(text) | Ending::AgentLost(text) => text.clone(),
            Ending::Script(error) => format!("script error: {}", error.message),
            Ending::Defect => "a defect of rchaos".to_owned(),
        };
        let kind = match &ending {
            Ending::Signal(_) | Ending::Halt(_) => EventKind::Interrupt,
            Ending::Threshold(_) => EventKind::Threshold,
            Ending::Expectation(_)
            | Ending::Precondition(_)
            | Ending::Injection(_)
            | Ending::AgentLost(_)
            | Ending::Script(_)
            | Ending::Defect => EventKind::Error,
        };
        self.note(kind, text);
        let worse = matches!(ending, Ending::Script(_) | Ending::Defect);
        let first = self.ending.is_none();
        if first || (worse && !matches!(self.ending, Some(Ending::Script(_) | Ending::Defect))) {
            self.ending = Some(ending);
        }
        if first {
            // Before anything else: what was broken on purpose hurts for as long as it lasts.
            self.holds.heal_now();
        }
        first.then_some(Notice::Stop)
    }

    fn take(&mut self, report: Report) -> Option<Notice> {
        match report {
            Report::Ready => Some(Notice::Ready),
            Report::Done(scenario) => Some(Notice::Done(scenario)),
            Report::Figures(delta, errors) => {
                let now = self.clock.elapsed();
                self.figures().merge(delta, now);
                errors.into_iter().for_each(|error| self.errors.add(error));
                None
            }
            Report::Event(event) => {
                self.timeline.push(event);
                None
            }
            Report::Load(name, reply) => Some(Notice::Load(name, reply)),
            Report::Fatal(error) => self.end(Ending::Script(error)),
            Report::Defect => self.end(Ending::Defect),
        }
    }

    fn tick(&mut self) -> Option<Notice> {
        let used = memory::resident();
        if used > self.memory_limit && self.ending.is_none() {
            return self.end(Ending::Script(ScriptError::new(
                Kind::Memory,
                format!(
                    "the process uses {used}, more than --memory-limit {}; keep less in tables, \
                     discard bodies, or raise the limit",
                    self.memory_limit
                ),
            )));
        }
        let now = self.clock.elapsed();
        let aggregator = self.aggregator.clone();
        let mut figures = aggregator.lock().unwrap_or_else(PoisonError::into_inner);
        self.recording.tick(&mut figures, now, &self.timeline);
        let failed = self
            .judge
            .as_mut()
            .and_then(|judge| judge.tick(&figures, now));
        drop(figures);
        match failed {
            Some(text) if self.ending.is_none() => self.end(Ending::Threshold(text)),
            _ => Some(Notice::Tick),
        }
    }

    /// Ends the run because one of its stages took too long.
    pub fn too_slow(&mut self, what: &str, limit: Duration) {
        let message = format!(
            "{what} took longer than {}; raise `{what}_timeout` in options",
            show_duration(limit)
        );
        let _ = self.end(Ending::Script(ScriptError::new(Kind::Runtime, message)));
    }

    /// Ends the run with an error of the script.
    pub fn script_error(&mut self, error: ScriptError) {
        let _ = self.end(match error.kind {
            Kind::Expectation => Ending::Expectation(error),
            Kind::Precondition if !self.holds.any_injected() => Ending::Precondition(error),
            Kind::Precondition | Kind::Injection => Ending::Injection(error),
            _ => Ending::Script(error),
        });
    }
}
