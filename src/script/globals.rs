//! The globals of a machine: what is removed, what is replaced, and how the natives are frozen.

use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value};

use super::error::{INTERNAL, ScriptError, note_raised};
use super::module::{Module, Verb};
use super::require;
use super::task::{current, misuse};
use super::vm::Shared;
use crate::base::text::nearest;

/// What would compile text, reach other environments, or hide memory from the collector.
const REMOVED: &[&str] = &[
    "loadstring",
    "getfenv",
    "setfenv",
    "newproxy",
    "collectgarbage",
    // Each virtual user has its own, which stands for its own globals.
    "_G",
];

/// How deep tables of natives may nest.
const DEPTH: usize = 4;

/// Removes and replaces globals of the standard library.
pub(super) fn prepare(lua: &Lua, shared: &Rc<Shared>) -> mlua::Result<()> {
    let globals = &shared.globals;
    for name in REMOVED {
        globals.raw_set(*name, Value::Nil)?;
    }
    let native = lua.create_table()?;
    native.set("tidy", lua.create_function(tidy)?)?;
    native.set(
        "note",
        lua.create_function(|_, value: Value| {
            note_raised(&value);
            Ok(())
        })?,
    )?;
    require::install(lua, shared, &native)?;
    lua.load(include_str!("prelude.luau"))
        .set_name(format!("={INTERNAL}"))
        .call::<()>((native, Lua::poll_pending()))?;
    let math: Table = globals.raw_get("math")?;
    math.raw_set("random", lua.create_function(random)?)?;
    let seed = lua.create_function(|lua, _: MultiValue| -> mlua::Result<()> {
        let message = "math.randomseed would break repeating a run; use --seed";
        Err(misuse(lua, message))
    })?;
    math.raw_set("randomseed", seed)?;
    let printer = Rc::clone(shared);
    let print = lua.create_function(move |lua, values: MultiValue| {
        let words: mlua::Result<Vec<String>> = values.iter().map(Value::to_string).collect();
        let print = Rc::clone(&printer.print.borrow());
        print(lua, &words?.join("\t"));
        Ok(())
    })?;
    globals.raw_set("print", print)
}

/// Opens modules and verbs, frozen.
pub(super) fn install(
    lua: &Lua,
    shared: &Rc<Shared>,
    modules: &[Module],
    verbs: &[Verb],
) -> mlua::Result<()> {
    for module in modules {
        let table = (module.open)(lua)?;
        freeze(lua, shared, module.name, &table, 0)?;
        shared.globals.raw_set(module.name, table)?;
    }
    for verb in verbs {
        let value = (verb.open)(lua)?;
        if let Value::Table(table) = &value {
            freeze(lua, shared, verb.name, table, 0)?;
        }
        shared.globals.raw_set(verb.name, value)?;
    }
    Ok(())
}

/// The metatable of virtual users' environments.
pub(super) fn environment(lua: &Lua, shared: &Table) -> mlua::Result<Table> {
    let globals = shared.clone();
    let assign = lua.create_function(
        move |lua, (environment, name, value): (Table, Value, Value)| {
            if !globals.raw_get::<Value>(&name)?.is_nil() {
                let name = name.to_string()?;
                let message = format!("`{name}` is built in; choose another name");
                return Err(misuse(lua, message));
            }
            environment.raw_set(name, value)
        },
    )?;
    let metatable = lua.create_table()?;
    metatable.raw_set("__index", shared)?;
    metatable.raw_set("__newindex", assign)?;
    metatable.raw_set("__metatable", false)?;
    metatable.set_readonly(true);
    Ok(metatable)
}

/// The names of all globals, sorted.
pub(super) fn names(globals: &Table) -> Vec<String> {
    let mut names: Vec<String> = globals
        .pairs::<String, Value>()
        .flatten()
        .map(|(name, _)| name)
        .filter(|name| name != "_VERSION")
        .collect();
    names.sort();
    names
}

/// Makes a native's table read-only, and a missing key an error that names the nearest one.
fn freeze(
    lua: &Lua,
    shared: &Rc<Shared>,
    path: &str,
    table: &Table,
    depth: usize,
) -> mlua::Result<()> {
    if depth < DEPTH {
        for pair in table.pairs::<Value, Value>() {
            if let (Value::String(key), Value::Table(inner)) = pair? {
                let path = format!("{path}.{}", key.to_string_lossy());
                freeze(lua, shared, &path, &inner, depth + 1)?;
            }
        }
    }
    if table.metatable().is_none() {
        let path = path.to_owned();
        let machine = Rc::clone(shared);
        let missing = lua.create_function(move |lua, (table, key): (Table, Value)| {
            no_such_key(lua, &machine, &path, &table, &key)
        })?;
        let metatable = lua.create_table()?;
        metatable.raw_set("__index", missing)?;
        metatable.raw_set("__metatable", false)?;
        metatable.set_readonly(true);
        table.set_metatable(Some(metatable))?;
    }
    table.set_readonly(true);
    Ok(())
}

fn no_such_key(
    lua: &Lua,
    machine: &Shared,
    path: &str,
    table: &Table,
    key: &Value,
) -> mlua::Result<Value> {
    if machine.loading.get() {
        return Ok(Value::Nil);
    }
    let key = key.to_string()?;
    let known: Vec<String> = table
        .pairs::<String, Value>()
        .flatten()
        .map(|(name, _)| name)
        .collect();
    let hint = match nearest(&key, known.iter().map(String::as_str)) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    };
    let message = format!("{path} has no function `{key}`{hint}");
    Err(misuse(lua, message))
}

/// An error object as scripts see it after `pcall`: the text with its place, not a userdata.
fn tidy(lua: &Lua, value: Value) -> mlua::Result<Value> {
    match value {
        Value::Error(error) => {
            let text = ScriptError::from_lua(&error).to_string();
            lua.create_string(text).map(Value::String)
        }
        other => Ok(other),
    }
}

/// `math.random`, from the randomness of the virtual user.
fn random(_: &Lua, (low, high): (Option<f64>, Option<f64>)) -> mlua::Result<f64> {
    let task = current()?;
    let mut rng = task.vu.rng.borrow_mut();
    let (low, high) = match (low, high) {
        (None, _) => return Ok(rng.unit()),
        (Some(high), None) => (1.0, high),
        (Some(low), Some(high)) => (low, high),
    };
    let span = high.floor() - low.floor();
    if !(0.0..9_007_199_254_740_992.0).contains(&span) {
        return Err(mlua::Error::runtime(
            "math.random: the interval is empty or too large",
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "checked to be a whole number below 2^53"
    )]
    let pick = rng.below(span as u64 + 1) as f64;
    Ok(low.floor() + pick)
}
