//! One thread that runs scripts: its VM, its recorder, and its way to report.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mlua::{Function, Value};
use tokio::sync::{mpsc, oneshot};

use crate::agent::client::Agents;
use crate::base::clock::Clock;
use crate::base::scale::TimeScale;
use crate::http;
use crate::metrics::{Aggregator, Catalog, Delta, Recorder, TagSetId};
use crate::modules::hold::Alerts;
use crate::output::Event;
use crate::script::{
    Chunk, Limits, Module, Phase, Pulse, ScriptError, Source, Sources, Verb, Vm, VmOptions, Vu,
    VuOptions, Watchdog, json,
};

use super::error_table::{ErrorCount, ErrorTable};
use super::plan::ScenarioPlan;
use super::walk::Walk;

/// What every thread of a run is given.
#[derive(Clone)]
pub struct SiteSetup {
    /// The script.
    pub source: Source,
    /// Every file that scripts read.
    pub sources: Arc<Sources>,
    /// The natives.
    pub modules: &'static [Module],
    /// The registering and acting globals.
    pub verbs: &'static [Verb],
    /// Metric names and tag sets.
    pub catalog: Arc<Catalog>,
    /// All figures of the run, for natives that read them.
    pub aggregator: Arc<Mutex<Aggregator>>,
    /// The run's clock.
    pub clock: Clock,
    /// How long one slice of a script may compute.
    pub cpu_limit: Duration,
    /// Stops runaway scripts.
    pub watchdog: Arc<Watchdog>,
    /// The run's seed.
    pub seed: u64,
    /// The run's environment.
    pub env: Arc<BTreeMap<String, String>>,
    /// Tags on every sample.
    pub tags: Vec<(String, String)>,
    /// How much shorter than written the script's holds are.
    pub time_scale: TimeScale,
    /// A Prometheus and alerts; while one of them fires nothing is injected.
    pub alerts: Option<Alerts>,
    /// How many load workers there are.
    pub workers: usize,
    /// Bytes that the VM may use. Load workers have none: with one, mlua calls every table and
    /// string function protected, which costs a quarter of a request, and the controller ends a
    /// process that grows too large anyway.
    pub memory_limit: Option<usize>,
    /// What injects; only the main VM's thread uses it.
    pub agents: Agents,
    /// What a walk through the script meets; none where it is run.
    pub walk: Option<Walk>,
    /// Where figures and errors go.
    pub reports: mpsc::Sender<Report>,
}

impl SiteSetup {
    /// The folder that relative paths of the script start from; for stdin, the current one.
    fn folder(&self) -> Arc<Path> {
        let path = Path::new(&*self.source.name);
        let folder = path.parent().unwrap_or(Path::new(""));
        Arc::from(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        })
    }
}

/// What a thread tells the controller.
#[derive(Debug)]
pub enum Report {
    /// A worker can start scenarios.
    Ready,
    /// What was recorded and what went wrong since the last report.
    Figures(Delta, Vec<ErrorCount>),
    /// A worker's part of a scenario has ended.
    Done(usize),
    /// Something for the timeline.
    Event(Event),
    /// An experiment wants a scenario to run; the answer says why it does not.
    Load(Arc<str>, oneshot::Sender<Result<(), String>>),
    /// A defect of rchaos itself; its message went to stderr.
    Defect,
    /// The run cannot go on.
    Fatal(ScriptError),
}

/// One thread that runs scripts. Lives and dies on that thread.
pub struct Site {
    /// The Lua VM.
    pub vm: Vm,
    chunk: Chunk,
    /// This thread's metrics.
    pub recorder: Rc<RefCell<Recorder>>,
    /// The number of this worker; the director has `workers`.
    pub index: usize,
    /// How many load workers there are.
    pub workers: usize,
    /// The run's seed.
    pub seed: u64,
    setup: SiteSetup,
    http: Rc<http::Shared>,
    pulse: Arc<Pulse>,
    folder: Arc<Path>,
    session: RefCell<Value>,
    errors: RefCell<ErrorTable>,
    failed: Cell<bool>,
}

impl Site {
    /// Makes the VM and compiles the script; its top level does not run yet.
    ///
    /// # Errors
    ///
    /// A syntax error in the script, or no memory.
    pub fn open(setup: SiteSetup, index: usize) -> Result<Rc<Self>, ScriptError> {
        let pulse = Pulse::new();
        let limits = Limits {
            limit: setup.cpu_limit,
            ..Limits::default()
        };
        setup.watchdog.register(&pulse, limits);
        let vm = Vm::new(VmOptions {
            modules: setup.modules,
            verbs: setup.verbs,
            memory_limit: setup.memory_limit,
            pulse: pulse.clone(),
            sources: setup.sources.clone(),
        })?;
        vm.lua().set_app_data(setup.aggregator.clone());
        vm.lua().set_app_data(setup.clock);
        vm.lua().set_app_data(setup.time_scale);
        if let Some(walk) = &setup.walk {
            vm.lua().set_app_data(walk.clone());
        }
        if index == setup.workers {
            vm.lua().set_app_data(setup.agents.clone());
            if let Some(alerts) = &setup.alerts {
                vm.lua().set_app_data(alerts.clone());
            }
        }
        let chunk = vm.load(&setup.source)?;
        Ok(Rc::new(Self {
            vm,
            chunk,
            recorder: Rc::new(RefCell::new(Recorder::new(setup.catalog.clone()))),
            index,
            workers: setup.workers,
            seed: setup.seed,
            http: http::Shared::new(),
            pulse,
            folder: setup.folder(),
            session: RefCell::new(Value::Nil),
            errors: RefCell::default(),
            failed: Cell::new(false),
            setup,
        }))
    }

    /// Whether the script is only walked through.
    #[must_use]
    pub fn is_walked(&self) -> bool {
        self.setup.walk.is_some()
    }

    /// A fresh instance of the script, for one user.
    ///
    /// # Errors
    ///
    /// No memory.
    pub fn instance(&self) -> Result<Function, ScriptError> {
        Ok(self.chunk.instance()?.0)
    }

    /// Decodes what `setup` returned; all users of this thread share it, read-only.
    ///
    /// # Errors
    ///
    /// Text that is not JSON.
    pub fn set_session(&self, json: Option<&str>) -> Result<(), ScriptError> {
        let value = match json {
            None => Value::Nil,
            Some(text) => {
                let value = json::decode(self.vm.lua(), text.as_bytes())
                    .map_err(|error| ScriptError::from_lua(&error))?;
                json::freeze(&value);
                value
            }
        };
        *self.session.borrow_mut() = value;
        Ok(())
    }

    /// What `setup` returned.
    pub fn session(&self) -> Value {
        self.session.borrow().clone()
    }

    /// The tag set of a scenario's samples.
    pub fn scenario_tags(&self, plan: &ScenarioPlan) -> TagSetId {
        let mut tags: Vec<(&str, &str)> = Vec::new();
        tags.extend(pairs(&self.setup.tags));
        tags.push(("scenario", &plan.name));
        tags.extend(pairs(&plan.tags));
        self.setup.catalog.tags(&tags)
    }

    /// A user of a scenario.
    pub fn vu(&self, id: u64, scenario: usize, plan: &ScenarioPlan, tags: TagSetId) -> Rc<Vu> {
        let env = if plan.env.is_empty() {
            self.setup.env.clone()
        } else {
            let mut env = (*self.setup.env).clone();
            env.extend(plan.env.clone());
            Arc::new(env)
        };
        self.new_vu(
            id,
            plan.name.clone(),
            Some(scenario),
            env,
            tags,
            Phase::VuTopLevel,
        )
    }

    /// The one user of the director's thread, for `setup`, `teardown` and ad-hoc scripts.
    pub fn director_vu(&self) -> Rc<Vu> {
        let tags: Vec<(&str, &str)> = pairs(&self.setup.tags).collect();
        let tags = self.setup.catalog.tags(&tags);
        let env = self.setup.env.clone();
        self.new_vu(0, Arc::from(""), None, env, tags, Phase::TopLevel)
    }

    fn new_vu(
        &self,
        id: u64,
        name: Arc<str>,
        scenario: Option<usize>,
        env: Arc<BTreeMap<String, String>>,
        tags: TagSetId,
        phase: Phase,
    ) -> Rc<Vu> {
        Vu::new(VuOptions {
            id,
            scenario: name,
            scenario_number: scenario.map_or(0, number),
            client: http::Client::new(self.http.clone()),
            recorder: self.recorder.clone(),
            catalog: self.setup.catalog.clone(),
            base_tags: tags,
            env,
            seed: self.seed,
            phase,
            pulse: self.pulse.clone(),
            folder: self.folder.clone(),
        })
    }

    /// Notes an error of an iteration; equal ones are counted together.
    pub fn note_error(&self, error: ScriptError, scenario: &str) {
        self.errors.borrow_mut().note(error, scenario);
    }

    /// Ends the run with a script error; only the first counts.
    pub fn fatal(&self, error: ScriptError) {
        if !self.failed.replace(true) {
            // A full channel means that the controller is busy with reports; it must get this one.
            let reports = self.setup.reports.clone();
            tokio::task::spawn_local(async move { reports.send(Report::Fatal(error)).await });
        }
    }

    /// Ends the run because of a defect of rchaos itself.
    pub fn panicked(&self) {
        if !self.failed.replace(true) {
            // While unwinding nothing can be awaited; the controller also sees the thread end.
            let _ = self.setup.reports.try_send(Report::Defect);
        }
    }

    /// Tells the controller something; it has gone only when the run is over.
    pub async fn report(&self, report: Report) {
        let _ = self.setup.reports.send(report).await;
    }

    /// Sends figures on an interval, until dropped.
    pub async fn flush_every(self: Rc<Self>, every: Duration) {
        // At whole seconds of the run, so that every second of a curve has one report of each worker.
        let passed = self.setup.clock.elapsed().as_nanos() % every.as_nanos().max(1);
        let wait = every.saturating_sub(Duration::from_nanos(
            u64::try_from(passed).unwrap_or_default(),
        ));
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + wait, every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.flush().await;
        }
    }

    /// Sends what was recorded since the last time.
    pub async fn flush(&self) {
        let delta = self.recorder.borrow_mut().drain();
        let errors = self.errors.borrow_mut().take();
        if !delta.is_empty() || !errors.is_empty() {
            self.report(Report::Figures(delta, errors)).await;
        }
    }
}

/// A scenario's number for the watchdog; 0 is outside of any.
pub(super) fn number(scenario: usize) -> u32 {
    u32::try_from(scenario + 1).unwrap_or(u32::MAX)
}

fn pairs(tags: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
}

/// A runtime for one thread.
///
/// # Errors
///
/// The system gives no descriptor for it.
pub fn runtime() -> Result<tokio::runtime::Runtime, ScriptError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| {
            ScriptError::new(
                crate::script::Kind::Runtime,
                format!("the system gives no descriptor for a worker: {error}"),
            )
        })
}
