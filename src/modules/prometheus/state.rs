//! What a server knows besides samples: alerts, rules, targets, labels and series.

use std::collections::BTreeMap;

use mlua::{Lua, Result, Table, Value};
use serde_json::Value as Json;

use super::connection::Connection;
use super::query::{labels_table, pairs};
use super::trouble::Trouble;
use crate::base::text::{nearest, quoted};
use crate::modules::words::kind;
use crate::script::{FromOption, Options};

type Answer<T> = std::result::Result<T, Trouble>;

/// An option that is one of a few words.
///
/// # Errors
///
/// Misuse: another word; the nearest is named.
pub(super) fn choice(options: &Options, key: &str, words: &[&str]) -> Result<Option<String>> {
    let word: Option<String> = options.optional(key)?;
    match word {
        Some(word) if !words.contains(&word.as_str()) => {
            let hint = match nearest(&word, words.iter().copied()) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => format!("write {}", listed(words)),
            };
            Err(options.invalid(key, format!("{} is none; {hint}", quoted(&word))))
        }
        word => Ok(word),
    }
}

/// `"a", "b"`.
pub(super) fn listed<T: AsRef<str>>(words: &[T]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| quoted(word.as_ref())).collect();
    quoted.join(", ")
}

/// Whether an alert's labels have these values.
pub(super) fn matches(labels: &Json, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| {
        let own = labels.get(name).and_then(Json::as_str);
        own.unwrap_or_default() == value
    })
}

/// What is in an answer's list; none if it is missing.
pub(super) fn list<'a>(data: &'a Json, key: &str) -> &'a [Json] {
    data[key].as_array().map_or(&[], Vec::as_slice)
}

/// Copies the texts of an object, by their names there and here; empty ones are left out.
fn copy(entry: &Table, object: &Json, names: &[(&str, &str)]) -> Result<()> {
    for (from, to) in names {
        if let Some(text) = object[*from].as_str().filter(|text| !text.is_empty()) {
            entry.raw_set(*to, text)?;
        }
    }
    Ok(())
}

fn labels(lua: &Lua, object: &Json) -> Result<Table> {
    let pairs = object.as_object().map(pairs).unwrap_or_default();
    labels_table(lua, &pairs)
}

/// An alert as scripts see it.
pub(super) fn alert_table(lua: &Lua, alert: &Json) -> Result<Table> {
    let entry = lua.create_table()?;
    let name = &alert["labels"]["alertname"];
    entry.raw_set("name", name.as_str().unwrap_or_default())?;
    copy(
        &entry,
        alert,
        &[("state", "state"), ("activeAt", "active_at")],
    )?;
    entry.raw_set("labels", labels(lua, &alert["labels"])?)?;
    entry.raw_set("annotations", labels(lua, &alert["annotations"])?)?;
    let value = alert["value"].as_str().and_then(super::exposition::number);
    entry.raw_set("value", value)?;
    Ok(entry)
}

fn table_of<'a>(
    lua: &Lua,
    all: impl Iterator<Item = &'a Json>,
    one: impl Fn(&Lua, &Json) -> Result<Table>,
) -> Result<Value> {
    let list = lua.create_table()?;
    for entry in all {
        list.raw_push(one(lua, entry)?)?;
    }
    Ok(Value::Table(list))
}

/// Which alerts are asked for.
#[derive(Debug)]
pub(super) struct Alerts {
    state: Option<String>,
    labels: BTreeMap<String, String>,
}

impl Alerts {
    pub(super) fn read(options: &Options) -> Result<Self> {
        Ok(Self {
            state: choice(options, "state", &["firing", "pending"])?,
            labels: options.optional("labels")?.unwrap_or_default(),
        })
    }

    pub(super) async fn ask(&self, connection: &Connection) -> Answer<Json> {
        connection.get(&["alerts"], &[]).await
    }

    pub(super) fn table(&self, lua: &Lua, data: &Json) -> Result<Value> {
        let all = list(data, "alerts").iter().filter(|alert| {
            let state = self.state.as_deref();
            state.is_none_or(|state| alert["state"] == state)
                && matches(&alert["labels"], &self.labels)
        });
        table_of(lua, all, alert_table)
    }
}

/// Asks which targets are scraped, or were dropped by relabelling.
pub(super) async fn targets(connection: &Connection, state: Option<&str>) -> Answer<Json> {
    let state = if state == Some("dropped") {
        "dropped"
    } else {
        "active"
    };
    connection.get(&["targets"], &[("state", state)]).await
}

pub(super) fn targets_table(lua: &Lua, data: &Json, state: Option<&str>) -> Result<Value> {
    if state == Some("dropped") {
        return table_of(lua, list(data, "droppedTargets").iter(), |lua, target| {
            let entry = lua.create_table()?;
            entry.raw_set("health", "dropped")?;
            entry.raw_set("labels", labels(lua, &target["discoveredLabels"])?)?;
            Ok(entry)
        });
    }
    let all = list(data, "activeTargets").iter();
    let health = state.filter(|state| *state != "active");
    let all = all.filter(|target| health.is_none_or(|health| target["health"] == health));
    table_of(lua, all, |lua, target| {
        let entry = lua.create_table()?;
        let names = [
            ("health", "health"),
            ("scrapePool", "job"),
            ("scrapeUrl", "url"),
            ("lastError", "last_error"),
            ("lastScrape", "last_scrape"),
        ];
        copy(&entry, target, &names)?;
        let labels = labels(lua, &target["labels"])?;
        entry.raw_set("instance", labels.raw_get::<Value>("instance")?)?;
        entry.raw_set("labels", labels)?;
        let took = target["lastScrapeDuration"].as_f64();
        entry.raw_set("duration", took.map(|seconds| seconds * 1e3))?;
        Ok(entry)
    })
}

/// Asks for the rules of a type, `alert` or `record`; of both without one.
pub(super) async fn rules(connection: &Connection, kind: Option<&str>) -> Answer<Json> {
    let query: Vec<_> = kind.iter().map(|kind| ("type", *kind)).collect();
    connection.get(&["rules"], &query).await
}

/// Every rule of an answer, with its group.
pub(super) fn each_rule(data: &Json) -> impl Iterator<Item = (&Json, &Json)> {
    let groups = list(data, "groups").iter();
    groups.flat_map(|group| list(group, "rules").iter().map(move |rule| (group, rule)))
}

pub(super) fn rules_table(lua: &Lua, data: &Json) -> Result<Value> {
    let all = lua.create_table()?;
    for (group, rule) in each_rule(data) {
        let entry = lua.create_table()?;
        copy(&entry, group, &[("name", "group")])?;
        let names = [
            ("name", "name"),
            ("type", "type"),
            ("query", "query"),
            ("health", "health"),
            ("lastError", "last_error"),
            ("state", "state"),
        ];
        copy(&entry, rule, &names)?;
        entry.raw_set("labels", labels(lua, &rule["labels"])?)?;
        if rule["type"] == "alerting" {
            let held = rule["duration"].as_f64();
            entry.raw_set("hold", held.map(|seconds| seconds * 1e3))?;
            entry.raw_set("annotations", labels(lua, &rule["annotations"])?)?;
            let alerts = list(rule, "alerts").iter();
            entry.raw_set("alerts", table_of(lua, alerts, alert_table)?)?;
        }
        all.raw_push(entry)?;
    }
    Ok(Value::Table(all))
}

/// Names as a list.
pub(super) fn names_table(lua: &Lua, data: &Json) -> Result<Value> {
    let all = data.as_array().map_or(&[][..], Vec::as_slice);
    let names = all.iter().filter_map(Json::as_str);
    lua.create_sequence_from(names).map(Value::Table)
}

/// Series as a list of their labels.
pub(super) fn series_table(lua: &Lua, data: &Json) -> Result<Value> {
    let all = data.as_array().map_or(&[][..], Vec::as_slice);
    table_of(lua, all.iter(), labels)
}

/// The selectors of `series`: one, or a list.
///
/// # Errors
///
/// What to tell the user.
pub(super) fn selectors(value: &Value) -> std::result::Result<Vec<String>, String> {
    let all = match value {
        Value::Table(_) => Vec::from_option(value.clone())?,
        Value::String(_) => vec![String::from_option(value.clone())?],
        other => {
            let got = kind(other);
            return Err(format!("expected a selector such as \"up\", got {got}"));
        }
    };
    if all.is_empty() {
        return Err("the list is empty; write \"up\"".to_owned());
    }
    Ok(all)
}
