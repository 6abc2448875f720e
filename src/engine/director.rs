//! The thread of the main VM: top level, `setup`, `teardown`, `summary`, and ad-hoc scripts.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mlua::{Function, IntoLuaMulti, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::script::phase::{Reached, TopLevel};
use crate::script::{Kind, Location, Phase, Problem, Scoped, ScriptError, Task, json};

use super::activity::{Activity, Spawned};
use super::experiment::{Experiment, Functions, Harness};
use super::methods::Methods;
use super::plan::Plan;
use super::site::{Report, Site, SiteSetup};
use super::verbs::Registrations;

/// What the main VM's top level came to.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What it declared.
    pub plan: Plan,
    /// Everything that is wrong with it, in order of appearance.
    pub problems: Vec<Problem>,
    /// Where `options` stands.
    pub options_at: Option<Location>,
    /// The expectation that ended an ad-hoc script.
    pub failed: Option<ScriptError>,
    /// What the top level would have reached outside with, where it stopped.
    pub reached: Option<Reached>,
    /// Whether it stopped at the first top-level input or output, as `check` asks for.
    pub stopped_at_io: bool,
}

/// Texts to write, and where: a path, `stdout` or `stderr`.
pub type Texts = Vec<(String, String)>;

type Reply<T> = oneshot::Sender<Result<T, ScriptError>>;

/// What the controller asks of the main VM.
pub enum Ask {
    /// Run the top level.
    Load(Reply<Loaded>),
    /// Call `setup`; the answer is JSON.
    Setup(Reply<Option<String>>),
    /// Call `teardown` with what `setup` returned.
    Teardown(Option<String>, Reply<()>),
    /// Call `summary` with the summary as JSON.
    Summary(String, Reply<Option<Texts>>),
    /// Run an experiment of the plan.
    Method(usize, Arc<Harness>, Reply<()>),
    /// Call a function that a probe was given, with its argument.
    Probe {
        /// Which one of [`Functions`].
        number: usize,
        /// What it is called with.
        argument: Option<serde_json::Value>,
        /// What it returned, or why it did not.
        reply: oneshot::Sender<Result<serde_json::Value, String>>,
    },
    /// Interrupt an experiment, if it is still under way.
    StopExperiment(Arc<Experiment>),
    /// Interrupt what is under way.
    Stop,
    /// Send the last figures and end.
    Finish,
}

/// The running thread of the main VM.
pub struct Director {
    asks: mpsc::Sender<Ask>,
    thread: Option<JoinHandle<()>>,
}

impl Director {
    /// Starts the thread. `check` stops the top level at its first input or output.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(setup: SiteSetup, check: bool) -> io::Result<Self> {
        let (asks, inbox) = mpsc::channel(16);
        let thread = std::thread::Builder::new()
            .name("director".to_owned())
            .spawn(move || {
                let reports = setup.reports.clone();
                if let Err(error) = run(setup, check, inbox) {
                    let _ = reports.blocking_send(Report::Fatal(error));
                }
            })?;
        Ok(Self {
            asks,
            thread: Some(thread),
        })
    }

    /// A way to ask that may be kept elsewhere.
    #[must_use]
    pub fn asks(&self) -> mpsc::Sender<Ask> {
        self.asks.clone()
    }

    /// Asks something without an answer.
    pub async fn tell(&self, ask: Ask) {
        let _ = self.asks.send(ask).await;
    }

    /// Waits for the thread; `false` when it panicked.
    pub fn join(&mut self) -> bool {
        self.thread
            .take()
            .is_none_or(|thread| thread.join().is_ok())
    }
}

/// Asks and waits for the answer; `None` when the thread has ended without one.
pub async fn ask<T>(
    asks: mpsc::Sender<Ask>,
    question: impl FnOnce(Reply<T>) -> Ask,
) -> Option<Result<T, ScriptError>> {
    let (reply, answer) = oneshot::channel();
    asks.send(question(reply)).await.ok()?;
    answer.await.ok()
}

fn run(setup: SiteSetup, check: bool, mut inbox: mpsc::Receiver<Ask>) -> Result<(), ScriptError> {
    let runtime = super::site::runtime()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let index = setup.workers;
        let site = Site::open(setup, index)?;
        let stage = Stage::new(site.clone(), check);
        let flushing = tokio::task::spawn_local(site.clone().flush_every(Duration::from_secs(1)));
        while let Some(question) = inbox.recv().await {
            match question {
                Ask::Stop => stage.task.vu.stop(),
                Ask::StopExperiment(experiment) => stage.methods.stop(&stage.task, &experiment),
                Ask::Finish => break,
                // Beside the loop, so that a stop is heard while a script runs.
                question => drop(tokio::task::spawn_local(stage.clone().answer(question))),
            }
        }
        flushing.abort();
        site.flush().await;
        Ok(())
    })
}

/// The main VM's one user and its tasks.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) site: Rc<Site>,
    pub(super) task: Rc<Task>,
    check: bool,
    pub(super) methods: Methods,
}

impl Stage {
    fn new(site: Rc<Site>, check: bool) -> Self {
        let vu = site.director_vu();
        if check {
            vu.ext::<TopLevel>().stop_at_io();
            if site.is_walked() {
                vu.ext::<TopLevel>().plan();
            }
        }
        let task = Task::new(&vu);
        site.vm.lua().set_app_data(Registrations::default());
        site.vm.lua().set_app_data(Functions::default());
        Self {
            site,
            task,
            check,
            methods: Methods::default(),
        }
    }

    async fn answer(self, question: Ask) {
        // Figures go first: who has the answer may count on them. An answer that nobody waits for
        // any more is the controller's choice.
        match question {
            Ask::Load(reply) => {
                let result = self.load().await;
                self.site.flush().await;
                drop(reply.send(result));
            }
            Ask::Setup(reply) => {
                let result = self.setup().await;
                self.site.flush().await;
                drop(reply.send(result));
            }
            Ask::Teardown(session, reply) => {
                let result = self.teardown(session).await;
                self.site.flush().await;
                drop(reply.send(result));
            }
            Ask::Summary(text, reply) => drop(reply.send(self.summary(&text).await)),
            Ask::Method(index, harness, reply) => {
                let result = self.method(index, harness).await;
                self.site.flush().await;
                drop(reply.send(result));
            }
            Ask::Probe {
                number,
                argument,
                reply,
            } => self.probe(number, argument, reply).await,
            Ask::StopExperiment(_) | Ask::Stop | Ask::Finish => {}
        }
    }

    /// Calls a function of the script and waits for the tasks it spawned.
    pub(super) async fn call(
        &self,
        phase: Phase,
        function: &Function,
        arguments: impl IntoLuaMulti,
    ) -> Result<Value, ScriptError> {
        let vu = &self.task.vu;
        vu.restart();
        vu.phase.set(phase);
        let returned = std::cell::RefCell::new(Value::Nil);
        let call = function.call_async::<Value>(arguments);
        let main = Box::pin(async {
            *returned.borrow_mut() = call.await?;
            Ok(())
        });
        let activity = Activity::new(self.task.clone(), vu.ext::<Spawned>(), main);
        let result = Scoped::new(self.task.clone(), activity).await;
        if let Some(fatal) = vu.fatal.borrow_mut().take() {
            return Err(fatal);
        }
        result.map_err(|error| ScriptError::from_lua(&error))?;
        Ok(returned.into_inner())
    }

    async fn load(&self) -> Result<Loaded, ScriptError> {
        let chunk = self.site.instance()?;
        let result = self.call(Phase::TopLevel, &chunk, ()).await;
        let reached = self.task.vu.ext::<TopLevel>().acted();
        let acts = reached.is_some();
        let stopped_at_io = acts && self.check;
        let failed = match result {
            Ok(_) => None,
            Err(_) if stopped_at_io => None,
            Err(error) if expected(error.kind) => Some(error),
            Err(error) => return Err(error),
        };
        Ok(self.registrations(|all| Loaded {
            plan: all.plan(),
            problems: all.problems(),
            options_at: all.options_at(),
            failed,
            reached,
            stopped_at_io,
        }))
    }

    async fn setup(&self) -> Result<Option<String>, ScriptError> {
        let Some(function) = self.registrations(|all| all.setup.clone()) else {
            return Ok(None);
        };
        let value = self.call(Phase::Setup, &function, ()).await?;
        if value.is_nil() {
            return Ok(None);
        }
        let text = json::encode(self.site.vm.lua(), &value).map_err(|error| {
            let mut error = ScriptError::from_lua(&error);
            error.message = format!(
                "setup: its result cannot be given to users: {}",
                error.message
            );
            error
        })?;
        let text = String::from_utf8_lossy(&text).into_owned();
        self.site.set_session(Some(&text))?;
        Ok(Some(text))
    }

    async fn teardown(&self, session: Option<String>) -> Result<(), ScriptError> {
        let Some(function) = self.registrations(|all| all.teardown.clone()) else {
            return Ok(());
        };
        self.site.set_session(session.as_deref())?;
        self.call(Phase::Teardown, &function, self.site.session())
            .await?;
        Ok(())
    }

    async fn summary(&self, text: &str) -> Result<Option<Texts>, ScriptError> {
        let Some(function) = self.registrations(|all| all.summary.clone()) else {
            return Ok(None);
        };
        let shape = |error: mlua::Error| ScriptError::from_lua(&error);
        let data = json::decode(self.site.vm.lua(), text.as_bytes()).map_err(shape)?;
        let value = self.call(Phase::Summary, &function, data).await?;
        texts(value).map(Some)
    }

    pub(super) fn registrations<T>(&self, read: impl FnOnce(&Registrations) -> T) -> T {
        match self.site.vm.lua().app_data_ref::<Registrations>() {
            Some(all) => read(&all),
            None => read(&Registrations::default()),
        }
    }
}

/// Errors that judge what was tried, and not the script: such a run has a summary.
fn expected(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Expectation | Kind::Precondition | Kind::Injection
    )
}

/// Reads what `summary` returned: nothing, a text for stdout, or texts by destination.
fn texts(value: Value) -> Result<Texts, ScriptError> {
    let wrong = |what: &str| {
        ScriptError::new(
            crate::script::Kind::Misuse,
            format!(
                "summary: returned {what}; return nothing, a string for stdout, or a table \
                 {{ [\"FILE\"] = text, stdout = text }}"
            ),
        )
    };
    match value {
        Value::Nil => Ok(Vec::new()),
        Value::String(text) => Ok(vec![("stdout".to_owned(), text.to_string_lossy())]),
        Value::Table(table) => {
            let mut texts = Vec::new();
            for pair in table.pairs::<Value, Value>() {
                match pair.map_err(|error| ScriptError::from_lua(&error))? {
                    (Value::String(path), Value::String(text)) => {
                        texts.push((path.to_string_lossy(), text.to_string_lossy()));
                    }
                    _ => return Err(wrong("a table with something else than strings")),
                }
            }
            texts.sort();
            Ok(texts)
        }
        // Lua knows one kind of number.
        Value::Integer(_) => Err(wrong("a number")),
        other => Err(wrong(&format!("a {}", other.type_name()))),
    }
}
