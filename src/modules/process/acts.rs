//! What can be done to processes, however a script came by them: pause, kill, list.

use std::time::Duration;

use mlua::{Lua, Result, UserDataMethods, Value};

use crate::base::text::quoted;
use crate::base::units::{Bytes, Cores};
use crate::fault::process::{
    Bound, Find, Found, KILL, Kill, LIMIT, LimitName, Limits, PAUSE, Pause, Restart, SignalName,
};
use crate::fault::{Kind, Spec, Target};
use crate::modules::hold::{FaultValue, ask, raise};
use crate::modules::target::TargetValue;
use crate::modules::words::kind;
use crate::script::phase::io;
use crate::script::{Options, misuse};

/// Which processes on which host.
#[derive(Debug, Clone)]
pub(super) struct Meant {
    /// The agent's name; empty for this host.
    pub agent: String,
    /// Which ones.
    pub find: Find,
}

impl Meant {
    /// As natives with a `target` take it.
    pub fn target(&self) -> TargetValue {
        let find = self.find.clone();
        TargetValue::new(self.agent.clone(), Target::Process { find })
    }

    /// Those that are there now.
    pub async fn list(&self, lua: &Lua) -> Result<Vec<Found>> {
        let what = "process.find:list";
        io(lua, what)?;
        let options = serde_json::to_value(&self.find).map_err(mlua::Error::external)?;
        let found = ask(lua, what, &self.agent, "process.find", options).await?;
        serde_json::from_value(found).map_err(mlua::Error::external)
    }

    fn fault(
        self,
        lua: &Lua,
        kind: &'static Kind,
        verb: &str,
        options: &impl serde::Serialize,
    ) -> Result<FaultValue> {
        let spec = Spec::new(kind, options).map_err(|trouble| raise(lua, kind.name, &trouble))?;
        let label = format!("{verb} {}", self.target().label());
        Ok(FaultValue::new(kind.name, self.agent, spec, label))
    }
}

/// Adds the methods to an object that means processes.
pub(super) fn add<T: 'static, M: UserDataMethods<T>>(methods: &mut M, meant: fn(&T) -> Meant) {
    methods.add_method("pause", move |lua, this, options: Value| {
        let meant = meant(this);
        let find = meant.find.clone();
        let freeze = freeze(&Options::read(PAUSE.name, &["by"], lua, options)?)?;
        meant.fault(lua, &PAUSE, "pause", &Pause { find, freeze })
    });
    methods.add_method(
        "kill",
        move |lua, this, (signal, options): (Value, Value)| {
            kill(lua, meant(this), &signal, options)
        },
    );
    methods.add_method("limit", move |lua, this, options: Value| {
        limit(lua, meant(this), options)
    });
}

/// Sends a signal, `SIGKILL` where none is named; with `restart`, healing starts what is missing then.
fn kill(lua: &Lua, meant: Meant, signal: &Value, options: Value) -> Result<FaultValue> {
    const WHAT: &str = "process.kill";
    let name = match signal {
        Value::Nil => "SIGKILL".to_owned(),
        Value::String(name) => name.to_string_lossy(),
        other => {
            let got = kind(other);
            let message = format!("{WHAT}: expected a signal such as \"SIGTERM\", got {got}");
            return Err(misuse(lua, message));
        }
    };
    let signal =
        SignalName::parse(&name).map_err(|error| misuse(lua, format!("{WHAT}: {error}")))?;
    let options = Options::read(WHAT, &["restart"], lua, options)?;
    let restart = match options.child("restart", &["cmd", "cwd", "within"])? {
        None => None,
        Some(restart) => Some(Restart {
            command: command(&restart)?,
            cwd: restart.optional("cwd")?,
            within: restart
                .optional("within")?
                .unwrap_or(Duration::from_secs(30)),
        }),
    };
    let find = meant.find.clone();
    let verb = signal.label();
    let options = Kill {
        find,
        signal,
        restart,
    };
    meant.fault(lua, &KILL, &verb, &options)
}

/// Whether a control group holds them: `by = "freeze"`; a signal does where it is left out.
fn freeze(options: &Options) -> Result<bool> {
    let by: Option<String> = options.optional("by")?;
    match by.as_deref() {
        None | Some("signal") => Ok(false),
        Some("freeze") => Ok(true),
        Some(other) => {
            let message = format!("expected \"signal\" or \"freeze\", got {}", quoted(other));
            Err(options.invalid("by", message))
        }
    }
}

/// Lowers limits: those of the kernel for one process, and those of a control group around all of them.
fn limit(lua: &Lua, meant: Meant, options: Value) -> Result<FaultValue> {
    let keys = [
        LimitName::OpenFiles,
        LimitName::Processes,
        LimitName::FileSize,
        LimitName::AddressSpace,
        LimitName::LockedMemory,
    ];
    let mut names = vec!["cpu", "memory", "pids"];
    names.extend(keys.map(LimitName::name));
    let options = Options::read(LIMIT.name, &names, lua, options)?;
    let mut limits = Vec::new();
    for name in keys {
        let number = match name {
            LimitName::OpenFiles | LimitName::Processes => options.optional(name.name())?,
            _ => options.optional(name.name())?.map(|Bytes(bytes)| bytes),
        };
        limits.extend(number.map(|number| (name, number)));
    }
    let bounds = bounds(&options)?;
    if limits.is_empty() && bounds.is_empty() {
        let message = format!("say which limit: {}", names.join(", "));
        return Err(options.wrong(message));
    }
    let find = meant.find.clone();
    let limits = Limits {
        find,
        limits,
        bounds,
    };
    meant.fault(lua, &LIMIT, "limit", &limits)
}

fn bounds(options: &Options) -> Result<Vec<Bound>> {
    let cpu = options
        .optional("cpu")?
        .map(|Cores(cores)| Bound::Cpu(cores));
    let memory: Option<u64> = options.optional("memory")?.map(|Bytes(bytes)| bytes);
    if memory.is_some_and(|bytes| bytes < 4096) {
        return Err(options.invalid("memory", "must be at least one page, \"4KiB\""));
    }
    let pids = options.optional("pids")?.map(Bound::Pids);
    Ok([cpu, memory.map(Bound::Memory), pids]
        .into_iter()
        .flatten()
        .collect())
}

/// A program and its arguments.
pub(super) fn command(options: &Options) -> Result<Vec<String>> {
    let command: Vec<String> = options.required("cmd")?;
    if command.is_empty() {
        let message = "expected program and arguments, got an empty list";
        return Err(options.invalid("cmd", message));
    }
    Ok(command)
}
