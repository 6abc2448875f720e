//! `experiment(name, fn)`: declares a hypothesis and how it is tested.

mod handle;
mod step;

use mlua::{Function, Lua, Result, Value};

use super::Registrations;
use crate::engine::plan::MethodKind;
use crate::modules::words::kind;
use crate::script::phase::declare;
use crate::script::{Verb, here, misuse};

pub use handle::Handle;
pub(super) use handle::verb;
pub(super) use step::walked;

/// Declares an experiment. Inert in a user's own top level.
pub const VERB: Verb = Verb {
    name: "experiment",
    open: |lua| {
        handle::install(lua)?;
        Ok(Value::Function(lua.create_function(experiment)?))
    },
};

fn experiment(lua: &Lua, (name, body): (Value, Value)) -> Result<()> {
    method(
        lua,
        MethodKind::Experiment,
        "function(x) … end",
        (name, body),
    )
}

/// Declares an experiment or a gameday.
pub(super) fn method(
    lua: &Lua,
    what: MethodKind,
    shape: &str,
    (name, body): (Value, Value),
) -> Result<()> {
    let word = what.word();
    let usage = format!("write {word}(\"name\", {shape})");
    let name = match name {
        Value::String(name) if !name.to_string_lossy().trim().is_empty() => name.to_string_lossy(),
        Value::String(_) => return Err(misuse(lua, format!("{word}: the name is empty; {usage}"))),
        other => {
            let got = kind(&other);
            let message = format!("{word}: the name is the first argument, got {got}; {usage}");
            return Err(misuse(lua, message));
        }
    };
    let body: Function = match body {
        Value::Function(body) => body,
        other => {
            let got = kind(&other);
            let message = format!("{word} \"{name}\": expected a function, got {got}; {usage}");
            return Err(misuse(lua, message));
        }
    };
    if declare(lua, word)? {
        let at = here(lua);
        if let Some(mut all) = lua.app_data_mut::<Registrations>() {
            all.method(what, &name, body, at);
        }
    }
    Ok(())
}
