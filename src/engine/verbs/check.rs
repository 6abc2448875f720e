//! `check`: notes whether conditions hold, without ending anything.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, LuaString, Result, Value};

use super::luau::{global, verb};
use crate::metrics::{IdState, Recorder, Series, TagSetId, builtin};
use crate::modules::words::kind;
use crate::script::{FromOption, Phase, Verb, current, misuse};

/// Seen by scripts as the global `check`.
pub const VERB: Verb = Verb {
    name: "check",
    open,
};

/// More names than this are not given numbers; those made up by a script would fill memory else.
const LIMIT: usize = 1024;

/// The checks of one machine, and so of one recorder, that were recorded before.
#[derive(Default)]
struct Known {
    names: Vec<Box<str>>,
    series: HashMap<(TagSetId, u32), Series, IdState>,
}

fn open(lua: &Lua) -> Result<Value> {
    let known = Rc::new(RefCell::new(Known::default()));
    let numbering = Rc::clone(&known);
    let natives = lua.create_table()?;
    natives.set("record", lua.create_function(record)?)?;
    natives.set(
        "note",
        lua.create_function(move |_, (number, held)| again(&mut known.borrow_mut(), number, held))?,
    )?;
    natives.set(
        "number",
        lua.create_function(move |_, name: LuaString| {
            Ok(numbering.borrow_mut().number(&name.to_string_lossy()))
        })?,
    )?;
    natives.set("nothing", lua.create_function(nothing)?)?;
    verb(
        lua,
        include_str!("check.luau"),
        natives,
        global(lua, "pcall")?,
    )
}

impl Known {
    /// A number for a name that has none.
    fn number(&mut self, name: &str) -> Option<u32> {
        if self.names.len() >= LIMIT {
            return None;
        }
        self.names.push(name.into());
        u32::try_from(self.names.len() - 1).ok()
    }

    fn series(&mut self, recorder: &mut Recorder, tags: TagSetId, number: u32) -> Option<Series> {
        if let Some(series) = self.series.get(&(tags, number)) {
            return Some(*series);
        }
        let name = self.names.get(number as usize)?;
        let set = recorder.extend(tags, &[("check", name)]);
        let series = recorder.series(builtin::CHECKS, set);
        if self.series.len() >= 4 * LIMIT {
            self.series.clear();
        }
        self.series.insert((tags, number), series);
        Some(series)
    }
}

/// Records a check, without tags of its own, whose name has a number.
fn again(known: &mut Known, number: u32, held: bool) -> Result<()> {
    let task = current()?;
    if task.vu.phase.get() == Phase::VuTopLevel {
        return Ok(());
    }
    let mut recorder = task.vu.recorder.borrow_mut();
    let tags = recorder.with_faults(task.tags.get(), Duration::ZERO);
    if let Some(series) = known.series(&mut recorder, tags, number) {
        recorder.add(series, f64::from(u8::from(held)));
    }
    Ok(())
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
    let base = recorder.with_faults(base, Duration::ZERO);
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
