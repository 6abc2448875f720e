//! What containers say of themselves; every read asks the agent of their host.

use std::time::Duration;

use mlua::{Lua, Result, UserDataMethods, Value};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::acts;
use super::container::{Handle, Meant};
use crate::base::text::quoted;
use crate::base::units::show_duration;
use crate::fault::Trouble;
use crate::modules::hold::raise;
use crate::script::{FromOption, Options, interruptible, json as lua_json, misuse};

/// How long is waited for something, where nothing is said.
const WITHIN: Duration = Duration::from_secs(30);

/// How often is looked.
const EVERY: Duration = Duration::from_millis(200);

fn table(lua: &Lua, told: &Json) -> Result<Value> {
    lua_json::told(lua, told.clone())
}

/// Adds the reads to an object that means containers.
pub(super) fn add<M: UserDataMethods<Handle>>(methods: &mut M) {
    methods.add_async_method("inspect", |lua, this, ()| async move {
        let meant = this.meant.clone();
        drop(this);
        let told = meant.ask(&lua, "docker.inspect", "docker.inspect", json!({}));
        table(&lua, &told.await?)
    });
    methods.add_async_method("top", |lua, this, ()| async move {
        let meant = this.meant.clone();
        drop(this);
        let told = meant.ask(&lua, "docker.top", "docker.top", json!({}));
        table(&lua, &told.await?)
    });
    methods.add_async_method("stats", |lua, this, ()| async move {
        let meant = this.meant.clone();
        drop(this);
        let told = meant
            .ask(&lua, "docker.stats", "docker.stats", json!({}))
            .await?;
        match told.as_array().map(Vec::as_slice) {
            Some([one]) => table(&lua, one),
            all => {
                let count = all.map_or(0, <[Json]>::len);
                let text = format!(
                    "docker.stats: {count} run, and one is asked about; go through :list()"
                );
                Err(raise(&lua, "docker.stats", &Trouble::Precondition(text)))
            }
        }
    });
    methods.add_async_method("logs", |lua, this, options: Value| async move {
        let meant = this.meant.clone();
        drop(this);
        let asked = logs(&lua, options)?;
        table(
            &lua,
            &meant.ask(&lua, "docker.logs", "docker.logs", asked).await?,
        )
    });
    methods.add_async_method(
        "exec",
        |lua, this, (cmd, options): (Value, Value)| async move {
            let meant = this.meant.clone();
            drop(this);
            exec(&lua, &meant, cmd, options).await
        },
    );
    add_waits(methods);
}

/// Those that ask until it is so.
fn add_waits<M: UserDataMethods<Handle>>(methods: &mut M) {
    methods.add_async_method("ip", |lua, this, network: Option<String>| async move {
        let meant = this.meant.clone();
        drop(this);
        ip(&lua, &meant, network).await
    });
    methods.add_async_method("wait_healthy", |lua, this, options: Value| async move {
        let meant = this.meant.clone();
        drop(this);
        wait_healthy(&lua, &meant, options).await
    });
    methods.add_async_method(
        "wait_log",
        |lua, this, (text, options): (Value, Value)| async move {
            let meant = this.meant.clone();
            drop(this);
            wait_log(&lua, &meant, text, options).await
        },
    );
    methods.add_async_method(
        "wait_status",
        |lua, this, (status, options): (String, Value)| async move {
            let meant = this.meant.clone();
            drop(this);
            wait_status(&lua, &meant, &status, options).await
        },
    );
}

fn logs(lua: &Lua, options: Value) -> Result<Json> {
    let keys = ["since", "tail", "grep", "follow", "timestamps"];
    let options = Options::read("docker.logs", &keys, lua, options)?;
    let since: Option<Duration> = options.optional("since")?;
    let tail: Option<u32> = options.optional("tail")?;
    let grep: Option<String> = options.optional("grep")?;
    let follow: Option<Duration> = options.optional("follow")?;
    let timestamps: Option<bool> = options.optional("timestamps")?;
    Ok(json!({
        "since": since.map(|time| time.as_secs_f64()),
        "tail": tail,
        "grep": grep,
        "follow": follow,
        "timestamps": timestamps.unwrap_or_default(),
    }))
}

/// Runs a command inside; its failure is data.
async fn exec(lua: &Lua, meant: &Meant, cmd: Value, options: Value) -> Result<Value> {
    const WHAT: &str = "docker.exec";
    let all = match options {
        Value::Nil => lua.create_table()?,
        Value::Table(table) => {
            let copy = lua.create_table()?;
            for pair in table.pairs::<Value, Value>() {
                let (key, value) = pair?;
                copy.raw_set(key, value)?;
            }
            copy
        }
        other => return Options::read(WHAT, &[], lua, other).map(|_| Value::Nil),
    };
    all.raw_set("cmd", cmd)?;
    let keys = ["cmd", "timeout", "user", "workdir", "env"];
    let options = Options::read(WHAT, &keys, lua, Value::Table(all))?;
    let exec = acts::exec(&options, "cmd")?;
    let told = meant.ask(lua, WHAT, WHAT, json!({"exec": exec})).await?;
    table(lua, &told)
}

/// Its address in a network; in its only one where none is named.
async fn ip(lua: &Lua, meant: &Meant, network: Option<String>) -> Result<Option<String>> {
    const WHAT: &str = "docker.ip";
    let told = meant.ask(lua, WHAT, "docker.inspect", json!({})).await?;
    let networks = told["networks"].as_object().cloned().unwrap_or_default();
    let address = |value: &Json| value.as_str().map(str::to_owned);
    match network {
        Some(network) => Ok(networks.get(&network).and_then(address)),
        None if networks.len() <= 1 => Ok(networks.values().next().and_then(address)),
        None => {
            let names: Vec<_> = networks.keys().map(String::as_str).collect();
            let names = names.join(", ");
            let message = format!("{WHAT}: it is on several networks; name one of {names}");
            Err(misuse(lua, message))
        }
    }
}

fn within(lua: &Lua, what: &'static str, options: Value) -> Result<Duration> {
    let options = Options::read(what, &["within"], lua, options)?;
    Ok(options.optional("within")?.unwrap_or(WITHIN))
}

fn late(lua: &Lua, what: &str, text: &str, limit: Duration) -> mlua::Error {
    let text = format!("{what}: {text} within {}", show_duration(limit));
    raise(lua, what, &Trouble::Failed(text))
}

async fn wait_healthy(lua: &Lua, meant: &Meant, options: Value) -> Result<()> {
    const WHAT: &str = "docker.wait_healthy";
    let limit = within(lua, WHAT, options)?;
    let end = Instant::now() + limit;
    loop {
        let told = meant.ask(lua, WHAT, "docker.inspect", json!({})).await?;
        let health = told["health"].as_str();
        let running = told["running"] == true;
        if health == Some("healthy") && running {
            return Ok(());
        }
        if health.is_none() && running {
            let text = format!("{WHAT}: {} has no health check", meant.target().label());
            return Err(raise(lua, WHAT, &Trouble::Precondition(text)));
        }
        if Instant::now() > end {
            let state = health.unwrap_or("not running");
            let text = format!("{} is {state}, not healthy", meant.target().label());
            return Err(late(lua, WHAT, &text, limit));
        }
        interruptible(tokio::time::sleep(EVERY)).await?;
    }
}

async fn wait_log(lua: &Lua, meant: &Meant, text: Value, options: Value) -> Result<String> {
    const WHAT: &str = "docker.wait_log";
    let text = String::from_option(text)
        .map_err(|problem| misuse(lua, format!("{WHAT}: the text: {problem}")))?;
    let limit = within(lua, WHAT, options)?;
    let end = Instant::now() + limit;
    loop {
        let told = meant
            .ask(lua, WHAT, "docker.logs", json!({"grep": text}))
            .await?;
        if let Some(line) = told.get(0).and_then(Json::as_str) {
            return Ok(line.to_owned());
        }
        if Instant::now() > end {
            let text = format!("{} did not write {}", meant.target().label(), quoted(&text));
            return Err(late(lua, WHAT, &text, limit));
        }
        interruptible(tokio::time::sleep(EVERY)).await?;
    }
}

async fn wait_status(lua: &Lua, meant: &Meant, status: &str, options: Value) -> Result<()> {
    const WHAT: &str = "docker.wait_status";
    let limit = within(lua, WHAT, options)?;
    let end = Instant::now() + limit;
    loop {
        let told = meant.ask(lua, WHAT, "docker.inspect", json!({})).await?;
        let now = told["status"].as_str().unwrap_or_default();
        if now == status {
            return Ok(());
        }
        if Instant::now() > end {
            let text = format!("{} is {now}, not {status}", meant.target().label());
            return Err(late(lua, WHAT, &text, limit));
        }
        interruptible(tokio::time::sleep(EVERY)).await?;
    }
}
