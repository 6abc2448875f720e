//! `check`: notes whether conditions hold, without ending anything.

use std::collections::BTreeMap;

use mlua::{Lua, LuaString, Result, Value};

use super::luau::{global, verb};
use crate::metrics::builtin;
use crate::modules::words::kind;
use crate::script::{FromOption, Phase, Verb, current, misuse};

/// Seen by scripts as the global `check`.
pub const VERB: Verb = Verb {
    name: "check",
    open,
};

fn open(lua: &Lua) -> Result<Value> {
    let natives = lua.create_table()?;
    natives.set("record", lua.create_function(record)?)?;
    natives.set("nothing", lua.create_function(nothing)?)?;
    let extra = (
        global(lua, "pcall")?,
        global(lua, "type")?,
        global(lua, "next")?,
    );
    verb(lua, include_str!("check.luau"), natives, extra)
}

/// Records one check under its name; returns whether it held.
///
/// # Errors
///
/// A name that is not a string, or tags that are not a table of strings.
pub(super) fn record(lua: &Lua, (name, held, tags): (Value, Value, Value)) -> Result<bool> {
    let held = !matches!(held, Value::Nil | Value::Boolean(false));
    let Value::String(name) = name else {
        let message = format!(
            "check: names are strings, got {}; write [\"status is 200\"] = …",
            kind(&name)
        );
        return Err(misuse(lua, message));
    };
    note(lua, &name, held, tags)?;
    Ok(held)
}

fn note(lua: &Lua, name: &LuaString, held: bool, tags: Value) -> Result<()> {
    let task = current()?;
    if task.vu.phase.get() == Phase::VuTopLevel {
        return Ok(());
    }
    let mut base = task.tags.get();
    let mut recorder = task.vu.recorder.borrow_mut();
    if !tags.is_nil() {
        let tags = BTreeMap::<String, String>::from_option(tags)
            .map_err(|problem| misuse(lua, format!("check: tags: {problem}")))?;
        let pairs: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (&**k, &**v)).collect();
        base = recorder.extend(base, &pairs);
    }
    let name = name.to_string_lossy();
    let set = recorder.extend(base, &[("check", &name)]);
    let series = recorder.series(builtin::CHECKS, set);
    recorder.add(series, f64::from(u8::from(held)));
    Ok(())
}

fn nothing(lua: &Lua, entries: Value) -> Result<()> {
    let message = match entries {
        Value::Table(_) => "check: the table is empty, so nothing would be checked; a value that \
                            is nil removes its entry: write [\"name\"] = x ~= nil"
            .to_owned(),
        other => format!(
            "check: expected a table of conditions as the second argument, got {}; \
             write check(res, {{ [\"status is 200\"] = res.status == 200 }})",
            kind(&other)
        ),
    };
    Err(misuse(lua, message))
}
