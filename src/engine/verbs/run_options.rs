//! `options { … }`: what holds for the whole run.

use std::time::Duration;

use mlua::{Lua, Result, Table, Value};

use super::agents::agents;
use crate::agent::client::Agents;
use crate::engine::fields::Fields;
use crate::engine::plan::{RunOptions, ThresholdPlan};
use crate::script::{Phase, Problems, Verb, current, here, misuse};

use super::Registrations;

/// Sets the run's options. Inert in a user's own top level.
pub const VERB: Verb = Verb {
    name: "options",
    open: |lua| Ok(Value::Function(lua.create_function(options)?)),
};

const KEYS: &[&str] = &[
    "thresholds",
    "tags",
    "agents",
    "cpu_limit",
    "setup_timeout",
    "teardown_timeout",
];

fn options(lua: &Lua, given: Value) -> Result<()> {
    match current()?.vu.phase.get() {
        Phase::VuTopLevel => return Ok(()),
        Phase::TopLevel | Phase::AdHoc => {}
        _ => return Err(misuse(lua, "options: call it at the script's top level")),
    }
    let at = here(lua);
    let problems = Problems::new();
    let read = read(&Reader {
        lua,
        fields: Fields::new("options", KEYS, lua, given, &problems),
        problems: &problems,
    });
    // At once: the script's next line may name one.
    if let Some(agents) = lua.app_data_ref::<Agents>() {
        agents.configure(read.agents.clone());
    }
    if let Some(mut all) = lua.app_data_mut::<Registrations>() {
        all.options(read, at);
        all.absorb(&problems);
    }
    Ok(())
}

/// What reading needs at hand.
pub(super) struct Reader<'a> {
    pub(super) lua: &'a Lua,
    pub(super) fields: Fields,
    pub(super) problems: &'a Problems,
}

fn read(reader: &Reader) -> RunOptions {
    let defaults = RunOptions::default();
    let fields = &reader.fields;
    RunOptions {
        thresholds: reader.thresholds(),
        tags: fields.pairs("tags"),
        agents: agents(reader),
        cpu_limit: fields.or("cpu_limit", defaults.cpu_limit),
        setup_timeout: fields.or("setup_timeout", defaults.setup_timeout),
        teardown_timeout: fields.or("teardown_timeout", defaults.teardown_timeout),
    }
}

const DETAILS: &[&str] = &["abort_on_fail", "delay", "window"];

impl Reader<'_> {
    /// `{ selector = "expression" | { "expression", { "expression", abort_on_fail = true }, … } }`,
    /// sorted by selector, because a Lua table has no order.
    fn thresholds(&self) -> Vec<ThresholdPlan> {
        let Some(table) = self.fields.optional::<Table>("thresholds") else {
            return Vec::new();
        };
        let mut entries: Vec<(String, Value)> = Vec::new();
        for (key, value) in table.pairs::<Value, Value>().flatten() {
            match key {
                Value::String(selector) => entries.push((selector.to_string_lossy(), value)),
                _ => {
                    self.note("a key is no metric; write { http_req_duration = \"p(95) < 300ms\" }")
                }
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries
            .into_iter()
            .flat_map(|(selector, value)| self.of_metric(&selector, value))
            .collect()
    }

    fn of_metric(&self, selector: &str, value: Value) -> Vec<ThresholdPlan> {
        match value {
            Value::Table(list) if !is_detailed(&list) => {
                let values: Vec<Value> = list.sequence_values::<Value>().flatten().collect();
                if values.is_empty() {
                    self.note(&format!("\"{selector}\" has no expression"));
                }
                values
                    .into_iter()
                    .filter_map(|value| self.one(selector, value))
                    .collect()
            }
            other => self.one(selector, other).into_iter().collect(),
        }
    }

    fn one(&self, selector: &str, value: Value) -> Option<ThresholdPlan> {
        match value {
            Value::String(text) => Some(ThresholdPlan {
                selector: selector.to_owned(),
                expression: text.to_string_lossy(),
                abort_on_fail: false,
                delay: Duration::ZERO,
                window: None,
            }),
            Value::Table(table) => self.detailed(selector, &table),
            other => {
                self.note(&format!(
                    "\"{selector}\": expected an expression such as \"p(95) < 300ms\", got {}",
                    other.type_name()
                ));
                None
            }
        }
    }

    fn detailed(&self, selector: &str, table: &Table) -> Option<ThresholdPlan> {
        let Ok(Value::String(expression)) = table.raw_get::<Value>(1) else {
            self.note(&format!(
                "\"{selector}\": the expression comes first; \
                 write {{ \"p(95) < 300ms\", abort_on_fail = true }}"
            ));
            return None;
        };
        let place = format!("options: thresholds: \"{selector}\"");
        let named = self.without_first(table).ok()?;
        let fields = Fields::new(&place, DETAILS, self.lua, named, self.problems);
        let window: Option<Duration> = fields.optional("window");
        if window.is_some_and(|window| window < Duration::from_secs(1)) {
            fields.note("window", "must be at least \"1s\"");
        }
        Some(ThresholdPlan {
            selector: selector.to_owned(),
            expression: expression.to_string_lossy(),
            abort_on_fail: fields.or("abort_on_fail", false),
            delay: fields.or("delay", Duration::ZERO),
            window,
        })
    }

    /// The named options of a table whose first element is the expression.
    fn without_first(&self, table: &Table) -> Result<Value> {
        let named = self.lua.create_table()?;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            if !matches!(key, Value::Integer(1)) && key.as_number() != Some(1.0) {
                named.raw_set(key, value)?;
            }
        }
        Ok(Value::Table(named))
    }

    fn note(&self, message: &str) {
        self.fields.note("thresholds", message);
    }
}

/// Whether a table is one threshold with details rather than a list of thresholds.
fn is_detailed(table: &Table) -> bool {
    table
        .pairs::<Value, Value>()
        .flatten()
        .any(|(key, _)| matches!(key, Value::String(_)))
}
