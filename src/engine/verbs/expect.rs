//! `expect` and `fail`: end the iteration when what must hold does not.

use mlua::{Error, Lua, Result, Value};

use super::check;
use super::luau::{global, verb};
use crate::script::{Kind, ScriptError, Verb};

/// Seen by scripts as the global `expect`.
pub const EXPECT: Verb = Verb {
    name: "expect",
    open: open_expect,
};

/// Seen by scripts as the global `fail`.
pub const FAIL: Verb = Verb {
    name: "fail",
    open: |lua| Ok(Value::Function(lua.create_function(fail)?)),
};

fn open_expect(lua: &Lua) -> Result<Value> {
    let natives = lua.create_table()?;
    natives.set("record", lua.create_function(check::record)?)?;
    natives.set("unmet", lua.create_function(unmet)?)?;
    let extra = (
        global(lua, "pcall")?,
        global(lua, "type")?,
        global(lua, "select")?,
    );
    verb(lua, include_str!("expect.luau"), natives, extra)
}

fn unmet(lua: &Lua, (name, message, problem): (Option<String>, Value, Value)) -> Result<()> {
    let mut text = match (name, words(&message)?) {
        (Some(name), None) => format!("expectation failed: {name}"),
        (Some(name), Some(message)) => format!("expectation failed: {name}: {message}"),
        (None, Some(message)) => format!("expectation failed: {message}"),
        (None, None) => "expectation failed".to_owned(),
    };
    if let Some(problem) = words(&problem)? {
        text.push_str(": ");
        text.push_str(&problem);
    }
    Err(failed(lua, text))
}

/// The error of an expectation. It carries its place, since its text may begin with another.
pub(super) fn failed(lua: &Lua, text: String) -> Error {
    Error::external(ScriptError::here(lua, Kind::Expectation, text))
}

/// A value as part of a message; nil is no part.
pub(super) fn words(value: &Value) -> Result<Option<String>> {
    match value {
        Value::Nil => Ok(None),
        value => value.to_string().map(Some),
    }
}

/// Ends the iteration, or an ad-hoc script, with a message.
fn fail(lua: &Lua, message: Value) -> Result<()> {
    let message = words(&message)?;
    let message = message.unwrap_or_else(|| "failed".to_owned());
    Err(failed(lua, message))
}
