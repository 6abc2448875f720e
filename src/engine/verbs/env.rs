//! `env`: what the run was given by the environment and by `--env`.

use mlua::{Lua, LuaString, Result, Value};

use crate::script::{Verb, current};

/// Seen by scripts as the global `env`.
pub const VERB: Verb = Verb {
    name: "env",
    open: |lua| Ok(Value::Function(lua.create_function(env)?)),
};

/// The value of a variable, or the default, or nil.
fn env(lua: &Lua, (name, default): (LuaString, Value)) -> Result<Value> {
    let task = current()?;
    let known = name.to_str().ok().and_then(|name| task.vu.env.get(&*name));
    match known {
        Some(value) => lua.create_string(value).map(Value::String),
        None => Ok(default),
    }
}
