//! `prometheus.watch`: what a server says again and again, as gauges on the run's own clock.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlua::{Lua, Result};
use tokio::time::MissedTickBehavior;

use super::connection::Connection;
use super::query;
use crate::metrics::{Aggregator, Kind, MetricId, Unit};
use crate::script::{Options, current, misuse, time_scale};

/// The options of `watch`.
pub(super) const KEYS: &[&str] = &["queries", "every"];

const EVERY: Duration = Duration::from_secs(5);
const LEAST: Duration = Duration::from_millis(200);
/// The most queries; each is a question to the server every time.
const MOST: usize = 50;

/// One query and the gauge that shows it.
struct Watched {
    query: String,
    metric: MetricId,
    name: String,
    /// Whether it was told that it has no answer.
    told: bool,
}

/// Begins to ask; it ends with the run.
///
/// # Errors
///
/// Misuse: options that cannot be, names that other metrics have, or a call from a virtual user.
pub(super) fn watch(
    lua: &Lua,
    connection: Rc<Connection>,
    what: &'static str,
    options: &Options,
) -> Result<()> {
    let vu = Rc::clone(&current()?.vu);
    if !vu.scenario.borrow().is_empty() {
        let message = format!("{what}: every user would watch; call it once, in setup");
        return Err(misuse(lua, message));
    }
    let queries: BTreeMap<String, String> = options.required("queries")?;
    if queries.is_empty() || queries.len() > MOST {
        let problem = format!(
            "it has {} queries; write 1 to {MOST}, as in {{ queue_depth = \"sum(queue)\" }}",
            queries.len()
        );
        return Err(options.invalid("queries", problem));
    }
    let every: Duration = options.optional("every")?.unwrap_or(EVERY);
    if every < LEAST {
        return Err(options.invalid("every", "it is too short; write \"1s\""));
    }
    let every = time_scale(lua).of(every).max(LEAST);
    let mut all = Vec::new();
    for (name, query) in queries {
        let metric = vu
            .catalog
            .define(&name, Kind::Gauge, Unit::None)
            .map_err(|error| options.invalid("queries", error.to_string()))?;
        if let Some(figures) = lua.app_data_ref::<Arc<Mutex<Aggregator>>>() {
            let mut figures = figures.lock().unwrap_or_else(PoisonError::into_inner);
            figures.track(metric);
        }
        all.push(Watched {
            query,
            metric,
            name,
            told: false,
        });
    }
    tokio::task::spawn_local(async move {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for one in &mut all {
                let asked = query::instant(&connection, &one.query, None).await;
                match asked.and_then(|all| query::only(&one.query, &all)) {
                    Ok(Some(value)) => {
                        let mut recorder = vu.recorder.borrow_mut();
                        let series = recorder.series(one.metric, vu.base_tags);
                        recorder.add(series, value);
                    }
                    Ok(None) => {}
                    Err(error) if !one.told => {
                        one.told = true;
                        tracing::warn!("{what}: {}: {error}", one.name);
                    }
                    Err(_) => {}
                }
            }
        }
    });
    Ok(())
}
