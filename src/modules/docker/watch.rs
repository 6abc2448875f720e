//! `docker.watch` and `docker.events`: what containers use, as gauges on the run's clock, and what engines did.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlua::{Lua, Result, Value};
use serde_json::json;
use tokio::time::MissedTickBehavior;

use super::select::{agent, engine};
use crate::agent::client::Agents;
use crate::fault::docker::Usage;
use crate::metrics::{Aggregator, Kind, MetricId, Unit};
use crate::modules::hold::{agents, ask};
use crate::modules::target::TargetValue;
use crate::script::phase::io;
use crate::script::{Options, current, json as lua_json};

/// One figure of what a container uses.
type Figure = fn(&Usage) -> f64;

/// The gauges, all with the tag `container`, and what they show.
const GAUGES: [(&str, Figure); 7] = [
    ("container_cpus", |it| it.cpus),
    ("container_memory", |it| whole(it.memory)),
    ("container_received", |it| whole(it.received)),
    ("container_sent", |it| whole(it.sent)),
    ("container_read", |it| whole(it.read)),
    ("container_written", |it| whole(it.written)),
    ("container_pids", |it| whole(it.pids)),
];

#[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
fn whole(number: u64) -> f64 {
    number as f64
}

/// Begins to look; it ends with the run.
pub(super) fn watch(lua: &Lua, options: Value) -> Result<()> {
    const WHAT: &str = "docker.watch";
    io(lua, WHAT)?;
    let options = Options::read(WHAT, &["containers", "every"], lua, options)?;
    let target: TargetValue = options.required("containers")?;
    let crate::fault::Target::Containers { which } = target.target.clone() else {
        let message = format!("expected containers, got {}", target.label());
        return Err(options.invalid("containers", message));
    };
    let every: Duration = options.optional("every")?.unwrap_or(Duration::from_secs(2));
    if every < Duration::from_secs(1) {
        let message = "engines take a second over it; write \"1s\" or more";
        return Err(options.invalid("every", message));
    }
    let agents: Agents = agents(lua, WHAT)?;
    let vu = Rc::clone(&current()?.vu);
    let mut gauges = Vec::new();
    for (name, of) in GAUGES {
        let metric = vu
            .catalog
            .define(name, Kind::Gauge, Unit::None)
            .map_err(|error| options.wrong(error.to_string()))?;
        if let Some(figures) = lua.app_data_ref::<Arc<Mutex<Aggregator>>>() {
            let mut figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
            figures.track(metric);
        }
        gauges.push((metric, of));
    }
    let mut which = *which;
    which.allow_empty = true;
    tokio::task::spawn_local(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = false;
        loop {
            ticks.tick().await;
            let options = json!({"which": which});
            let asked = agents.ask(&target.agent, "docker.stats", options).await;
            match asked {
                Ok(found) => record(&vu, &gauges, serde_json::from_value(found)),
                Err(error) if !told => {
                    told = true;
                    tracing::warn!("{WHAT}: {error}");
                }
                Err(_) => {}
            }
        }
    });
    Ok(())
}

type Gauge = (MetricId, Figure);

fn record(vu: &crate::script::Vu, gauges: &[Gauge], found: serde_json::Result<Vec<Usage>>) {
    let mut recorder = vu.recorder.borrow_mut();
    for usage in found.unwrap_or_default() {
        let tags = recorder.extend(vu.base_tags, &[("container", &usage.name)]);
        let tags = recorder.with_faults(tags, Duration::ZERO);
        for (metric, of) in gauges {
            let series = recorder.series(*metric, tags);
            recorder.add(series, of(&usage));
        }
    }
}

/// What an engine did, oldest first.
pub(super) async fn events(lua: Lua, options: Value) -> Result<Value> {
    const WHAT: &str = "docker.events";
    let keys = [
        "since",
        "follow",
        "container",
        "type",
        "action",
        "label",
        "engine",
        "on",
    ];
    let options = Options::read(WHAT, &keys, &lua, options)?;
    let agent = agent(&options)?;
    let mut filters = HashMap::new();
    for (key, engines) in [
        ("container", "container"),
        ("type", "type"),
        ("action", "event"),
        ("label", "label"),
    ] {
        let value: Option<String> = options.optional(key)?;
        filters.extend(value.map(|value| (engines.to_owned(), vec![value])));
    }
    let since: Option<Duration> = options.optional("since")?;
    let follow: Option<Duration> = options.optional("follow")?;
    let asked = json!({
        "engine": engine(&options)?,
        "since": since.unwrap_or(Duration::from_secs(60)),
        "follow": follow,
        "filters": filters,
    });
    io(&lua, WHAT)?;
    let told = ask(&lua, WHAT, &agent, WHAT, asked).await?;
    lua_json::told(&lua, told)
}
