//! `inject`: puts a fault in force until the run ends, its time is up, or it is healed.

use std::rc::Rc;

use mlua::{Lua, Result, Value};

use super::Handle;
use crate::engine::walk::Walk;
use crate::modules::hold::{FaultValue, HoldOptions, Live, Scope, Scopes, hold};
use crate::modules::words::kind;
use crate::script::phase::{io, planning};
use crate::script::{Options, Verb, current, misuse};

/// Seen by scripts as the global `inject`.
pub const VERB: Verb = Verb {
    name: "inject",
    open: |lua| {
        let function = lua.create_async_function(|lua, (fault, options)| async move {
            let scope = current()?.vu.ext::<Scopes>().run();
            // In an experiment nothing is injected before its steady state was seen.
            let experiment = lua.app_data_ref::<Handle>().map(|handle| handle.clone());
            if let Some(experiment) = experiment {
                experiment.before().await?;
            }
            into_scope(&lua, &scope, &fault, options).await
        })?;
        Ok(Value::Function(function))
    },
};

const KEYS: [&str; 3] = ["name", "ttl", "must_hit"];

/// Injects into a scope: what `inject` and the `inject` of every scope object do.
///
/// # Errors
///
/// Misuse of the arguments, or why the fault is not in place.
pub(super) async fn into_scope(
    lua: &Lua,
    scope: &Rc<Scope>,
    fault: &Value,
    options: Value,
) -> Result<Live> {
    if !planning() {
        io(lua, "inject")?;
    }
    let fault = read_fault(lua, fault)?;
    let options = read_options(lua, options)?;
    let held = hold(lua, fault.what, scope, &fault, options).await?;
    Walk::fault(lua, &held, &scope.name);
    Ok(Live(held))
}

/// The fault that was given.
pub(super) fn read_fault(lua: &Lua, fault: &Value) -> Result<FaultValue> {
    let found = match fault {
        Value::UserData(data) => data.borrow::<FaultValue>().ok().map(|fault| fault.clone()),
        _ => None,
    };
    found.ok_or_else(|| {
        let message = format!(
            "inject: expected a fault such as process.find{{ name = \"etcd\" }}:pause(), got {}",
            kind(fault)
        );
        misuse(lua, message)
    })
}

/// The options that every `inject` has.
pub(super) fn read_options(lua: &Lua, options: Value) -> Result<HoldOptions> {
    let options = Options::read("inject", &KEYS, lua, options)?;
    Ok(HoldOptions {
        name: options.optional("name")?,
        ttl: options.paced("ttl")?,
        must_hit: options.optional("must_hit")?.unwrap_or_default(),
    })
}
