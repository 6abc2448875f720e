//! `setup`, `teardown` and `summary`: functions that the run calls once.

use mlua::{Function, Lua, Result, Value};

use crate::script::phase::declare;
use crate::script::{Verb, here, misuse};

use super::Registrations;

/// `setup(fn)`: runs once before the scenarios; what it returns reaches every user, through JSON,
/// as the second argument of scenario functions.
pub const SETUP: Verb = Verb {
    name: "setup",
    open: |lua| register(lua, "setup", |all| &mut all.setup),
};

/// `teardown(fn)`: runs once after the scenarios, also when the run was cut short; gets what
/// `setup` returned.
pub const TEARDOWN: Verb = Verb {
    name: "teardown",
    open: |lua| register(lua, "teardown", |all| &mut all.teardown),
};

/// `summary(fn)`: gets the result as a table; the texts it returns replace the end summary.
pub const SUMMARY: Verb = Verb {
    name: "summary",
    open: |lua| register(lua, "summary", |all| &mut all.summary),
};

fn register(
    lua: &Lua,
    name: &'static str,
    slot: fn(&mut Registrations) -> &mut Option<Function>,
) -> Result<Value> {
    let verb = lua.create_function(move |lua, given: Value| {
        let Value::Function(function) = given else {
            let got = given.type_name();
            return Err(misuse(
                lua,
                format!("{name}: expected a function, got {got}"),
            ));
        };
        if declare(lua, name)? {
            let at = here(lua);
            if let Some(mut all) = lua.app_data_mut::<Registrations>() {
                if slot(&mut all).is_some() {
                    all.problem(format!("{name}: given twice"), at);
                } else {
                    *slot(&mut all) = Some(function);
                }
            }
        }
        Ok(())
    })?;
    Ok(Value::Function(verb))
}
