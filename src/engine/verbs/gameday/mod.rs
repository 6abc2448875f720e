//! `gameday(name, fn)`: leads people through phases, with faults, questions and scores.

mod asks;
mod handle;
mod notes;
mod score;

use mlua::{Lua, Result, Value};

use super::experiment::method;
use crate::engine::plan::MethodKind;
use crate::script::Verb;

pub use handle::Floor;

/// Declares a gameday. Inert in a user's own top level.
pub const VERB: Verb = Verb {
    name: "gameday",
    open: |lua| Ok(Value::Function(lua.create_function(gameday)?)),
};

fn gameday(lua: &Lua, (name, body): (Value, Value)) -> Result<()> {
    method(lua, MethodKind::Gameday, "function(g) … end", (name, body))
}
