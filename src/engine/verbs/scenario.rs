//! `scenario(name, options, fn)`: declares load.

use std::sync::Arc;
use std::time::Duration;

use mlua::{Lua, Result, Value};

use crate::base::text::nearest;
use crate::base::units::duration;
use crate::engine::executors::{EXECUTORS, ExecutorKind, inferred};
use crate::engine::fields::Fields;
use crate::engine::plan::{ScenarioPlan, StartAfter};
use crate::script::phase::declare;
use crate::script::{Phase, Problems, Verb, current, here, misuse};

use super::{Declared, Registrations};

/// Declares a scenario. In a user's own top level it only finds the user's function.
pub const VERB: Verb = Verb {
    name: "scenario",
    open: |lua| Ok(Value::Function(lua.create_function(scenario)?)),
};

/// Keys that every scenario has.
const COMMON: &[&str] = &["executor", "start_after", "graceful_stop", "tags", "env"];

fn scenario(lua: &Lua, (name, options, function): (Value, Value, Value)) -> Result<()> {
    let usage = "write scenario(\"name\", { … }, function(vu, session) … end)";
    let Value::String(name) = name else {
        let got = name.type_name();
        return Err(misuse(
            lua,
            format!("scenario: the name is a {got}; {usage}"),
        ));
    };
    let name = name.to_string_lossy();
    let Value::Function(function) = function else {
        let got = function.type_name();
        let text = format!("scenario \"{name}\": the third argument is a {got}; {usage}");
        return Err(misuse(lua, text));
    };
    let task = current()?;
    if task.vu.phase.get() == Phase::VuTopLevel {
        if *name == **task.vu.scenario.borrow() {
            task.vu.ext::<Declared>().set(function);
        }
        return Ok(());
    }
    if declare(lua, "scenario")? {
        register(lua, &name, options);
    }
    Ok(())
}

fn register(lua: &Lua, name: &str, options: Value) {
    let at = here(lua);
    let place = format!("scenario \"{name}\"");
    let problems = Problems::new();
    let mut plan = None;
    if options.is_nil() {
        problems.push(
            format!("{place}: the table of options is missing"),
            at.clone(),
        );
    } else {
        match executor(&options, &place) {
            Ok(kind) => {
                let keys: Vec<&str> = COMMON.iter().chain(kind.keys).copied().collect();
                let fields = Fields::new(&place, &keys, lua, options, &problems);
                plan = Some(read(name, kind, &fields));
            }
            Err(problem) => problems.push(problem, at.clone()),
        }
    }
    if let Some(bad) = bad_name(name) {
        problems.push(format!("{place}: {bad}"), at.clone());
    }
    if let Some(mut all) = lua.app_data_mut::<Registrations>() {
        match plan {
            Some(plan) if problems.is_empty() => all.scenario(plan, at),
            _ => all.absorb(&problems),
        }
    }
}

fn bad_name(name: &str) -> Option<&'static str> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/');
    (name.is_empty() || name.len() > 128 || !name.chars().all(good))
        .then_some("a name has letters, digits, spaces and _ - . / only, at most 128")
}

/// The load profile that is named, or meant.
fn executor(options: &Value, place: &str) -> std::result::Result<&'static ExecutorKind, String> {
    let named = match options {
        Value::Table(table) => table.raw_get::<Value>("executor").unwrap_or(Value::Nil),
        _ => Value::Nil,
    };
    let name = match named {
        Value::Nil => inferred(options).to_owned(),
        Value::String(name) => name.to_string_lossy(),
        other => {
            let got = other.type_name();
            return Err(format!(
                "{place}: option `executor`: expected a string, got {got}"
            ));
        }
    };
    EXECUTORS
        .iter()
        .find(|kind| kind.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = EXECUTORS.iter().map(|kind| kind.name).collect();
            let hint = nearest(&name, names.iter().copied()).map_or_else(
                || format!("they are {}", names.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            format!("{place}: option `executor`: there is no \"{name}\"; {hint}")
        })
}

fn read(name: &str, kind: &ExecutorKind, fields: &Fields) -> ScenarioPlan {
    ScenarioPlan {
        name: Arc::from(name),
        executor: (kind.read)(fields),
        start: start_after(fields),
        start_given: fields.optional::<Value>("start_after").is_some(),
        graceful_stop: fields.or("graceful_stop", Duration::from_secs(30)),
        tags: fields.pairs("tags"),
        env: fields.pairs("env").into_iter().collect(),
    }
}

/// A duration, or the name of a scenario.
fn start_after(fields: &Fields) -> StartAfter {
    // A bare number is told that it lacks its unit.
    let text = match fields.optional("start_after") {
        Some(Value::String(text)) => text.to_string_lossy(),
        None => return StartAfter::Offset(Duration::ZERO),
        Some(_) => return StartAfter::Offset(fields.or("start_after", Duration::ZERO)),
    };
    match duration(&text) {
        Ok(offset) => StartAfter::Offset(offset),
        Err(_) => StartAfter::Scenario(Arc::from(text)),
    }
}
