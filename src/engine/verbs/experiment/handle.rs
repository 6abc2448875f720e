//! `x`: what an experiment's function is given.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mlua::{Function, Lua, Result, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::step::run;
use crate::base::text::quoted;
use crate::base::units::show_duration;
use crate::engine::experiment::{Alert, Declaring, Experiment, Guard, Harness, RECOVERY, Steady};
use crate::engine::verbs::expect::failed;
use crate::engine::verbs::inject::into_scope;
use crate::modules::hold::Scope;
use crate::modules::prometheus::{PROBE_KEYS, Server};
use crate::modules::words::kind;
use crate::script::phase::{interrupt, planning};
use crate::script::{FromOption, Options, current, interruptible, misuse, time_scale};

/// An experiment as its function holds it.
#[derive(Clone)]
pub struct Handle {
    pub(super) harness: Arc<Harness>,
    pub(super) experiment: Arc<Experiment>,
    scope: Rc<Scope>,
}

/// Where the verbs are kept that experiments and steps have as methods.
const VERBS: &str = "rchaos.experiment.verbs";

/// Keeps the verbs, under the names they have as methods; they skip the object before the colon.
pub(super) fn install(lua: &Lua) -> Result<()> {
    let verbs: Table = lua
        .load(include_str!("methods.luau"))
        .set_name("=[rchaos]")
        .call(lua.create_function(|_, ()| Ok(planning()))?)?;
    lua.set_named_registry_value(VERBS, verbs)
}

/// A verb as a method.
pub(in crate::engine::verbs) fn verb(lua: &Lua, name: &str) -> Result<Function> {
    lua.named_registry_value::<Table>(VERBS)?.raw_get(name)
}

impl Handle {
    /// A handle of an experiment that begins.
    #[must_use]
    pub fn new(harness: Arc<Harness>, experiment: Arc<Experiment>, scope: Rc<Scope>) -> Self {
        Self {
            harness,
            experiment,
            scope,
        }
    }

    /// Checks the steady state before the first fault; where it does not hold, the script ends here.
    ///
    /// # Errors
    ///
    /// `interrupted`.
    pub async fn before(&self) -> Result<()> {
        if planning() {
            return Ok(());
        }
        let (harness, experiment) = (self.harness.clone(), self.experiment.clone());
        let held = interruptible(async move { harness.before(&experiment).await }).await?;
        if held {
            return Ok(());
        }
        current()?.vu.stop();
        interrupt()
    }

    fn steady_state(&self, lua: &Lua, name: &str, probes: Declaring, options: Value) -> Result<()> {
        let what = "x:steady_state";
        let options = Options::read(what, &["settle"], lua, options)?;
        let settle: Option<Duration> = options.optional("settle")?;
        let probes = probes.take();
        if probes.is_empty() {
            let message = format!(
                "{what}: {} declares no probe; write probe:http(…) in its function",
                quoted(name)
            );
            return Err(misuse(lua, message));
        }
        let mut state = self.experiment.state();
        if state.steady.is_some() {
            let message = "there is one already; put all probes into one";
            return Err(misuse(lua, format!("{what}: {message}")));
        }
        state.steady = Some(Steady {
            name: name.to_owned(),
            probes: Arc::from(probes),
            settle,
        });
        Ok(())
    }

    fn alert(&self, lua: &Lua, name: String, options: Value) -> Result<()> {
        let options = Options::read("x:alert", &PROBE_KEYS, lua, options)?;
        let server = Arc::new(Server::read(&options)?);
        self.experiment.state().alerts.push(Alert { name, server });
        Ok(())
    }

    fn guard(&self, lua: &Lua, options: Value) -> Result<()> {
        let options = Options::read("x:guard", &["every", "tolerate"], lua, options)?;
        const LEAST: Duration = Duration::from_millis(100);
        let every: Option<Duration> = options.optional("every")?;
        let every = every.unwrap_or(Duration::from_secs(1));
        if every < LEAST {
            return Err(options.invalid("every", "it is too short; write at least \"100ms\""));
        }
        let tolerate: Option<u32> = options.optional("tolerate")?;
        let mut state = self.experiment.state();
        if state.steady.is_none() {
            let message = "there is nothing to guard; declare x:steady_state first";
            return Err(options.wrong(message));
        }
        state.guard = Some(Guard {
            every: time_scale(lua).of(every).max(LEAST),
            tolerate: tolerate.unwrap_or(0),
        });
        Ok(())
    }

    async fn recovers(&self, lua: &Lua, options: Value) -> Result<f64> {
        let what = "x:recovers";
        let options = Options::read(what, &["within", "stable_for"], lua, options)?;
        let within: Option<Duration> = options.optional("within")?;
        let stable_for = options.paced("stable_for")?;
        let (within, stable_for) = (
            within.unwrap_or(RECOVERY),
            stable_for.unwrap_or_else(|| time_scale(lua).of(Duration::from_secs(2))),
        );
        let (steady, live) = {
            let state = self.harness.look(&self.experiment);
            (state.steady.is_some(), state.live)
        };
        if !steady {
            let message = "there is no steady state to come back; declare x:steady_state first";
            return Err(options.wrong(message));
        }
        if live > 0 {
            let message = "a fault is still live; put it into an x:step, or heal it first";
            return Err(options.wrong(message));
        }
        if planning() {
            return Ok(0.0);
        }
        let (harness, experiment) = (self.harness.clone(), self.experiment.clone());
        let waiting = async move { harness.recover(&experiment, within, stable_for).await };
        match interruptible(waiting).await? {
            Ok(time) => Ok(time.as_secs_f64() * 1e3),
            Err(text) => {
                let within = show_duration(within);
                let text = format!("not recovered within {within}: {text}");
                self.experiment.state().failures.push(text.clone());
                Err(failed(lua, text))
            }
        }
    }
}

impl UserData for Handle {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        for name in ["sleep", "expect", "eventually"] {
            fields.add_field_method_get(name, move |lua, _| verb(lua, name));
        }
        fields.add_field_method_get("name", |_, this| Ok(this.experiment.name.to_string()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method(
            "steady_state",
            |lua, this, (name, first, second): (Value, Value, Value)| async move {
                let (options, body) = match first {
                    Value::Function(body) => (Value::Nil, Value::Function(body)),
                    options => (options, second),
                };
                let name = text(&lua, "x:steady_state", name)?;
                let body = function(&lua, "x:steady_state", "function(probe) … end", body)?;
                let probes = Declaring::default();
                body.call_async::<()>(lua.create_userdata(probes.clone())?)
                    .await?;
                this.steady_state(&lua, &name, probes, options)
            },
        );
        methods.add_method("alert", |lua, this, (name, options): (Value, Value)| {
            let name = text(lua, "x:alert", name)?;
            this.alert(lua, name, options)
        });
        methods.add_method("guard", |lua, this, options: Value| {
            this.guard(lua, options)
        });
        methods.add_async_method("load", |lua, this, name: Value| async move {
            let name = text(&lua, "x:load", name)?;
            if planning() {
                return Ok(());
            }
            let harness = this.harness.clone();
            let wanted = name.clone();
            let loaded = interruptible(async move { harness.load(&wanted).await }).await?;
            loaded.map_err(|problem| misuse(&lua, format!("x:load: {problem}")))
        });
        methods.add_async_method(
            "step",
            |lua, this, (name, body): (Value, Value)| async move {
                let name = text(&lua, "x:step", name)?;
                let body = function(&lua, "x:step", "function(s) … end", body)?;
                let handle = this.clone();
                drop(this);
                run(&lua, handle, &name, body).await
            },
        );
        methods.add_async_method("inject", |lua, this, (fault, options)| async move {
            let handle = this.clone();
            drop(this);
            handle.before().await?;
            into_scope(&lua, &handle.scope, &fault, options).await
        });
        methods.add_async_method("recovers", |lua, this, options: Value| async move {
            let handle = this.clone();
            drop(this);
            handle.recovers(&lua, options).await
        });
    }
}

fn text(lua: &Lua, what: &str, name: Value) -> Result<String> {
    let name = String::from_option(name)
        .map_err(|problem| misuse(lua, format!("{what}: the name: {problem}")))?;
    if name.trim().is_empty() {
        return Err(misuse(lua, format!("{what}: the name is empty")));
    }
    Ok(name)
}

fn function(lua: &Lua, what: &str, shape: &str, value: Value) -> Result<Function> {
    match value {
        Value::Function(function) => Ok(function),
        other => {
            let got = kind(&other);
            let message = format!("{what}: expected {shape} as the last argument, got {got}");
            Err(misuse(lua, message))
        }
    }
}
