//! Questions about one container: how it is, what it wrote, what it uses, what runs in it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::exec::Exec;
use super::list::asked;
use super::part::status;
use super::select::{Container, Containers};
use super::trouble::{ANSWER, precondition, trouble};
use crate::docker::models::{ContainerInspectResponse, HealthStatusEnum};
use crate::docker::parameters::{LogsOptionsBuilder, TopOptionsBuilder};
use crate::docker::{Engine, EngineError};
use crate::fault::{Context, Query, Trouble};

/// Which container, and what else is asked.
#[derive(Deserialize)]
struct About<T> {
    which: Containers,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
struct Nothing {}

/// The one container that is asked about, and its engine.
fn one(what: &str, which: &Containers, context: &Context) -> Result<(Container, Engine), Trouble> {
    let mut found = which.targets(context)?;
    if found.len() != 1 {
        return Err(Trouble::Precondition(format!(
            "{what}: {} match {}, and one is asked about; go through :list()",
            found.len(),
            which.label()
        )));
    }
    let container = found.swap_remove(0);
    let engine = Engine::connect(&container.engine).map_err(precondition)?;
    Ok((container, engine))
}

fn wrong(what: &str) -> impl Fn(EngineError) -> Trouble {
    let what = what.to_owned();
    move |error| trouble(&what, error)
}

/// Seen by the agent's protocol as `docker.inspect`.
pub(super) const INSPECT: Query = Query {
    name: "docker.inspect",
    ask: |options, context| {
        let about: About<Nothing> = asked("docker.inspect", options)?;
        let (container, engine) = one("inspect", &about.which, context)?;
        let id = container.id.clone();
        let now = engine
            .call(ANSWER, |docker| async move {
                docker.inspect_container(&id, None).await
            })
            .map_err(wrong("inspect"))?;
        Ok(typed(&container, &now))
    },
};

/// The fields that scripts ask for, and all that the engine said as `raw`.
fn typed(container: &Container, now: &ContainerInspectResponse) -> Value {
    let state = now.state.as_ref();
    let host = now.host_config.as_ref();
    let policy = host.and_then(|host| host.restart_policy.as_ref());
    let config = now.config.as_ref();
    let networks = super::disconnect::networks(now).into_iter();
    let addresses: BTreeMap<String, String> = networks
        .filter_map(|(name, one)| Some((name, one.ip_address.filter(|ip| !ip.is_empty())?)))
        .collect();
    let limits = host.map(super::Limits::of).unwrap_or_default();
    let inner = limits.memory.flatten();
    json!({
        "id": container.id,
        "name": container.name,
        "image": container.image,
        "status": status(now).to_string(),
        "running": state.and_then(|one| one.running).unwrap_or_default(),
        "paused": state.and_then(|one| one.paused).unwrap_or_default(),
        "oom_killed": state.and_then(|one| one.oom_killed).unwrap_or_default(),
        "exit_code": state.and_then(|one| one.exit_code),
        "pid": state.and_then(|one| one.pid).filter(|pid| *pid > 0),
        "health": health(now),
        "started_at": state.and_then(|one| one.started_at.clone()),
        "finished_at": state.and_then(|one| one.finished_at.clone()),
        "restart_count": now.restart_count.unwrap_or_default(),
        "restart_policy": policy.and_then(|one| one.name.map(|name| name.to_string())),
        "labels": config.and_then(|one| one.labels.clone()).unwrap_or_default(),
        "env": config.and_then(|one| one.env.clone()).unwrap_or_default(),
        "networks": addresses,
        "cpus": limits.cpus.flatten(),
        "memory": inner,
        "pids_limit": limits.pids.flatten(),
        "raw": now,
    })
}

/// `healthy`, `unhealthy`, `starting`; none where it has no check.
fn health(now: &ContainerInspectResponse) -> Option<String> {
    let health = now.state.as_ref()?.health.as_ref()?.status?;
    let known = !matches!(health, HealthStatusEnum::EMPTY | HealthStatusEnum::NONE);
    known.then(|| health.to_string())
}

#[derive(Deserialize)]
struct Logs {
    /// Seconds back from now.
    since: Option<f64>,
    tail: Option<u32>,
    grep: Option<String>,
    /// For how long what is written is waited for.
    follow: Option<Duration>,
    #[serde(default)]
    timestamps: bool,
}

/// Seen by the agent's protocol as `docker.logs`: the lines, those of standard error among them.
pub(super) const LOGS: Query = Query {
    name: "docker.logs",
    ask: |options, context| {
        let about: About<Logs> = asked("docker.logs", options)?;
        let (container, engine) = one("logs", &about.which, context)?;
        let logs = about.rest;
        let pattern = logs.grep.as_deref().map(pattern).transpose();
        let pattern = pattern.map_err(|text| Trouble::Misuse(format!("logs: {text}")))?;
        let tail = logs
            .tail
            .map_or_else(|| "all".to_owned(), |n| n.to_string());
        let mut ask = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .timestamps(logs.timestamps)
            .follow(logs.follow.is_some())
            .tail(&tail);
        if let Some(seconds) = logs.since {
            let now = std::time::SystemTime::now();
            let then = now - Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let then = then
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            ask = ask.since(i32::try_from(then.as_secs()).unwrap_or_default());
        }
        let (ask, id) = (ask.build(), container.id.clone());
        let limit = logs.follow.unwrap_or(ANSWER);
        let text = engine
            .call(limit + ANSWER, |docker| async move {
                let mut text = String::new();
                let mut stream = docker.logs(&id, Some(ask));
                let end = tokio::time::Instant::now() + limit;
                while let Ok(Some(piece)) = tokio::time::timeout_at(end, stream.next()).await {
                    text.push_str(&String::from_utf8_lossy(&piece?.into_bytes()));
                }
                Ok(text)
            })
            .map_err(wrong("logs"))?;
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| pattern.as_ref().is_none_or(|it| it.is_match(line)))
            .collect();
        Ok(json!(lines))
    },
};

/// A part of a line, or `re:` and a regular expression.
fn pattern(text: &str) -> Result<Regex, String> {
    let expression = match text.strip_prefix("re:") {
        Some(expression) => expression.to_owned(),
        None => regex::escape(text),
    };
    Regex::new(&expression).map_err(|_| {
        format!(
            "{} is no regular expression",
            crate::base::text::quoted(text)
        )
    })
}

/// What a container uses.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Usage {
    /// The container's name.
    pub name: String,
    /// Processors' worth of time: 0.5 is half of one.
    pub cpus: f64,
    /// Memory in bytes, without caches that the kernel gives up.
    pub memory: u64,
    /// Its limit of memory in bytes.
    pub memory_limit: u64,
    /// Bytes received over its networks since it was started.
    pub received: u64,
    /// Bytes sent over its networks.
    pub sent: u64,
    /// Bytes read from block devices.
    pub read: u64,
    /// Bytes written to block devices.
    pub written: u64,
    /// Processes and threads.
    pub pids: u64,
}

/// Seen by the agent's protocol as `docker.stats`: of every container that matches and runs.
pub(super) const STATS: Query = Query {
    name: "docker.stats",
    ask: |options, context| {
        let about: About<Nothing> = asked("docker.stats", options)?;
        let found = about.which.targets(context)?;
        let asks = found.into_iter().map(|container| {
            std::thread::spawn(move || {
                let engine = Engine::connect(&container.engine).map_err(precondition)?;
                usage(&engine, &container)
            })
        });
        // At once: an engine takes a second over each.
        let asks: Vec<_> = asks.collect();
        let mut all = Vec::new();
        for ask in asks {
            match ask.join() {
                Ok(Ok(usage)) => all.push(usage),
                // Gone meanwhile.
                Ok(Err(Trouble::Vanished(_))) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(json!(all))
    },
};

fn usage(engine: &Engine, container: &Container) -> Result<Usage, Trouble> {
    use crate::docker::parameters::StatsOptionsBuilder;
    let id = container.id.clone();
    let ask = StatsOptionsBuilder::new()
        .stream(false)
        .one_shot(false)
        .build();
    let stats = engine.call(ANSWER, |docker| async move {
        docker.stats(&id, Some(ask)).try_next().await
    });
    let stats = json!(stats.map_err(wrong("stats"))?);
    let number = |path: &str| {
        stats
            .pointer(path)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let spent = number("/cpu_stats/cpu_usage/total_usage")
        .saturating_sub(number("/precpu_stats/cpu_usage/total_usage"));
    let passed = number("/cpu_stats/system_cpu_usage")
        .saturating_sub(number("/precpu_stats/system_cpu_usage"));
    let processors = number("/cpu_stats/online_cpus").max(1);
    #[expect(clippy::cast_precision_loss, reason = "a quotient of times")]
    let cpus = match passed {
        0 => 0.0,
        passed => spent as f64 / passed as f64 * processors as f64,
    };
    let cache = [
        "/memory_stats/stats/total_inactive_file",
        "/memory_stats/stats/inactive_file",
    ];
    let cache = cache.into_iter().map(number).find(|bytes| *bytes > 0);
    let networks = stats["networks"].as_object();
    let carried = |key: &str| -> u64 {
        let all = networks.into_iter().flatten();
        all.filter_map(|(_, one)| one[key].as_u64()).sum()
    };
    let blocks = |wanted: &str| -> u64 {
        let all = stats.pointer("/blkio_stats/io_service_bytes_recursive");
        let all = all.and_then(Value::as_array).into_iter().flatten();
        all.filter(|one| {
            one["op"]
                .as_str()
                .is_some_and(|op| op.eq_ignore_ascii_case(wanted))
        })
        .filter_map(|one| one["value"].as_u64())
        .sum()
    };
    Ok(Usage {
        name: container.name.clone(),
        cpus,
        memory: number("/memory_stats/usage").saturating_sub(cache.unwrap_or_default()),
        memory_limit: number("/memory_stats/limit"),
        received: carried("rx_bytes"),
        sent: carried("tx_bytes"),
        read: blocks("read"),
        written: blocks("write"),
        pids: number("/pids_stats/current"),
    })
}

#[derive(Deserialize)]
struct Command {
    exec: Exec,
}

/// Seen by the agent's protocol as `docker.exec`.
pub(super) const EXEC: Query = Query {
    name: "docker.exec",
    ask: |options, context| {
        let about: About<Command> = asked("docker.exec", options)?;
        let (container, engine) = one("exec", &about.which, context)?;
        let ended = about.rest.exec.run(&engine, &container.id);
        Ok(json!(ended.map_err(wrong("exec"))?))
    },
};

/// A row of a table; one that came in one piece is cut at its spaces, the last cell being the rest.
fn cells(row: Vec<String>, most: usize) -> Vec<String> {
    let [whole] = row.as_slice() else { return row };
    let mut rest = whole.trim();
    let mut all = Vec::new();
    while let Some((cell, after)) = rest.split_once(char::is_whitespace) {
        if all.len() + 1 >= most {
            break;
        }
        all.push(cell.to_owned());
        rest = after.trim_start();
    }
    all.push(rest.to_owned());
    all
}

/// Seen by the agent's protocol as `docker.top`: one object for each process, by the titles of `ps`.
pub(super) const TOP: Query = Query {
    name: "docker.top",
    ask: |options, context| {
        let about: About<Nothing> = asked("docker.top", options)?;
        let (container, engine) = one("top", &about.which, context)?;
        let id = container.id.clone();
        let ask = |asked: Option<&str>| {
            let id = id.clone();
            let options = asked.map(|args| TopOptionsBuilder::new().ps_args(args).build());
            engine.call(ANSWER, |docker| async move {
                docker.top_processes(&id, options).await
            })
        };
        let top = match ask(Some("-eo user,pid,ppid,pcpu,rss,stat,args")) {
            // Podman asks the image's own program, which may know no options, and then says nothing at all.
            Err(EngineError::Garbled(_)) => ask(None),
            top => top,
        };
        let top = top.map_err(wrong("top"))?;
        let titles = cells(top.titles.unwrap_or_default(), usize::MAX);
        let rows = top.processes.unwrap_or_default().into_iter().map(|row| {
            let row = titles.iter().zip(cells(row, titles.len()));
            let row = row.map(|(title, text)| (title.to_lowercase(), text));
            row.collect::<BTreeMap<_, _>>()
        });
        Ok(json!(rows.collect::<Vec<_>>()))
    },
};
