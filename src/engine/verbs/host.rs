//! `host`: another machine, by the name of the agent that serves it.

use mlua::{Lua, Result, Value};

use crate::agent::client::Agents;
use crate::fault::Target;
use crate::modules::hold::raise;
use crate::modules::target::TargetValue;
use crate::modules::words::kind;
use crate::script::{Verb, misuse};

/// Seen by scripts as the global `host`.
pub const VERB: Verb = Verb {
    name: "host",
    open: |lua| Ok(Value::Function(lua.create_function(host)?)),
};

/// The host of an agent in `options { agents = … }`; without a name, this one.
fn host(lua: &Lua, name: Value) -> Result<TargetValue> {
    let name = match &name {
        Value::Nil => String::new(),
        Value::String(name) => name.to_string_lossy(),
        other => {
            let message = format!("host: expected an agent's name, got {}", kind(other));
            return Err(misuse(lua, message));
        }
    };
    // A virtual user's own VM knows no agents; there a host is only a name.
    if let Some(agents) = lua.app_data_ref::<Agents>() {
        agents
            .knows(&name)
            .map_err(|trouble| raise(lua, "host", &trouble))?;
    }
    Ok(TargetValue::new(name, Target::Host))
}
