//! `check`: notes whether conditions hold, without ending anything.

use std::collections::{BTreeMap, HashMap};

use mlua::{Lua, LuaString, Result, Value};

use super::luau::{global, verb};
use crate::metrics::{Series, TagSetId, builtin};
use crate::modules::words::kind;
use crate::script::{FromOption, Phase, Verb, current, misuse};

/// Seen by scripts as the global `check`.
pub const VERB: Verb = Verb {
    name: "check",
    open,
};

fn open(lua: &Lua) -> Result<Value> {
    lua.set_app_data(Seen::default());
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

/// Series by tags and name, found by the place of the name's string: scripts write it as a constant.
/// The string is kept, so that its place stays its own.
#[derive(Default)]
struct Seen(HashMap<(TagSetId, usize), (Series, LuaString)>);

/// How many names are remembered; a script that makes names up must not fill the memory.
const MOST_SEEN: usize = 1024;

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
    let value = f64::from(u8::from(held));
    let known = (base, name.to_pointer() as usize);
    if tags.is_nil()
        && let Some(seen) = lua.app_data_ref::<Seen>()
        && let Some((series, _)) = seen.0.get(&known)
    {
        recorder.add(*series, value);
        return Ok(());
    }
    let plain = tags.is_nil();
    if !plain {
        let tags = BTreeMap::<String, String>::from_option(tags)
            .map_err(|problem| misuse(lua, format!("check: tags: {problem}")))?;
        let pairs: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (&**k, &**v)).collect();
        base = recorder.extend(base, &pairs);
    }
    let set = recorder.extend(base, &[("check", &name.to_string_lossy())]);
    let series = recorder.series(builtin::CHECKS, set);
    recorder.add(series, value);
    if plain && let Some(mut seen) = lua.app_data_mut::<Seen>() {
        if seen.0.len() >= MOST_SEEN {
            seen.0.clear();
        }
        seen.0.insert(known, (series, name.clone()));
    }
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
