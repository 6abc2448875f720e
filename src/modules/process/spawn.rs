//! `process.spawn`: starts a program of the script's own, which ends with its scope.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mlua::{
    AnyUserData, Lua, MetaMethod, Result, UserData, UserDataFields, UserDataMethods, Value,
};
use serde_json::Value as Json;

use super::acts::{self, Meant, command};
use super::find::host;
use crate::agent::client::Held;
use crate::base::units::Offset;
use crate::fault::process::{Clock, Find, Ready, SPAWN, Sign, SignalName, Spawn, Stop};
use crate::fault::{Spec, Target};
use crate::modules::hold::{FaultValue, agents, ask, fixture, raise};
use crate::modules::target::{TARGET, TargetValue};
use crate::script::phase::io;
use crate::script::{Options, current, interruptible};

const WHAT: &str = "process.spawn";
const KEYS: [&str; 10] = [
    "cmd",
    "name",
    "env",
    "cwd",
    "user",
    "namespace",
    "ready",
    "stop",
    "clock",
    "host",
];

/// A program that a script has started.
struct Spawned {
    held: Arc<Held>,
    meant: Meant,
    name: String,
}

/// Starts it, and waits until it is ready.
pub(super) async fn spawn(lua: Lua, options: Value) -> Result<AnyUserData> {
    io(&lua, WHAT)?;
    let options = Options::read(WHAT, &KEYS, &lua, options)?;
    let network: Option<TargetValue> = options.optional("namespace")?;
    let agent = match (&network, options.has("host")) {
        (Some(network), false) => network.agent.clone(),
        _ => host(&options, "host")?,
    };
    if network.as_ref().is_some_and(|one| one.agent != agent) {
        return Err(options.invalid("namespace", "it is on another host"));
    }
    let spawn = read(&options, network.map(|one| one.target), agent.is_empty())?;
    let spec = Spec::new(&SPAWN, &spawn).map_err(|trouble| raise(&lua, WHAT, &trouble))?;
    let label = format!("program {}", spawn.name);
    let fault = FaultValue::new(WHAT, agent.clone(), spec, label);
    let held = fixture(&lua, WHAT, &fault).await?;
    let identity = held.facts().get("identity").cloned().unwrap_or(Json::Null);
    let find = Find {
        identity: serde_json::from_value(identity).map_err(mlua::Error::external)?,
        ..Find::default()
    };
    let meant = Meant { agent, find };
    let target = lua.create_userdata(meant.target())?;
    let object = lua.create_userdata(Spawned {
        held,
        meant,
        name: spawn.name,
    })?;
    object.set_named_user_value(TARGET, target)?;
    Ok(object)
}

fn read(options: &Options, network: Option<Target>, here: bool) -> Result<Spawn> {
    let command = command(options)?;
    let program = command[0].rsplit('/').next().unwrap_or_default().to_owned();
    let cwd = folder(options, here)?;
    Ok(Spawn {
        name: options.optional("name")?.unwrap_or(program),
        command,
        env: options
            .optional::<BTreeMap<String, String>>("env")?
            .unwrap_or_default(),
        cwd,
        user: options.optional("user")?,
        network,
        ready: ready(options)?,
        stop: stop(options)?,
        clock: clock(options)?,
    })
}

/// The working folder. On this host the script's own, so that programs beside it are found as files are; an agent
/// elsewhere knows nothing of that one.
fn folder(options: &Options, here: bool) -> Result<Option<PathBuf>> {
    let given: Option<PathBuf> = options.optional::<String>("cwd")?.map(Into::into);
    if here {
        let script = current()?.vu.folder.clone();
        let folder = script.join(given.unwrap_or_default());
        let folder = std::path::absolute(folder).map_err(|error| options.invalid("cwd", error))?;
        return Ok(Some(folder));
    }
    if given.as_ref().is_some_and(|folder| folder.is_relative()) {
        let message = "must begin with \"/\": it is on another host";
        return Err(options.invalid("cwd", message));
    }
    Ok(given)
}

fn ready(options: &Options) -> Result<Option<Ready>> {
    let Some(ready) = options.child("ready", &["port", "http", "log", "within"])? else {
        return Ok(None);
    };
    let signs = [
        ready.optional("port")?.map(Sign::Port),
        ready.optional("http")?.map(Sign::Http),
        ready.optional("log")?.map(Sign::Log),
    ];
    let mut signs = signs.into_iter().flatten();
    let (Some(sign), None) = (signs.next(), signs.next()) else {
        let message = "expected one of port, http and log";
        return Err(options.invalid("ready", message));
    };
    let within = ready.optional("within")?.unwrap_or(Duration::from_secs(30));
    Ok(Some(Ready { sign, within }))
}

fn stop(options: &Options) -> Result<Stop> {
    let Some(stop) = options.child("stop", &["signal", "within"])? else {
        return Ok(Stop::default());
    };
    let usual = Stop::default();
    let signal = stop
        .optional::<String>("signal")?
        .map(|name| SignalName::parse(&name).map_err(|error| stop.invalid("signal", error)))
        .transpose()?;
    Ok(Stop {
        signal: signal.unwrap_or(usual.signal),
        within: stop.optional("within")?.unwrap_or(usual.within),
    })
}

/// A clock of its own; the system's where nothing is said.
fn clock(options: &Options) -> Result<Clock> {
    let Some(clock) = options.child("clock", &["wall", "monotonic"])? else {
        return Ok(Clock::default());
    };
    let wall: bool = clock.optional("wall")?.unwrap_or_default();
    let monotonic = clock.optional("monotonic")?.map(|Offset(seconds)| seconds);
    if !wall && monotonic.is_none() {
        let message = "expected wall = true, monotonic = \"+1h\", or both";
        return Err(options.invalid("clock", message));
    }
    Ok(Clock { wall, monotonic })
}

impl Spawned {
    /// What the agent knows of it.
    async fn state(lua: &Lua, what: &str, held: &Held, agent: &str) -> Result<Json> {
        io(lua, what)?;
        ask(lua, what, agent, "process.spawned", held.facts()).await
    }
}

/// How it ended, once it has: `exit code 1`, `signal 9`.
fn ended(state: &Json) -> Option<String> {
    state.get("ended")?.as_str().map(str::to_owned)
}

impl UserData for Spawned {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("pid", |_, this| {
            Ok(this.meant.find.identity.as_ref().map(|one| one.pid))
        });
        fields.add_field_method_get("name", |_, this| Ok(this.name.clone()));
        fields.add_field_method_get("agent", |_, this| Ok(this.meant.agent.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        acts::add(methods, |this: &Self| this.meant.clone());
        methods.add_async_method("log", |lua, this, ()| async move {
            let (held, agent) = (this.held.clone(), this.meant.agent.clone());
            drop(this);
            let state = Self::state(&lua, "process.spawn:log", &held, &agent).await?;
            let log = state.get("log").and_then(Json::as_str).unwrap_or_default();
            lua.create_string(log)
        });
        methods.add_async_method("running", |lua, this, ()| async move {
            let (held, agent) = (this.held.clone(), this.meant.agent.clone());
            drop(this);
            let state = Self::state(&lua, "process.spawn:running", &held, &agent).await?;
            Ok(ended(&state).is_none())
        });
        methods.add_async_method("wait", |lua, this, options: Value| async move {
            let (held, agent) = (this.held.clone(), this.meant.agent.clone());
            drop(this);
            let what = "process.spawn:wait";
            let options = Options::read(what, &["within"], &lua, options)?;
            let limit = options
                .optional("within")?
                .unwrap_or(Duration::from_secs(30));
            let limit = tokio::time::Instant::now() + limit;
            loop {
                let state = Self::state(&lua, what, &held, &agent).await?;
                let how = ended(&state);
                if how.is_some() || tokio::time::Instant::now() > limit {
                    return Ok(how);
                }
                interruptible(tokio::time::sleep(Duration::from_millis(50))).await?;
            }
        });
        methods.add_async_method("stop", |lua, this, ()| async move {
            let held = this.held.clone();
            drop(this);
            let agents = agents(&lua, "process.spawn:stop")?;
            let healed = agents.heal(&held).await;
            healed.map_err(|trouble| raise(&lua, "process.spawn:stop", &trouble))
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("program {}", this.name))
        });
    }
}
