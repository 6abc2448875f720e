//! Targets as scripts hold them: `host("db1")`, `netfault.namespace("n1")`, what `process.find` found.

use mlua::{MetaMethod, UserData, UserDataFields, UserDataMethods, Value};

use crate::fault::Target;
use crate::script::FromOption;

/// The user value under which an object that is more than a target keeps its target.
pub const TARGET: &str = "target";

/// Something that faults act on, with the agent that can reach it.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetValue {
    /// The agent's name in `options { agents = … }`; empty for this host.
    pub agent: String,
    /// What it is on the agent's host.
    pub target: Target,
}

impl TargetValue {
    /// A target on an agent's host.
    #[must_use]
    pub fn new(agent: impl Into<String>, target: Target) -> Self {
        Self {
            agent: agent.into(),
            target,
        }
    }

    /// As messages name it: `namespace n1 of db1`.
    #[must_use]
    pub fn label(&self) -> String {
        let label = self.target.label();
        match (&self.target, self.agent.as_str()) {
            (_, "") => label,
            (Target::Host, agent) => format!("host {agent}"),
            (_, agent) => format!("{label} of {agent}"),
        }
    }
}

impl UserData for TargetValue {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("agent", |_, this| Ok(this.agent.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.label()));
    }
}

impl FromOption for TargetValue {
    fn from_option(value: Value) -> Result<Self, String> {
        if let Value::UserData(data) = &value {
            if let Ok(target) = data.borrow::<Self>() {
                return Ok(target.clone());
            }
            // Things that are more than a target, such as a container, say in a user value which one they are.
            if let Ok(target) = data.named_user_value::<mlua::UserDataRef<Self>>(TARGET) {
                return Ok(target.clone());
            }
        }
        Err(format!(
            "expected a target such as netfault.namespace(\"n1\") or host(\"db1\"), got {}",
            crate::script::shown(&value)
        ))
    }
}

impl mlua::FromLua for TargetValue {
    fn from_lua(value: Value, _: &mlua::Lua) -> mlua::Result<Self> {
        Self::from_option(value).map_err(mlua::Error::external)
    }
}
