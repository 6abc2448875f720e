//! A virtual user: what belongs to it and outlives its single steps.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use mlua::Value;

use super::error::ScriptError;
use super::pulse::Pulse;
use super::task::Task;
use crate::base::rng::Rng;
use crate::http;
use crate::metrics::{Catalog, Recorder, TagSetId};

/// What a virtual user is doing; natives refuse what does not belong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The script's top level, in the main machine: declarations register.
    TopLevel,
    /// The top level once more, for a virtual user: declarations are inert.
    VuTopLevel,
    /// `setup`.
    Setup,
    /// An experiment or a gameday.
    Method,
    /// One that is only walked through: nothing outside is reached.
    Planning,
    /// An iteration of a scenario.
    Iteration,
    /// `teardown`.
    Teardown,
    /// `summary`.
    Summary,
    /// The top level of a script without declarations: it is the run.
    AdHoc,
}

/// Files this virtual user has required.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// What each returned.
    pub(super) done: HashMap<Arc<str>, Value>,
    /// Those being loaded, outermost first.
    pub(super) loading: Vec<Arc<str>>,
}

/// What a virtual user is made of.
pub struct VuOptions {
    /// Its number, from 1; 0 for the main machine's.
    pub id: u64,
    /// The scenario it runs; empty outside of one.
    pub scenario: Arc<str>,
    /// The scenario's number, from 1; 0 outside of one.
    pub scenario_number: u32,
    /// Its connections and cookies.
    pub client: http::Client,
    /// Its worker's metrics.
    pub recorder: Rc<RefCell<Recorder>>,
    /// Metric names and tag sets of the run.
    pub catalog: Arc<Catalog>,
    /// The tags of all of its samples.
    pub base_tags: TagSetId,
    /// The environment that `env` reads.
    pub env: Arc<BTreeMap<String, String>>,
    /// The run's seed.
    pub seed: u64,
    /// What it does first.
    pub phase: Phase,
    /// The pulse of its worker.
    pub pulse: Arc<Pulse>,
    /// The folder that relative paths of the script start from.
    pub folder: Arc<Path>,
}

impl VuOptions {
    /// A virtual user at the top level, without scenario, recording for itself alone.
    #[must_use]
    pub fn bare(seed: u64, env: Arc<BTreeMap<String, String>>, pulse: Arc<Pulse>) -> Self {
        let catalog = Catalog::new(1000);
        Self {
            id: 0,
            scenario: Arc::from(""),
            scenario_number: 0,
            client: http::Client::new(http::Shared::new()),
            recorder: Rc::new(RefCell::new(Recorder::new(Arc::clone(&catalog)))),
            catalog,
            base_tags: TagSetId::EMPTY,
            env,
            seed,
            phase: Phase::TopLevel,
            pulse,
            folder: Arc::from(PathBuf::from(".")),
        }
    }
}

/// One virtual user. Lives on one thread; its tasks share it.
pub struct Vu {
    /// Its number, from 1.
    pub id: Cell<u64>,
    /// The scenario it runs; empty outside of one.
    pub scenario: RefCell<Arc<str>>,
    /// The scenario's number, for [`super::Watchdog::kill_scenario`]; 0 outside of one.
    pub scenario_number: Cell<u32>,
    /// The iteration, from 1, counted over all virtual users of the scenario.
    pub iteration: Cell<u64>,
    /// The environment that `env` reads.
    pub env: Arc<BTreeMap<String, String>>,
    /// Its randomness; the engine derives it anew for each iteration.
    pub rng: RefCell<Rng>,
    /// The run's seed.
    pub seed: u64,
    /// What it is doing.
    pub phase: Cell<Phase>,
    /// The pulse of its worker.
    pub pulse: Arc<Pulse>,
    /// Its connections and cookies.
    pub client: http::Client,
    /// Its worker's metrics.
    pub recorder: Rc<RefCell<Recorder>>,
    /// Metric names and tag sets of the run.
    pub catalog: Arc<Catalog>,
    /// The tags of all of its samples.
    pub base_tags: TagSetId,
    /// The folder that relative paths of the script start from.
    pub folder: Arc<Path>,
    /// A mistake that ends the run, whatever the script makes of it.
    pub fatal: RefCell<Option<ScriptError>>,
    pub(super) modules: RefCell<Loaded>,
    stop: Cell<bool>,
    tasks: RefCell<Vec<Weak<Task>>>,
    extensions: RefCell<Vec<(TypeId, Rc<dyn Any>)>>,
}

impl std::fmt::Debug for Vu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vu")
            .field("id", &self.id)
            .field("scenario", &self.scenario)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

impl Vu {
    /// A virtual user.
    #[must_use]
    pub fn new(options: VuOptions) -> Rc<Self> {
        Rc::new(Self {
            id: Cell::new(options.id),
            scenario: RefCell::new(options.scenario),
            scenario_number: Cell::new(options.scenario_number),
            iteration: Cell::new(0),
            env: options.env,
            rng: RefCell::new(Rng::derive(options.seed, "", options.id)),
            seed: options.seed,
            phase: Cell::new(options.phase),
            pulse: options.pulse,
            client: options.client,
            recorder: options.recorder,
            catalog: options.catalog,
            base_tags: options.base_tags,
            folder: options.folder,
            fatal: RefCell::default(),
            modules: RefCell::default(),
            stop: Cell::new(false),
            tasks: RefCell::default(),
            extensions: RefCell::default(),
        })
    }

    /// Stops it: every async native it waits in, or enters, raises `interrupted`.
    pub fn stop(&self) {
        self.stop.set(true);
        for task in &*self.tasks.borrow() {
            if let Some(task) = task.upgrade() {
                task.wake();
            }
        }
    }

    /// Whether it was stopped.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stop.get()
    }

    /// Makes a stopped virtual user usable again; for the engine, between iterations.
    pub fn restart(&self) {
        self.stop.set(false);
    }

    /// State of another layer, made on first use: one value per type.
    pub fn ext<T: Default + 'static>(&self) -> Rc<T> {
        let wanted = TypeId::of::<T>();
        let found = {
            let known = self.extensions.borrow();
            let entry = known.iter().find(|(id, _)| *id == wanted);
            entry.and_then(|(_, value)| Rc::clone(value).downcast::<T>().ok())
        };
        found.unwrap_or_else(|| {
            let value = Rc::new(T::default());
            let erased: Rc<dyn Any> = Rc::clone(&value) as Rc<dyn Any>;
            self.extensions.borrow_mut().push((wanted, erased));
            value
        })
    }

    /// Takes what really ended a script: a mistake that `pcall` tried to hide comes first.
    #[must_use]
    pub fn verdict(&self, error: &mlua::Error) -> ScriptError {
        let fatal = self.fatal.borrow().clone();
        fatal.unwrap_or_else(|| ScriptError::from_lua(error))
    }

    pub(super) fn adopt(&self, task: &Rc<Task>) {
        let mut tasks = self.tasks.borrow_mut();
        if tasks.len() >= 8 {
            tasks.retain(|task| task.strong_count() > 0);
        }
        tasks.push(Rc::downgrade(task));
    }

    /// Notes a mistake that must end the run, and unwinds whatever runs now.
    pub(super) fn condemn(&self, error: ScriptError) {
        self.fatal.borrow_mut().get_or_insert(error);
        self.pulse.condemn_running(super::pulse::Cause::Misuse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_other_layers_is_kept_by_type() {
        let vu = Vu::new(VuOptions::bare(1, Arc::default(), Pulse::new()));
        vu.ext::<Cell<u32>>().set(7);
        vu.ext::<Cell<i8>>().set(1);
        assert_eq!(vu.ext::<Cell<u32>>().get(), 7);
    }
}
