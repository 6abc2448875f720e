//! `docker.run`, `network`, `volume`, `build`, `compose`: what a script makes for itself, gone with its scope.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mlua::{AnyUserData, Lua, Result, Table, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::acts::env;
use super::container::{Meant, found};
use super::select::{agent, engine};
use super::stores;
use crate::agent::client::Held;
use crate::base::text::{nearest, quoted};
use crate::base::units::Bytes;
use crate::fault::docker::{
    BUILD, Containers, Health, Image, Limits, NETWORK, Network, Port, RUN, Run, VOLUME, Volume,
};
use crate::fault::{Kind, Spec};
use crate::modules::hold::{FaultValue, fixture, raise};
use crate::script::phase::io;
use crate::script::{FromOption, Options, current, json};

/// Makes something in the innermost open scope.
pub(super) async fn make(
    lua: &Lua,
    kind: &'static Kind,
    agent: &str,
    options: &impl Serialize,
    label: String,
) -> Result<Arc<Held>> {
    io(lua, kind.name)?;
    let spec = Spec::new(kind, options).map_err(|trouble| raise(lua, kind.name, &trouble))?;
    let fault = FaultValue::new(kind.name, agent.to_owned(), spec, label);
    fixture(lua, kind.name, &fault).await
}

/// Names as engines take them.
pub(super) fn name(options: &Options) -> Result<String> {
    let name: String = options.optional("name")?.unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || "_.-/:".contains(c);
    if name.starts_with(['.', '-', '_']) || !name.chars().all(good) {
        let message = format!(
            "{} is no name for an engine; use letters, digits, \"-\", \"_\" and \".\"",
            quoted(&name)
        );
        return Err(options.invalid("name", message));
    }
    Ok(name)
}

pub(super) fn strings(options: &Options, key: &str) -> Result<BTreeMap<String, String>> {
    Ok(options.optional(key)?.unwrap_or_default())
}

/// Network, volume or image, by name or as its native returned it.
fn named(options: &Options, key: &str) -> Result<Option<String>> {
    match options.get_raw(key) {
        Value::Table(made) => Ok(made.raw_get("name")?),
        _ => options.optional(key),
    }
}

const RUN_KEYS: [&str; 26] = [
    "image",
    "name",
    "cmd",
    "entrypoint",
    "env",
    "labels",
    "ports",
    "network",
    "aliases",
    "ip",
    "volumes",
    "tmpfs",
    "health",
    "restart",
    "memory",
    "swap",
    "cpus",
    "cpuset",
    "pids",
    "user",
    "workdir",
    "hostname",
    "cap_add",
    "privileged",
    "engine",
    "on",
];

/// Starts a container.
pub(super) async fn run(lua: Lua, options: Value) -> Result<AnyUserData> {
    let options = Options::read(RUN.name, &RUN_KEYS, &lua, options)?;
    let agent = agent(&options)?;
    let run = read_run(&options)?;
    let label = match run.name.as_str() {
        "" => format!("container of {}", run.image),
        name => format!("container {name} of {}", run.image),
    };
    let held = make(&lua, &RUN, &agent, &run, label).await?;
    let facts = held.facts();
    let container = serde_json::from_value(facts["container"].clone());
    let container = container.map_err(mlua::Error::external)?;
    let which = Containers {
        engine: run.engine,
        ..Containers::default()
    };
    let object = found(&lua, &Meant { agent, which }, container)?;
    let ports = lua.create_table()?;
    for (inside, host) in facts["ports"].as_object().into_iter().flatten() {
        let host = host.as_u64().unwrap_or_default();
        if let Some(number) = inside.strip_suffix("/tcp")
            && let Ok(number) = number.parse::<u16>()
        {
            ports.raw_set(number, host)?;
        }
        ports.raw_set(inside.as_str(), host)?;
    }
    object.set_named_user_value("ports", ports)?;
    Ok(object)
}

fn read_run(options: &Options) -> Result<Run> {
    let lists =
        |key: &str| -> Result<Vec<String>> { Ok(options.optional(key)?.unwrap_or_default()) };
    let mut ports = Vec::new();
    for one in ports_of(options)? {
        ports.push(Port::parse(&one).map_err(|problem| options.invalid("ports", problem))?);
    }
    let restart: Option<String> = options.optional("restart")?;
    let policies = ["no", "always", "unless-stopped", "on-failure"];
    if let Some(policy) = restart.as_deref().filter(|one| !policies.contains(one)) {
        let near = nearest(policy, policies).unwrap_or("always");
        let message = format!(
            "there is no policy {}; did you mean \"{near}\"?",
            quoted(policy)
        );
        return Err(options.invalid("restart", message));
    }
    let Some(image) = named(options, "image")? else {
        return options.required::<String>("image").map(|_| Run::default());
    };
    Ok(Run {
        engine: engine(options)?,
        name: name(options)?,
        image,
        cmd: command(options, "cmd")?,
        entrypoint: options.optional("entrypoint")?,
        env: env(options)?,
        labels: strings(options, "labels")?,
        ports,
        network: named(options, "network")?,
        aliases: lists("aliases")?,
        ip: options.optional("ip")?,
        volumes: lists("volumes")?,
        tmpfs: strings(options, "tmpfs")?,
        health: health(options)?,
        restart,
        limits: limits(options)?,
        user: options.optional("user")?,
        workdir: options.optional("workdir")?,
        hostname: options.optional("hostname")?,
        cap_add: lists("cap_add")?,
        privileged: options.optional("privileged")?.unwrap_or_default(),
    })
}

/// Ports as strings or numbers.
fn ports_of(options: &Options) -> Result<Vec<String>> {
    let Value::Table(list) = options.get_raw("ports") else {
        return match options.has("ports") {
            true => Err(options.invalid("ports", "expected a list such as { \"8080:80\" }")),
            false => Ok(Vec::new()),
        };
    };
    let one = |value: Result<Value>| match value? {
        Value::Integer(port) => Ok(port.to_string()),
        Value::Number(port) => Ok(port.to_string()),
        value => String::from_option(value).map_err(|problem| options.invalid("ports", problem)),
    };
    list.sequence_values::<Value>().map(one).collect()
}

/// A list, or a line for the shell.
fn command(options: &Options, key: &str) -> Result<Option<Vec<String>>> {
    match options.get_raw(key) {
        Value::String(line) => Ok(Some(vec![
            "sh".to_owned(),
            "-c".to_owned(),
            line.to_string_lossy(),
        ])),
        _ => options.optional(key),
    }
}

fn limits(options: &Options) -> Result<Limits> {
    let bytes = |key: &str| -> Result<Option<i64>> {
        let bytes: Option<Bytes> = options.optional(key)?;
        Ok(bytes.map(|Bytes(bytes)| i64::try_from(bytes).unwrap_or(i64::MAX)))
    };
    let (memory, swap) = (bytes("memory")?, bytes("swap")?);
    Ok(Limits {
        cpus: options.optional("cpus")?.map(Some),
        cpuset: options.optional("cpuset")?,
        memory: memory.map(Some),
        memory_and_swap: memory.map(|memory| Some(memory.saturating_add(swap.unwrap_or(0)))),
        pids: options
            .optional::<u32>("pids")?
            .map(|pids| Some(pids.into())),
        nano: false,
    })
}

fn health(options: &Options) -> Result<Option<Health>> {
    let keys = ["cmd", "interval", "timeout", "retries", "start_period"];
    let Some(health) = options.child("health", &keys)? else {
        return Ok(None);
    };
    let test = match health.get_raw("cmd") {
        Value::String(line) => vec!["CMD-SHELL".to_owned(), line.to_string_lossy()],
        _ => {
            let mut test = vec!["CMD".to_owned()];
            test.extend(health.required::<Vec<String>>("cmd")?);
            test
        }
    };
    let time = |key: &str, usual: u64| -> Result<i64> {
        let time: Option<Duration> = health.optional(key)?;
        let time = time.unwrap_or(Duration::from_secs(usual));
        Ok(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
    };
    Ok(Some(Health {
        test,
        interval: time("interval", 1)?,
        timeout: time("timeout", 5)?,
        retries: health.optional::<u32>("retries")?.unwrap_or(3).into(),
        start_period: time("start_period", 0)?,
    }))
}

/// A table of what is known of it.
fn table(lua: &Lua, facts: &Json) -> Result<Value> {
    json::told(lua, facts.clone())
}

/// Makes a network; with a name, one that is there already.
pub(super) async fn network(lua: Lua, (options, more): (Value, Value)) -> Result<Value> {
    if let Value::String(_) = options {
        return stores::network(&lua, options, more).map(Value::UserData);
    }
    let keys = [
        "name", "driver", "subnet", "gateway", "internal", "options", "engine", "on",
    ];
    let options = Options::read(NETWORK.name, &keys, &lua, options)?;
    let agent = agent(&options)?;
    let network = Network {
        engine: engine(&options)?,
        name: name(&options)?,
        driver: options.optional("driver")?,
        subnet: options.optional("subnet")?,
        gateway: options.optional("gateway")?,
        internal: options.optional("internal")?.unwrap_or_default(),
        options: strings(&options, "options")?,
    };
    if network.subnet.is_none() && network.gateway.is_some() {
        return Err(options.invalid("gateway", "it needs a `subnet` that it is in"));
    }
    let label = format!("network {}", network.name);
    let held = make(&lua, &NETWORK, &agent, &network, label).await?;
    table(&lua, &held.facts())
}

/// Makes a volume.
pub(super) async fn volume(lua: Lua, options: Value) -> Result<Value> {
    let keys = ["name", "driver", "options", "engine", "on"];
    let options = Options::read(VOLUME.name, &keys, &lua, options)?;
    let agent = agent(&options)?;
    let volume = Volume {
        engine: engine(&options)?,
        name: name(&options)?,
        driver: options.optional("driver")?,
        options: strings(&options, "options")?,
    };
    let label = format!("volume {}", volume.name);
    let held = make(&lua, &VOLUME, &agent, &volume, label).await?;
    table(&lua, &held.facts())
}

/// A path on the agent's host: beside the script where that is here.
pub(super) fn place(options: &Options, key: &str, agent: &str) -> Result<PathBuf> {
    let given: String = options.required(key)?;
    let given = PathBuf::from(given);
    if agent.is_empty() {
        let folder = current()?.vu.folder.join(given);
        return std::path::absolute(folder).map_err(|error| options.invalid(key, error));
    }
    if given.is_relative() {
        let message = "must begin with \"/\": it is on another host";
        return Err(options.invalid(key, message));
    }
    Ok(given)
}

/// Builds an image.
pub(super) async fn build(lua: Lua, options: Value) -> Result<Value> {
    let keys = [
        "context",
        "name",
        "dockerfile",
        "args",
        "target",
        "timeout",
        "engine",
        "on",
    ];
    let options = Options::read(BUILD.name, &keys, &lua, options)?;
    let agent = agent(&options)?;
    let file: Option<String> = options.optional("dockerfile")?;
    let image = Image {
        engine: engine(&options)?,
        name: name(&options)?,
        context: place(&options, "context", &agent)?,
        dockerfile: file.unwrap_or_else(|| "Dockerfile".to_owned()),
        args: strings(&options, "args")?,
        target: options.optional("target")?,
        timeout: options
            .optional("timeout")?
            .unwrap_or(Duration::from_secs(300)),
    };
    let label = format!("image {}", image.name);
    let held = make(&lua, &BUILD, &agent, &image, label).await?;
    table(&lua, &held.facts())
}

/// Adds the natives.
pub(super) fn add(lua: &Lua, exports: &Table) -> Result<()> {
    exports.raw_set("run", lua.create_async_function(run)?)?;
    exports.raw_set("network", lua.create_async_function(network)?)?;
    exports.raw_set("volume", lua.create_async_function(volume)?)?;
    exports.raw_set("build", lua.create_async_function(build)?)?;
    Ok(())
}
