//! The life of a run: load, check, set up, scenarios, tear down, decide.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::agent::client::{AgentCommand, Agents, GuardRails, Held};
use crate::base::scale::TimeScale;
use crate::base::units::Bytes;
use crate::modules::hold::Alerts;
use crate::output::{EventKind, Feed, Progress};
use crate::script::{Module, Problem, ScriptError, Source, Sources, Verb};

use super::control::{Control, Ending, Notice};
use super::crew::Crew;
use super::director::{Ask, Director, Loaded, Texts, ask};
use super::experiment::Harness;
use super::gameday::GamedayConfig;
use super::judge::Judge;
use super::overrides::Overrides;
use super::plan::Plan;
use super::pool::Pool;
use super::stage::Stage;
use super::worker::Command;

/// What the caller decides about a run.
pub struct RunConfig {
    /// The script.
    pub source: Source,
    /// Where scripts are read from.
    pub sources: Arc<Sources>,
    /// The natives.
    pub modules: &'static [Module],
    /// The registering and acting globals.
    pub verbs: &'static [Verb],
    /// The environment that scripts see.
    pub env: BTreeMap<String, String>,
    /// Tags on every sample.
    pub tags: Vec<(String, String)>,
    /// The seed of every random choice.
    pub seed: u64,
    /// What the command line changes of the script's scenarios.
    pub overrides: Overrides,
    /// How much memory the process may use.
    pub memory_limit: Bytes,
    /// The most series that are kept.
    pub max_series: usize,
    /// How many load workers at most; one per core by default.
    pub workers: usize,
    /// Who answers at gamedays.
    pub gameday: GamedayConfig,
    /// What injects, and how.
    pub agents: AgentSettings,
    /// Alerts; while one of them fires nothing is injected.
    pub alerts: Option<Alerts>,
    /// Who gets the run's points and events as they come.
    pub feed: Feed,
    /// Whether progress carries what a live view shows: curves, faults, events.
    pub live_view: bool,
}

/// How the agents of a run are started, and how long they wait for it.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// How long an agent waits without a sign of life before it heals.
    pub lease: Duration,
    /// How agents are started, by name; over those of the script.
    pub commands: BTreeMap<String, AgentCommand>,
    /// Whether faults are only logged.
    pub dry_run: bool,
    /// Whether timers of systemd heal where all else is lost.
    pub deadman: bool,
    /// Who answers for the run, and how far a fault may reach.
    pub guard_rails: GuardRails,
    /// Where the run's faults can be looked at from outside of it, if anybody does.
    pub seen: Option<SeenFaults>,
}

/// The faults of a run that may not have begun.
#[derive(Debug, Clone, Default)]
pub struct SeenFaults(Arc<OnceLock<Agents>>);

impl SeenFaults {
    /// How many are in place, about to be, or not healed; fixtures are none.
    #[must_use]
    pub fn live(&self) -> usize {
        let records = self.0.get().map(Agents::records).unwrap_or_default();
        let open = |held: &&Arc<Held>| held.state().phase.is_open() && !held.order.fixture;
        records.iter().filter(open).count()
    }

    pub(super) fn follow(&self, agents: &Agents) {
        // A run begins once.
        let _ = self.0.set(agents.clone());
    }
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(5),
            commands: BTreeMap::new(),
            dry_run: false,
            deadman: false,
            guard_rails: GuardRails::default(),
            seen: None,
        }
    }
}

/// Why there is nothing to report.
#[derive(Debug)]
pub enum RunError {
    /// The script does not load.
    Script(ScriptError),
    /// The script loads, but what it declares is wrong; every problem.
    Problems(Vec<Problem>),
    /// The command line does not fit the script.
    Usage(String),
    /// The run was ended before the script was loaded.
    Aborted(&'static str),
    /// The system refused something, or a defect of rchaos.
    Internal(String),
}

/// How a run went.
pub struct Outcome {
    /// Everything that is known about it.
    pub control: Control,
    /// What was planned.
    pub plan: Plan,
    /// The pool of each scenario.
    pub pools: Vec<Arc<Pool>>,
    /// The run's seed.
    pub seed: u64,
    /// How much shorter than written everything was.
    pub time_scale: TimeScale,
    /// How long it took.
    pub took: Duration,
    /// Asks the script for its own summary.
    pub director: Director,
    /// The experiments, if there were any.
    pub harness: Option<Arc<Harness>>,
}

/// Called with how the run stands a few times a second.
pub type OnProgress<'a> = &'a mut dyn FnMut(&Progress);

/// Runs a script's top level; with `check` only up to its first input or output.
pub(super) async fn load(config: &RunConfig, check: bool) -> Result<(Stage, Loaded), RunError> {
    let mut stage = Stage::open(config, check)?;
    let asks = stage.director.asks();
    let loading = ask(asks.clone(), Ask::Load);
    let grace = Duration::from_secs(6);
    let watchdog = stage.setup.watchdog.clone();
    let answer = stage
        .control
        .during(loading, grace, |_, notice| {
            if matches!(notice, Notice::Stop) {
                watchdog.kill_all();
                let _ = asks.try_send(Ask::Stop);
            }
        })
        .await;
    if matches!(answer, Some(None)) {
        // The thread has ended; why is among its reports.
        stage.director.join();
        stage.control.drain();
    }
    let touched = !stage.control.holds.agents.records().is_empty();
    match (answer, stage.control.ending.clone()) {
        (Some(Some(Ok(loaded))), _) => Ok((stage, loaded)),
        // It has touched something: then the run ends as one that did, with a summary that says so.
        (Some(Some(Err(error))), None) if touched => {
            stage.control.script_error(error);
            Ok((stage, Loaded::default()))
        }
        (_, Some(_)) if touched => Ok((stage, Loaded::default())),
        (_, Some(Ending::Script(error))) | (Some(Some(Err(error))), None) => {
            Err(RunError::Script(error))
        }
        (_, Some(Ending::Signal(name))) => Err(RunError::Aborted(name)),
        _ => Err(RunError::Internal("the main VM ended early".to_owned())),
    }
}

/// Runs a script from its top level to its teardown.
///
/// # Errors
///
/// The script does not load, or what it declares is wrong. What goes wrong later is in the outcome.
pub async fn run(config: RunConfig, on_progress: OnProgress<'_>) -> Result<Outcome, RunError> {
    let (mut stage, loaded) = load(&config, false).await?;
    let failed = loaded.failed.clone();
    let plan = accept(&config, &mut stage, loaded)?;
    if let Some(error) = failed {
        stage.control.script_error(error);
    }
    let mut pools = Vec::new();
    if !plan.is_ad_hoc() && stage.control.ending.is_none() {
        pools = scenarios(&mut stage, &plan, &config, on_progress).await?;
    }
    stage.control.close().await;
    stage.control.drain();
    let took = stage.control.finish();
    Ok(Outcome {
        took,
        control: stage.control,
        plan,
        pools,
        seed: config.seed,
        time_scale: config.overrides.time_scale,
        director: stage.director,
        harness: stage.harness,
    })
}

/// What `check` found.
pub struct Checked {
    /// What the script declares.
    pub plan: Plan,
    /// Whether its top level is the run.
    pub ad_hoc: bool,
}

/// Loads a script and judges its declarations; nothing is started, and nothing outside is touched.
///
/// # Errors
///
/// The script does not load, or what it declares is wrong.
pub async fn check(config: &RunConfig) -> Result<Checked, RunError> {
    let (mut stage, loaded) = load(config, true).await?;
    let plan = accept(config, &mut stage, loaded)?;
    Ok(Checked {
        ad_hoc: plan.is_ad_hoc(),
        plan,
    })
}

/// Applies the command line and judges the whole.
pub(super) fn accept(
    config: &RunConfig,
    stage: &mut Stage,
    loaded: Loaded,
) -> Result<Plan, RunError> {
    let mut plan = loaded.plan;
    let mut problems = loaded.problems;
    let left_out = config.overrides.apply(&mut plan).map_err(RunError::Usage)?;
    let judge = Judge::new(
        &plan.options.thresholds,
        &left_out,
        &stage.catalog,
        &mut stage.control.figures(),
        loaded.options_at.as_ref(),
    );
    match judge {
        Ok(judge) => stage.control.judge = Some(judge),
        Err(more) => problems.extend(more),
    }
    if problems.is_empty() {
        Ok(plan)
    } else {
        Err(RunError::Problems(problems))
    }
}

async fn scenarios(
    stage: &mut Stage,
    plan: &Plan,
    config: &RunConfig,
    on_progress: OnProgress<'_>,
) -> Result<Vec<Arc<Pool>>, RunError> {
    let most = usize::try_from(plan.max_vus()).unwrap_or(usize::MAX);
    stage.arm(plan, config.gameday.clone())?;
    let workers = config.workers;
    let fewest = usize::from(!plan.scenarios.is_empty());
    let mut crew = Crew::start(stage, plan, workers.min(most).max(fewest))?;
    if let Some(session) = set_up(stage, plan).await {
        for worker in &crew.workers {
            let json = session.as_deref().map(Arc::from);
            worker.tell(Command::Session(json)).await;
        }
        crew.run(stage, plan, config.live_view, on_progress).await;
        stage.control.heal().await;
        tear_down(stage, plan, session).await;
    }
    crew.finish(stage).await;
    Ok(crew.pools)
}

/// Calls `setup`; `None` when the run cannot go on.
async fn set_up(stage: &mut Stage, plan: &Plan) -> Option<Option<String>> {
    if !plan.hooks.setup {
        return Some(None);
    }
    stage.control.note(EventKind::Setup, "setup begins");
    let limit = plan.options.setup_timeout;
    let result = stage.hook("setup", limit, Ask::Setup).await?;
    stage.control.ending.is_none().then_some(result)
}

/// Calls `teardown`, also after a run that was cut short.
async fn tear_down(stage: &mut Stage, plan: &Plan, session: Option<String>) {
    if plan.hooks.teardown {
        stage.control.note(EventKind::Teardown, "teardown begins");
        let limit = plan.options.teardown_timeout;
        stage
            .hook("teardown", limit, |reply| Ask::Teardown(session, reply))
            .await;
    }
}

impl Outcome {
    /// Asks the script's `summary` function what to write; `None` when there is none.
    ///
    /// # Errors
    ///
    /// The function threw, returned something else than texts, or took too long.
    pub async fn texts(&mut self, summary: String) -> Result<Option<Texts>, ScriptError> {
        if !self.plan.hooks.summary {
            return Ok(None);
        }
        let limit = self.plan.options.teardown_timeout;
        let call = ask(self.director.asks(), |reply| Ask::Summary(summary, reply));
        match tokio::time::timeout(limit, call).await {
            Ok(Some(result)) => result,
            Ok(None) => Ok(None),
            Err(_elapsed) => {
                self.control.too_slow("summary", limit);
                Ok(None)
            }
        }
    }
}
