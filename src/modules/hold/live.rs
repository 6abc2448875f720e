//! What `inject` returns: a fault that is in place, until it is healed.

use std::sync::Arc;

use mlua::{Lua, MetaMethod, UserData, UserDataFields, UserDataMethods, Value};

use super::{FaultValue, agents, raise};
use crate::agent::client::{Held, Phase};
use crate::script::{json, misuse};

/// A live fault.
#[derive(Debug, Clone)]
pub struct Live(pub Arc<Held>);

impl UserData for Live {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("name", |_, this| Ok(this.0.name.clone()));
        fields.add_field_method_get("kind", |_, this| Ok(this.0.order.spec.kind.clone()));
        fields.add_field_method_get("active", |_, this| {
            let phase = this.0.state().phase;
            Ok(matches!(phase, Phase::Live | Phase::DryRun))
        });
        fields.add_field_method_get("observed", |_, this| {
            Ok(this.0.state().observed_at.is_some())
        });
        fields.add_field_method_get("tier", |_, this| {
            Ok(this.0.tier().map(crate::fault::Tier::word))
        });
        fields.add_field_method_get("remaining", |_, this| {
            Ok(this.0.remaining().map(|time| time.as_secs_f64()))
        });
        fields.add_field_method_get("facts", |lua, this| facts(lua, &this.0));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("heal", |lua, this, ()| async move {
            let agents = agents(&lua, "heal")?;
            // Not interruptible: what is being healed is healed.
            let healed = agents.heal(&this.0).await;
            healed.map_err(|trouble| raise(&lua, "heal", &trouble))
        });
        methods.add_async_method("update", |lua, this, fault: Value| async move {
            let fault = of_kind(&lua, &this.0, &fault)?;
            let agents = agents(&lua, "update")?;
            // Not interruptible: what is being changed is changed.
            let updated = agents.update(&this.0, fault.spec).await;
            updated.map_err(|trouble| raise(&lua, "update", &trouble))
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("live fault: {}", this.0.name))
        });
    }
}

/// What a fault is to be changed to: one of its kind, for its agent.
fn of_kind(lua: &Lua, held: &Held, fault: &Value) -> mlua::Result<FaultValue> {
    let kind = &held.order.spec.kind;
    let given = fault
        .as_userdata()
        .and_then(|data| data.borrow::<FaultValue>().ok())
        .map(|fault| fault.clone());
    match given {
        Some(fault) if fault.spec.kind == *kind && fault.agent == held.order.agent => Ok(fault),
        Some(fault) => Err(misuse(
            lua,
            format!(
                "update: \"{}\" is {}, and becomes no {}; give it another {kind}, or heal it and inject",
                held.name, held.order.label, fault.label
            ),
        )),
        None => Err(misuse(
            lua,
            format!(
                "update: expected a fault of the kind {kind}, got {}; write \
                 fault:update(db:latency {{ delay = \"1s\" }})",
                fault.type_name()
            ),
        )),
    }
}

/// What the agent told of it, as a table.
fn facts(lua: &Lua, held: &Held) -> mlua::Result<Value> {
    json::told(lua, held.facts())
}
