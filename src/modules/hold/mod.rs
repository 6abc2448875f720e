//! Faults in scripts: inert values, the scopes that hold them, and the way to the agents.

mod alerts;
mod fault;
mod live;
mod scope;
mod trouble;

pub use alerts::Alerts;
pub use fault::FaultValue;
pub use live::Live;
pub use scope::{Scope, Scopes};
pub use trouble::raise;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mlua::{Lua, Result};
use serde_json::Value as Json;

use crate::agent::client::{Agents, Held};
use crate::fault::Trouble;
use crate::script::{Phase, current, interruptible, misuse};

/// What the one who injects may say.
#[derive(Debug, Clone, Default)]
pub struct HoldOptions {
    /// Its name in timeline, tags and summary.
    pub name: Option<String>,
    /// How long it lasts at most.
    pub ttl: Option<Duration>,
    /// Whether the run fails if it never acted.
    pub must_hit: bool,
}

/// The run's agents.
///
/// # Errors
///
/// Misuse: virtual users do not inject.
pub fn agents(lua: &Lua, what: &str) -> Result<Agents> {
    let phase = current()?.vu.phase.get();
    let found = lua.app_data_ref::<Agents>().map(|agents| agents.clone());
    match found {
        Some(agents) if phase != Phase::Iteration => Ok(agents),
        _ => Err(misuse(
            lua,
            format!(
                "{what}: virtual users do not touch hosts; do it in experiment, gameday, setup, \
                 or at the top level of a script without declarations"
            ),
        )),
    }
}

/// Injects a fault into a scope; returns once it is read back as being in place.
///
/// # Errors
///
/// Why it is not: misuse, a precondition, or a failure; see [`raise`].
pub async fn hold(
    lua: &Lua,
    what: &str,
    scope: &Rc<Scope>,
    fault: &FaultValue,
    options: HoldOptions,
) -> Result<Arc<Held>> {
    let agents = agents(lua, what)?;
    let order = fault.order(options);
    scope.admits(lua, what, &order)?;
    if !order.fixture && !agents.dry_run() {
        Alerts::admit(lua, what).await?;
    }
    let wrong = |trouble| raise(lua, what, &trouble);
    let held = agents.plan(order).map_err(wrong)?;
    // Before the wait: if that is interrupted the order is on its way, and the scope must heal what comes of it.
    scope.keep(held.clone());
    interruptible(agents.inject(&held)).await?.map_err(wrong)?;
    Ok(held)
}

/// Makes a fixture in the innermost open scope.
///
/// # Errors
///
/// As [`hold`].
pub async fn fixture(lua: &Lua, what: &str, fault: &FaultValue) -> Result<Arc<Held>> {
    let scope = current()?.vu.ext::<Scopes>().current();
    hold(lua, what, &scope, fault, HoldOptions::default()).await
}

/// Asks an agent about its host.
///
/// # Errors
///
/// As [`hold`].
pub async fn ask(lua: &Lua, what: &str, agent: &str, query: &str, options: Json) -> Result<Json> {
    let agents = agents(lua, what)?;
    interruptible(agents.ask(agent, query, options))
        .await?
        .map_err(|trouble| raise(lua, what, &trouble))
}

/// Heals all that a scope holds, newest first. Not interruptible: who leaves a scope leaves nothing in it.
///
/// # Errors
///
/// What could not be undone, one text for each.
pub async fn close(agents: &Agents, scope: &Scope) -> std::result::Result<(), Vec<Trouble>> {
    let mut left = Vec::new();
    while let Some(held) = scope.take() {
        if let Err(trouble) = agents.heal(&held).await {
            left.push(trouble);
        }
    }
    if left.is_empty() { Ok(()) } else { Err(left) }
}
