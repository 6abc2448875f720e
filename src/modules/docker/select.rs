//! `docker.container` and `docker.containers`: which ones are meant; nothing is looked for yet.

use mlua::{AnyUserData, Lua, Result, Value};

use super::container::{Meant, object};
use crate::base::text::{nearest, quoted};
use crate::fault::docker::{Containers, pattern};
use crate::modules::pick::pick;
use crate::modules::process::host;
use crate::script::{FromOption, Options, misuse};

const KEYS: [&str; 11] = [
    "name",
    "label",
    "compose",
    "service",
    "status",
    "network",
    "exclude",
    "pick",
    "allow_empty",
    "engine",
    "on",
];

/// What an engine calls the states of a container, and `any`.
const STATES: [&str; 8] = [
    "any",
    "created",
    "restarting",
    "running",
    "removing",
    "paused",
    "exited",
    "dead",
];

/// Just one, by name or id.
pub(super) fn container(lua: &Lua, (name, options): (Value, Value)) -> Result<AnyUserData> {
    const WHAT: &str = "docker.container";
    let name = String::from_option(name)
        .map_err(|problem| misuse(lua, format!("{WHAT}: the name: {problem}")))?;
    if name.is_empty() {
        let message = format!("{WHAT}: the name is empty; write docker.container(\"shop-api\")");
        return Err(misuse(lua, message));
    }
    let options = Options::read(WHAT, &["engine", "on"], lua, options)?;
    let which = Containers {
        engine: engine(&options)?,
        ..Containers::one(name)
    };
    let agent = agent(&options)?;
    object(lua, Meant { agent, which })
}

/// All that match, or some of them.
pub(super) fn containers(lua: &Lua, options: Value) -> Result<AnyUserData> {
    let options = Options::read("docker.containers", &KEYS, lua, options)?;
    let which = read(&options)?;
    let agent = agent(&options)?;
    object(lua, Meant { agent, which })
}

/// What the options say of containers.
fn read(options: &Options) -> Result<Containers> {
    let name = |key: &str| -> Result<Option<String>> {
        let text: Option<String> = options.optional(key)?;
        if let Some(text) = &text {
            pattern(text).map_err(|problem| options.invalid(key, problem))?;
        }
        Ok(text)
    };
    let status: Option<String> = options.optional("status")?;
    if let Some(status) = status.as_deref().filter(|one| !STATES.contains(one)) {
        let hint = match nearest(status, STATES) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write one of {}", STATES.join(", ")),
        };
        let message = format!("no container is {}; {hint}", quoted(status));
        return Err(options.invalid("status", message));
    }
    Ok(Containers {
        engine: engine(options)?,
        one: None,
        name: name("name")?,
        label: labels(options)?,
        compose: options.optional("compose")?,
        service: options.optional("service")?,
        status,
        network: options.optional("network")?,
        exclude: name("exclude")?,
        pick: pick(options)?,
        allow_empty: options.optional("allow_empty")?.unwrap_or_default(),
    })
}

/// One label or a list of them.
fn labels(options: &Options) -> Result<Vec<String>> {
    match options.get_raw("label") {
        Value::Nil => Ok(Vec::new()),
        Value::String(one) => Ok(vec![one.to_string_lossy()]),
        _ => options.required("label"),
    }
}

/// The option `engine`: an endpoint.
pub(super) fn engine(options: &Options) -> Result<Option<String>> {
    let engine: Option<String> = options.optional("engine")?;
    let good = |url: &String| {
        let schemes = ["unix://", "tcp://", "http://", "https://"];
        schemes.iter().any(|scheme| url.starts_with(scheme))
    };
    match engine {
        Some(url) if !good(&url) => {
            let message = format!(
                "expected an endpoint such as \"unix:///run/docker.sock\" or \"tcp://10.0.0.1:2375\", got {}",
                quoted(&url)
            );
            Err(options.invalid("engine", message))
        }
        engine => Ok(engine),
    }
}

/// The option `on`: the host whose agent reaches the engine.
pub(super) fn agent(options: &Options) -> Result<String> {
    host(options, "on")
}
