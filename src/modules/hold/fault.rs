//! The inert fault that constructors return.

use mlua::{MetaMethod, UserData, UserDataFields, UserDataMethods};

use super::HoldOptions;
use crate::agent::client::Order;
use crate::fault::{Spec, find};

/// A fault that nobody has injected yet. `inject` takes it, any number of times.
#[derive(Debug, Clone)]
pub struct FaultValue {
    /// The native that made it, for messages: `netfault.latency`.
    pub what: &'static str,
    /// The agent that will hold it; empty for this host's.
    pub agent: String,
    /// What travels there.
    pub spec: Spec,
    /// What it does to whom, in a few words: `latency 100ms on n1`.
    pub label: String,
}

impl FaultValue {
    /// An inert fault.
    #[must_use]
    pub fn new(what: &'static str, agent: String, spec: Spec, label: String) -> Self {
        Self {
            what,
            agent,
            spec,
            label,
        }
    }

    /// What an agent is asked for.
    #[must_use]
    pub fn order(&self, options: HoldOptions) -> Order {
        Order {
            name: options.name,
            spec: self.spec.clone(),
            agent: self.agent.clone(),
            label: self.label.clone(),
            ttl: options.ttl,
            must_hit: options.must_hit,
            fixture: find(&self.spec.kind).is_ok_and(|kind| kind.fixture),
        }
    }
}

impl UserData for FaultValue {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("kind", |_, this| Ok(this.spec.kind.clone()));
        fields.add_field_method_get("label", |_, this| Ok(this.label.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("fault: {}", this.label))
        });
    }
}
