//! Faults on containers: what their natives read. All are inert until a scope injects them.

use std::time::Duration;

use mlua::{Lua, Result, UserDataMethods, Value};

use super::container::{Handle, Meant};
use crate::base::units::{Bandwidth, Bytes, Rate};
use crate::fault::docker::{
    CUSTOM, Custom, DISCONNECT, Disconnect, Exec, KILL, Kill, LIMIT, Limit, Limits, OOM, On, Oom,
    PAUSE, Pause, REMOVE, RESTART, Remove, Restart, STOP, Stop, Throttle, Victim,
};
use crate::fault::process::SignalName;
use crate::modules::hold::FaultValue;
use crate::modules::words::kind;
use crate::script::{Options, misuse};

/// How long a container has to end; what engines take, too.
const GRACE: Duration = Duration::from_secs(10);

impl Meant {
    /// What is done, to whom.
    fn on<A>(&self, act: A) -> On<A> {
        let which = self.which.clone();
        On { which, act }
    }
}

/// Adds the faults to an object that means containers.
pub(super) fn add<M: UserDataMethods<Handle>>(methods: &mut M) {
    methods.add_method("kill", |lua, this, (signal, options): (Value, Value)| {
        kill(lua, &this.meant, &signal, options)
    });
    methods.add_method("stop", |lua, this, options: Value| {
        let timeout = timeout(lua, STOP.name, options)?;
        let on = this.meant.on(Stop { timeout });
        this.meant.fault(lua, &STOP, "stop {}", &on)
    });
    methods.add_method("restart", |lua, this, options: Value| {
        let timeout = timeout(lua, RESTART.name, options)?;
        let on = this.meant.on(Restart { timeout });
        this.meant.fault(lua, &RESTART, "restart {}", &on)
    });
    methods.add_method("pause", |lua, this, ()| {
        let on = this.meant.on(Pause {});
        this.meant.fault(lua, &PAUSE, "pause {}", &on)
    });
    methods.add_method("remove", |lua, this, ()| {
        let on = this.meant.on(Remove {});
        this.meant.fault(lua, &REMOVE, "remove {}", &on)
    });
    methods.add_method("limit", |lua, this, options: Value| {
        limit(lua, &this.meant, options)
    });
    methods.add_method("disconnect", |lua, this, options: Value| {
        let network = match options {
            Value::String(name) => Some(name.to_string_lossy()),
            options => {
                Options::read(DISCONNECT.name, &["network"], lua, options)?.optional("network")?
            }
        };
        let on = this.meant.on(Disconnect { network });
        this.meant.fault(lua, &DISCONNECT, "disconnect {}", &on)
    });
    methods.add_method("oom", |lua, this, options: Value| {
        oom(lua, &this.meant, options)
    });
    methods.add_method("custom", |lua, this, options: Value| {
        custom(lua, &this.meant, options)
    });
}

fn kill(lua: &Lua, meant: &Meant, signal: &Value, options: Value) -> Result<FaultValue> {
    let name = match signal {
        Value::Nil => "SIGKILL".to_owned(),
        Value::String(name) => name.to_string_lossy(),
        other => {
            let message = format!(
                "{}: expected a signal such as \"SIGTERM\", got {}",
                KILL.name,
                kind(other)
            );
            return Err(misuse(lua, message));
        }
    };
    let signal =
        SignalName::parse(&name).map_err(|error| misuse(lua, format!("{}: {error}", KILL.name)))?;
    let options = Options::read(KILL.name, &["crash"], lua, options)?;
    let crash = options.optional("crash")?.unwrap_or_default();
    let verb = match crash {
        true => format!("crash {{}} with {}", signal.label()),
        false => format!("{} {{}}", signal.label()),
    };
    meant.fault(lua, &KILL, &verb, &meant.on(Kill { signal, crash }))
}

/// The option `timeout`, which engines take in seconds.
fn timeout(lua: &Lua, what: &'static str, options: Value) -> Result<Duration> {
    let options = Options::read(what, &["timeout"], lua, options)?;
    let timeout: Duration = options.optional("timeout")?.unwrap_or(GRACE);
    if timeout.subsec_nanos() != 0 || timeout > Duration::from_secs(3600) {
        let message = "engines take whole seconds, one hour at most; write \"10s\"";
        return Err(options.invalid("timeout", message));
    }
    Ok(timeout)
}

const LIMITS: [&str; 10] = [
    "cpus",
    "cpuset",
    "memory",
    "swap",
    "pids",
    "read",
    "write",
    "read_ops",
    "write_ops",
    "device",
];

fn limit(lua: &Lua, meant: &Meant, options: Value) -> Result<FaultValue> {
    let options = Options::read(LIMIT.name, &LIMITS, lua, options)?;
    let cpus: Option<f64> = options.optional("cpus")?;
    if cpus.is_some_and(|cpus| !(0.01..=1024.0).contains(&cpus)) {
        let message = "expected processors' worth of time, from 0.01; write 0.5 for half of one";
        return Err(options.invalid("cpus", message));
    }
    let cpuset: Option<String> = options.optional("cpuset")?;
    let listed = |list: &String| {
        list.bytes()
            .all(|b| b.is_ascii_digit() || b"-,".contains(&b))
    };
    if cpuset
        .as_ref()
        .is_some_and(|list| list.is_empty() || !listed(list))
    {
        let message = "expected processors by number, as in \"0-1,3\"";
        return Err(options.invalid("cpuset", message));
    }
    let bytes = |key: &str| -> Result<Option<i64>> {
        let bytes: Option<Bytes> = options.optional(key)?;
        Ok(bytes.map(|Bytes(bytes)| i64::try_from(bytes).unwrap_or(i64::MAX)))
    };
    let (memory, swap) = (bytes("memory")?, bytes("swap")?);
    // What engines take at least.
    if memory.is_some_and(|memory| memory < 6 << 20) {
        let message = "it is below what engines take; write \"6MiB\" or more";
        return Err(options.invalid("memory", message));
    }
    if memory.is_none() && swap.is_some() {
        let message = "swap counts together with memory; say `memory`, too";
        return Err(options.invalid("swap", message));
    }
    let pids: Option<u32> = options.optional("pids")?;
    if pids == Some(0) {
        return Err(options.invalid("pids", "at least one process is needed"));
    }
    let limits = Limits {
        cpus: cpus.map(Some),
        cpuset,
        memory: memory.map(Some),
        memory_and_swap: memory.map(|memory| Some(memory.saturating_add(swap.unwrap_or(0)))),
        pids: pids.map(|pids| Some(pids.into())),
        nano: false,
    };
    let throttle = throttle(&options)?;
    if limits == Limits::default() && throttle.is_empty() {
        let message = format!("say which limit: {}", LIMITS.join(", "));
        return Err(options.wrong(message));
    }
    let limit = Limit { limits, throttle };
    let verb = format!("limit {{}} to {}", limit.label());
    meant.fault(lua, &LIMIT, &verb, &meant.on(limit))
}

/// What it may read and write per second.
fn throttle(options: &Options) -> Result<Throttle> {
    let whole = |key: &str, rate: Option<f64>| -> Result<Option<u64>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and far below 2^53"
        )]
        let whole = rate.map(|rate| rate.round() as u64);
        match whole {
            Some(0) => Err(options.invalid(
                key,
                "nothing at all is no limit that kernels take; write more",
            )),
            whole => Ok(whole),
        }
    };
    let bytes = |key: &str| whole(key, options.optional(key)?.map(|Bandwidth(rate)| rate));
    let times = |key: &str| whole(key, options.optional(key)?.map(|Rate(rate)| rate));
    let throttle = Throttle {
        read: bytes("read")?,
        write: bytes("write")?,
        read_ops: times("read_ops")?,
        write_ops: times("write_ops")?,
        device: options.optional::<String>("device")?.map(Into::into),
    };
    if throttle.is_empty() && throttle.device.is_some() {
        return Err(options.invalid(
            "device",
            "say what is limited there: read, write, read_ops, write_ops",
        ));
    }
    Ok(throttle)
}

fn oom(lua: &Lua, meant: &Meant, options: Value) -> Result<FaultValue> {
    let options = Options::read(OOM.name, &["victim", "within"], lua, options)?;
    let victim: Option<String> = options.optional("victim")?;
    let victim = match victim.as_deref() {
        None | Some("main") => Victim::Main,
        Some("any") => Victim::Any,
        Some(other) => {
            let message = format!(
                "{}: write \"main\" for the main process, or \"any\" for whom the kernel chooses",
                crate::base::text::quoted(other)
            );
            return Err(options.invalid("victim", message));
        }
    };
    let within = options.optional("within")?;
    let within = within.unwrap_or(Duration::from_secs(30));
    let on = meant.on(Oom { victim, within });
    meant.fault(lua, &OOM, "out of memory in {}", &on)
}

fn custom(lua: &Lua, meant: &Meant, options: Value) -> Result<FaultValue> {
    let keys = [
        "name", "inject", "undo", "check", "timeout", "user", "workdir", "env",
    ];
    let options = Options::read(CUSTOM.name, &keys, lua, options)?;
    let (inject, undo) = (exec(&options, "inject")?, exec(&options, "undo")?);
    let check = match options.has("check") {
        true => Some(exec(&options, "check")?),
        false => None,
    };
    let program = inject.cmd[0].clone();
    let label: String = options.optional("name")?.unwrap_or(program);
    let custom = Custom {
        label: label.clone(),
        inject,
        undo,
        check,
    };
    meant.fault(lua, &CUSTOM, &format!("{label} in {{}}"), &meant.on(custom))
}

/// A command: a list, or a line for the container's shell. What else is said holds for all of a fault's commands.
pub(super) fn exec(options: &Options, key: &str) -> Result<Exec> {
    let cmd: Vec<String> = match options.get_raw(key) {
        Value::String(line) => {
            let line = line.to_string_lossy();
            vec!["sh".to_owned(), "-c".to_owned(), line]
        }
        _ => options.required(key)?,
    };
    if cmd.is_empty() {
        let message = "expected program and arguments, got an empty list";
        return Err(options.invalid(key, message));
    }
    let timeout: Option<Duration> = options.optional("timeout")?;
    Ok(Exec {
        user: options.optional("user")?,
        workdir: options.optional("workdir")?,
        env: env(options)?,
        ..Exec::new(cmd, timeout.unwrap_or(Duration::from_secs(30)))
    })
}

/// The option `env`, as engines take it.
pub(super) fn env(options: &Options) -> Result<Vec<String>> {
    use std::collections::BTreeMap;
    let env: Option<BTreeMap<String, String>> = options.optional("env")?;
    let env = env.unwrap_or_default().into_iter();
    Ok(env.map(|(name, value)| format!("{name}={value}")).collect())
}
