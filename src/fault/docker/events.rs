//! What an engine did: `docker.events`.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::list::asked;
use super::trouble::{ANSWER, precondition, trouble};
use crate::docker::parameters::EventsOptionsBuilder;
use crate::docker::{Endpoint, Engine};
use crate::fault::Query;

#[derive(Deserialize)]
struct Events {
    engine: Option<String>,
    /// How far back.
    since: Duration,
    /// For how long what happens is waited for.
    follow: Option<Duration>,
    /// By container, type, event, label, as the engine calls them.
    filters: HashMap<String, Vec<String>>,
}

/// Seen by the agent's protocol as `docker.events`: oldest first.
pub(super) const EVENTS: Query = Query {
    name: "docker.events",
    ask: |options, _| {
        let events: Events = asked("docker.events", options)?;
        let endpoint = Endpoint::find(events.engine.as_deref()).map_err(precondition)?;
        let engine = Engine::connect(&endpoint).map_err(precondition)?;
        let at = |time: SystemTime| {
            let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("{}.{:09}", time.as_secs(), time.subsec_nanos())
        };
        let now = SystemTime::now();
        let wait = events.follow.unwrap_or_default();
        let options = EventsOptionsBuilder::new()
            .since(&at(now - events.since))
            .until(&at(now + wait))
            .filters(&events.filters)
            .build();
        let all = engine.call(wait + ANSWER, |docker| async move {
            let mut all = Vec::new();
            let mut stream = docker.events(Some(options));
            while let Some(event) = stream.next().await {
                all.push(event?);
            }
            Ok(all)
        });
        let all = all.map_err(|error| trouble("docker.events", error))?;
        let shown = all.into_iter().map(|event| {
            let actor = event.actor.unwrap_or_default();
            let attributes = actor.attributes.unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a time in seconds")]
            let time = event.time_nano.unwrap_or_default() as f64 / 1e9;
            json!({
                "time": time,
                "type": event.typ.map(|typ| typ.to_string()),
                "action": event.action,
                "id": actor.id,
                "name": attributes.get("name"),
                "attributes": attributes,
            })
        });
        Ok(json!(shown.collect::<Vec<_>>()))
    },
};
