//! `options { … }`: what holds for the whole run.

use mlua::{Lua, Result, Table, Value};

use crate::engine::fields::Fields;
use crate::engine::plan::{RunOptions, ThresholdPlan};
use crate::script::{Phase, Verb, current, here, misuse};

use super::Registrations;

/// Sets the run's options. Inert in a user's own top level.
pub const VERB: Verb = Verb {
    name: "options",
    open: |lua| Ok(Value::Function(lua.create_function(options)?)),
};

const KEYS: &[&str] = &[
    "thresholds",
    "tags",
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
    let mut fields = Fields::new("options", KEYS, given);
    let read = read(&mut fields);
    let problems = fields.into_problems();
    if let Some(mut all) = lua.app_data_mut::<Registrations>() {
        all.options(read, at.clone());
        problems
            .into_iter()
            .for_each(|problem| all.problem(problem, at.clone()));
    }
    Ok(())
}

fn read(fields: &mut Fields) -> RunOptions {
    let defaults = RunOptions::default();
    RunOptions {
        thresholds: thresholds(fields),
        tags: fields.pairs("tags"),
        cpu_limit: fields.time_or("cpu_limit", defaults.cpu_limit),
        setup_timeout: fields.time_or("setup_timeout", defaults.setup_timeout),
        teardown_timeout: fields.time_or("teardown_timeout", defaults.teardown_timeout),
    }
}

/// `{ selector = "expression" | { "expression", { "expression", abort_on_fail = true }, … } }`,
/// sorted by selector, because a Lua table has no order.
fn thresholds(fields: &mut Fields) -> Vec<ThresholdPlan> {
    let Some(table) = fields.table("thresholds") else {
        return Vec::new();
    };
    let mut entries: Vec<(String, Value)> = Vec::new();
    for pair in table.pairs::<Value, Value>().flatten() {
        match pair {
            (Value::String(selector), value) => entries.push((selector.to_string_lossy(), value)),
            (other, _) => fields.note(
                "thresholds",
                &format!("the key {other:?} is no metric; write {{ http_req_duration = \"p(95) < 300ms\" }}"),
            ),
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
        .into_iter()
        .flat_map(|(selector, value)| of_metric(fields, &selector, value))
        .collect()
}

fn of_metric(fields: &mut Fields, selector: &str, value: Value) -> Vec<ThresholdPlan> {
    let plain = |text: String| ThresholdPlan {
        selector: selector.to_owned(),
        expression: text,
        abort_on_fail: false,
        delay: std::time::Duration::ZERO,
        window: None,
    };
    match value {
        Value::String(text) => vec![plain(text.to_string_lossy())],
        Value::Table(list) if is_detailed(&list) => detailed(fields, selector, list).into_iter().collect(),
        Value::Table(list) => {
            let values: Vec<Value> = list.sequence_values::<Value>().flatten().collect();
            if values.is_empty() {
                fields.note("thresholds", &format!("\"{selector}\" has no expression"));
            }
            values
                .into_iter()
                .flat_map(|value| match value {
                    Value::String(text) => Some(plain(text.to_string_lossy())),
                    Value::Table(one) => detailed(fields, selector, one),
                    other => {
                        wrong(fields, selector, &other);
                        None
                    }
                })
                .collect()
        }
        other => {
            wrong(fields, selector, &other);
            Vec::new()
        }
    }
}

const DETAILS: &[&str] = &["abort_on_fail", "delay", "window"];

/// Whether a table is one threshold with details rather than a list of thresholds.
fn is_detailed(table: &Table) -> bool {
    table
        .pairs::<Value, Value>()
        .flatten()
        .any(|(key, _)| matches!(key, Value::String(_)))
}

fn detailed(fields: &mut Fields, selector: &str, table: Table) -> Option<ThresholdPlan> {
    let place = format!("options: thresholds: \"{selector}\"");
    let expression = match table.raw_get::<Value>(1) {
        Ok(Value::String(text)) => Some(text.to_string_lossy()),
        _ => None,
    };
    let mut inner = Fields::nested(&place, DETAILS, &table);
    let plan = expression.map(|expression| ThresholdPlan {
        selector: selector.to_owned(),
        expression,
        abort_on_fail: inner.flag("abort_on_fail"),
        delay: inner.time_or("delay", std::time::Duration::ZERO),
        window: inner.time("window"),
    });
    let problems = inner.into_problems();
    fields.absorb(problems);
    if plan.is_none() {
        let text = format!(
            "\"{selector}\": the expression comes first; write {{ \"p(95) < 300ms\", abort_on_fail = true }}"
        );
        fields.note("thresholds", &text);
    }
    plan
}

fn wrong(fields: &mut Fields, selector: &str, value: &Value) {
    let text = format!(
        "\"{selector}\": expected an expression such as \"p(95) < 300ms\", got {}",
        value.type_name()
    );
    fields.note("thresholds", &text);
}
