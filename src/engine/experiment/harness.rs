//! What experiments work with: the prober, the agents, the timeline, and the rules of the method.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::prober::Prober;
use super::probes::Probe;
use super::state::{Cut, Experiment, State};
use super::watch::{return_of, settle, watch};
use crate::agent::client::{Agents, Held};
use crate::base::clock::Clock;
use crate::base::units::millis;
use crate::base::units::show_duration;
use crate::engine::director::Ask;
use crate::engine::gameday::{Desk, Gameday};
use crate::engine::site::Report;
use crate::output::{Event, EventKind};

/// How long an experiment that does not say otherwise waits for its steady state after its faults.
pub const RECOVERY: Duration = Duration::from_secs(30);

/// What all experiments of a run share.
pub struct Harness {
    /// Who injects and heals.
    pub agents: Agents,
    /// The run's clock.
    pub clock: Clock,
    prober: Prober,
    asks: mpsc::Sender<Ask>,
    reports: mpsc::Sender<Report>,
    under_way: Mutex<Option<Arc<Experiment>>>,
    /// Those that have begun, oldest first.
    begun: Mutex<Vec<Arc<Experiment>>>,
    halted: Mutex<Option<String>>,
    /// Who answers at gamedays.
    pub desk: Desk,
    gamedays: Mutex<Vec<Arc<Gameday>>>,
}

impl Harness {
    /// A harness without experiments under way.
    #[must_use]
    pub fn new(
        agents: Agents,
        clock: Clock,
        prober: Prober,
        asks: mpsc::Sender<Ask>,
        reports: mpsc::Sender<Report>,
        desk: Desk,
    ) -> Arc<Self> {
        Arc::new(Self {
            agents,
            clock,
            prober,
            asks,
            reports,
            under_way: Mutex::default(),
            begun: Mutex::default(),
            halted: Mutex::default(),
            desk,
            gamedays: Mutex::default(),
        })
    }

    /// Puts something on the timeline, as of now.
    pub async fn note(&self, kind: EventKind, text: impl Into<String>) {
        let event = Event {
            at: self.clock.elapsed(),
            kind,
            text: text.into(),
        };
        // Who takes it has ended only when the run has.
        let _ = self.reports.send(Report::Event(event)).await;
    }

    /// The run ends: what is under way is cut, and nothing begins any more.
    pub fn halt(&self, why: &str) {
        lock(&self.halted).get_or_insert_with(|| why.to_owned());
        if let Some(experiment) = self.under_way() {
            experiment.state().cut(Cut::Stopped(why.to_owned()));
        }
        // Those that have ended have their verdict.
        if let Some(gameday) = lock(&self.gamedays).last()
            && !gameday.state().ended
        {
            let mut state = gameday.state();
            state.stopped.get_or_insert_with(|| why.to_owned());
        }
    }

    /// Why the run ends, if it does.
    #[must_use]
    pub fn halted(&self) -> Option<String> {
        lock(&self.halted).clone()
    }

    /// The experiment under way.
    #[must_use]
    pub fn under_way(&self) -> Option<Arc<Experiment>> {
        lock(&self.under_way).clone()
    }

    /// Experiments that have begun, oldest first.
    #[must_use]
    pub fn begun(&self) -> Vec<Arc<Experiment>> {
        lock(&self.begun).clone()
    }

    /// Begins an experiment.
    pub async fn begin(&self, name: &Arc<str>) -> Arc<Experiment> {
        let experiment = Experiment::new(Arc::clone(name), self.clock.elapsed());
        *lock(&self.under_way) = Some(Arc::clone(&experiment));
        lock(&self.begun).push(Arc::clone(&experiment));
        self.note(
            EventKind::Experiment,
            format!("experiment \"{name}\" begins"),
        )
        .await;
        experiment
    }

    /// Begins a gameday.
    pub async fn begin_gameday(&self, name: &Arc<str>) -> Arc<Gameday> {
        let gameday = Gameday::new(Arc::clone(name), self.clock.elapsed());
        lock(&self.gamedays).push(Arc::clone(&gameday));
        self.note(EventKind::Gameday, format!("gameday \"{name}\" begins"))
            .await;
        gameday
    }

    /// Gamedays that have begun, oldest first.
    #[must_use]
    pub fn gamedays(&self) -> Vec<Arc<Gameday>> {
        lock(&self.gamedays).clone()
    }

    /// The script's part has ended: an order to stop would hit something else.
    pub fn leave(&self) {
        lock(&self.under_way).take();
    }

    /// Asks the controller to start a scenario.
    ///
    /// # Errors
    ///
    /// Why it cannot start.
    pub async fn load(&self, scenario: &str) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the run is ending".to_owned();
        let report = Report::Load(Arc::from(scenario), reply);
        self.reports.send(report).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// The faults of an experiment, oldest first; no fixtures.
    #[must_use]
    pub fn faults(&self, experiment: &Experiment) -> Vec<Arc<Held>> {
        self.faults_since(experiment.begun_at)
    }

    fn faults_since(&self, begun_at: Duration) -> Vec<Arc<Held>> {
        let mut all = self.agents.records();
        all.retain(|held| !held.order.fixture && held.state().planned_at >= begun_at);
        all
    }

    /// Heals all faults that were asked for since, newest first.
    pub async fn heal_since(&self, begun_at: Duration) {
        for held in self.faults_since(begun_at).iter().rev() {
            // What could not be healed is in its record, which the run's end reads.
            let _ = self.agents.heal(held).await;
        }
    }

    /// The state of an experiment, with how its faults stand now.
    pub fn look<'a>(&self, experiment: &'a Experiment) -> MutexGuard<'a, State> {
        let faults = self.faults(experiment);
        let mut state = experiment.state();
        state.sync(faults.iter().map(|held| {
            let state = held.state();
            // What could not be healed is not waited for: the run's end tells of it.
            let over =
                (state.injected_at.is_some() && !held.active()).then(|| self.clock.elapsed());
            (state.injected_at, state.healed_at.or(over))
        }));
        state
    }

    /// Heals all faults of an experiment, newest first.
    pub async fn heal(&self, experiment: &Experiment) {
        self.heal_since(experiment.begun_at).await;
    }

    /// Checks the steady state before the first fault, and has it watched from then on. `false` if it does not
    /// hold: then the experiment is cut.
    pub async fn before(self: &Arc<Self>, experiment: &Arc<Experiment>) -> bool {
        let (steady, patience, alerts) = {
            let state = experiment.state();
            if state.is_cut() {
                return false;
            }
            let nothing = state.steady.is_none() && state.alerts.is_empty();
            if nothing || state.watched || state.before.is_some() {
                return true;
            }
            (state.steady.clone(), state.patience(), state.alerts.clone())
        };
        let probes: Arc<[Probe]> = steady
            .as_ref()
            .map_or(Arc::from([]), |one| one.probes.clone());
        let asked = (Arc::clone(&probes), alerts);
        let seen = self
            .prober
            .run(move |kit| settle(kit, asked.0, asked.1, patience))
            .await;
        let Some((observation, broken)) = seen else {
            return false;
        };
        let name = steady.map_or_else(|| "no alert fires".to_owned(), |steady| steady.name);
        {
            let mut state = experiment.state();
            state.before = Some(observation);
            state.watched = broken.is_none();
        }
        if let Some(text) = broken {
            experiment.state().cut(Cut::Precondition(text.clone()));
            let text = format!("steady state \"{name}\" is not there: {text}");
            self.note(EventKind::Probe, text).await;
            return false;
        }
        let text = format!("steady state \"{name}\" holds before");
        self.note(EventKind::Probe, text).await;
        let (harness, watched) = (Arc::clone(self), Arc::clone(experiment));
        self.prober
            .start_job(move |kit| watch(kit, harness, watched, probes));
        true
    }

    /// A guard's breach: heals everything of the experiment and ends its script.
    pub(super) async fn breach(&self, experiment: &Arc<Experiment>, text: String) {
        if !experiment.state().cut(Cut::Guard(text.clone())) {
            return;
        }
        // The script may be computing; healing does not wait for it.
        let stop = Ask::StopExperiment(Arc::clone(experiment));
        let _ = self.asks.try_send(stop);
        self.note(EventKind::Guard, format!("breach, healing: {text}"))
            .await;
        self.heal(experiment).await;
    }

    /// Waits for a steady state that stays; notes and returns how long after the last heal it came.
    ///
    /// # Errors
    ///
    /// It did not come in time: what was still wrong.
    pub async fn recover(
        &self,
        experiment: &Arc<Experiment>,
        within: Duration,
        stable_for: Duration,
    ) -> Result<Duration, String> {
        let from = self.look(experiment).healed_at;
        let from = from.unwrap_or_else(|| self.clock.elapsed());
        let steady = experiment.state().steady.clone();
        let Some(steady) = steady else {
            return Ok(Duration::ZERO);
        };
        let probes = Arc::clone(&steady.probes);
        let seen = self
            .prober
            .run(move |kit| return_of(kit, probes, from, within, stable_for))
            .await;
        let Some((observation, result)) = seen else {
            return Err("the run is ending".to_owned());
        };
        let healed = self.look(experiment).healed_at.is_some();
        let text = match &result {
            Ok(_) if !healed => format!("steady state \"{}\" holds after", steady.name),
            Ok(time) => format!(
                "steady state \"{}\" is back {} after the heal",
                steady.name,
                show_duration(rounded(*time))
            ),
            Err(text) => format!(
                "steady state \"{}\" is not back within {}: {text}",
                steady.name,
                show_duration(within)
            ),
        };
        {
            let mut state = experiment.state();
            state.after = Some(observation);
            state.recovered_after = result.as_ref().ok().copied();
        }
        self.note(EventKind::Recover, text).await;
        result
    }
}

/// To whole milliseconds, for people.
fn rounded(time: Duration) -> Duration {
    Duration::from_millis(millis(time))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
