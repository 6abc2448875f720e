//! `x:step` and `s`: a part of an experiment whose faults end with it.

use std::rc::Rc;

use mlua::{Function, Lua, Result, UserData, UserDataFields, UserDataMethods};

use super::handle::{Handle, verb};
use crate::base::text::quoted;
use crate::engine::verbs::inject::into_scope;
use crate::engine::walk::Walk;
use crate::modules::hold::{Scope, Scopes, close};
use crate::output::EventKind;
use crate::script::phase::{TopLevel, planning};
use crate::script::{ScriptError, current};

/// A step as its function holds it.
pub struct Step {
    name: String,
    scope: Rc<Scope>,
    handle: Handle,
}

impl UserData for Step {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        for name in ["sleep", "expect", "eventually"] {
            fields.add_field_method_get(name, move |lua, _| verb(lua, name));
        }
        fields.add_field_method_get("name", |_, this| Ok(this.name.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("inject", |lua, this, (fault, options)| async move {
            let (handle, scope) = (this.handle.clone(), this.scope.clone());
            drop(this);
            // It may have been cut while the script was computing.
            handle.before().await?;
            into_scope(&lua, &scope, &fault, options).await
        });
    }
}

/// Runs a step: checks the steady state if it is the first, and heals its faults whatever comes.
pub(super) async fn run(lua: &Lua, handle: Handle, name: &str, body: Function) -> Result<()> {
    handle.before().await?;
    let (harness, experiment) = (&handle.harness, &handle.experiment);
    experiment.state().begin_step(name, harness.clock.elapsed());
    harness
        .note(EventKind::Step, format!("step {} begins", quoted(name)))
        .await;
    let scope = Scope::new(format!("step {}", quoted(name)), true);
    let scopes = current()?.vu.ext::<Scopes>();
    scopes.open(scope.clone());
    let step = Step {
        name: name.to_owned(),
        scope: scope.clone(),
        handle: handle.clone(),
    };
    let result = body.call_async::<()>(lua.create_userdata(step)?).await;
    scopes.leave(&scope);
    if planning() {
        return walked(lua, &scope, result);
    }
    // Not interruptible: what is live is healed before anything else happens. What could not be
    // healed is in its record, which the run's end reads.
    let _ = close(&harness.agents, &scope).await;
    let error = result.as_ref().err().map(ScriptError::from_lua);
    let text = match &error {
        None => format!("step {} ended", quoted(name)),
        Some(error) => format!("step {} failed: {}", quoted(name), error.message),
    };
    harness.note(EventKind::Step, text).await;
    let error = error.map(|error| error.to_string());
    experiment.state().end_step(harness.clock.elapsed(), error);
    result
}

/// Where a walk through a step ended early, the steps after it are walked all the same.
pub(in crate::engine::verbs) fn walked(lua: &Lua, scope: &Scope, result: Result<()>) -> Result<()> {
    let Some(reached) = current()?.vu.ext::<TopLevel>().take_acted() else {
        return result;
    };
    Walk::stopped(lua, &scope.name, &reached);
    Ok(())
}
