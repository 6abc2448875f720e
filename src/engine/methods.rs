//! Experiments in the main VM: their functions, the functions of their probes, and how they are stopped.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mlua::{Function, Value};
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::modules::hold::{Scope, Scopes, close};
use crate::output::{EventKind, Verdict};
use crate::script::phase::TopLevel;
use crate::script::{Kind, Phase, Scoped, ScriptError, Task, json};

use super::director::Stage;
use super::experiment::{Cut, Experiment, Functions, Harness, RECOVERY};
use super::gameday::Gameday;
use super::plan::MethodKind;
use super::verbs::{Floor, Handle};
use super::walk::Walk;

/// What of the main VM runs now.
#[derive(Clone, Default)]
pub struct Methods(Rc<RefCell<Option<Arc<Experiment>>>>);

impl Methods {
    /// Interrupts an experiment, unless its function has ended.
    pub fn stop(&self, task: &Task, experiment: &Arc<Experiment>) {
        let running = self.0.borrow();
        if running
            .as_ref()
            .is_some_and(|one| Arc::ptr_eq(one, experiment))
        {
            task.vu.stop();
        }
    }
}

impl Stage {
    /// Runs an experiment from its function to its verdict.
    ///
    /// # Errors
    ///
    /// The script is wrong; then the run ends.
    pub(super) async fn method(
        &self,
        index: usize,
        harness: Arc<Harness>,
    ) -> Result<(), ScriptError> {
        let Some((plan, function)) = self.registrations(|all| all.method_at(index)) else {
            return Ok(());
        };
        let phase = if self.site.is_walked() {
            Phase::Planning
        } else {
            Phase::Method
        };
        match plan.kind {
            MethodKind::Experiment => {
                let experiment = harness.begin(&plan.name).await;
                self.experiment(phase, &harness, &experiment, &function)
                    .await
            }
            MethodKind::Gameday => {
                let gameday = harness.begin_gameday(&plan.name).await;
                self.gameday(phase, &harness, &gameday, &function).await
            }
        }
    }

    async fn experiment(
        &self,
        phase: Phase,
        harness: &Arc<Harness>,
        experiment: &Arc<Experiment>,
        function: &Function,
    ) -> Result<(), ScriptError> {
        *self.methods.0.borrow_mut() = Some(Arc::clone(experiment));
        let scope = Scope::new(format!("experiment \"{}\"", experiment.name), true);
        let scopes = self.task.vu.ext::<Scopes>();
        scopes.open(Rc::clone(&scope));
        let handle = Handle::new(
            Arc::clone(harness),
            Arc::clone(experiment),
            Rc::clone(&scope),
        );
        let lua = self.site.vm.lua();
        lua.set_app_data(handle.clone());
        let arguments = (handle, self.site.session());
        let result = self.call(phase, function, arguments).await;
        lua.remove_app_data::<Handle>();
        scopes.leave(&scope);
        self.methods.0.take();
        self.task.vu.restart();
        if phase == Phase::Planning {
            harness.leave();
            return self.walked(&scope, result.map(drop));
        }
        // Where the script was interrupted, its step could not end itself.
        let interrupted = Some("interrupted".to_owned());
        experiment
            .state()
            .end_step(harness.clock.elapsed(), interrupted);
        harness.heal(experiment).await;
        let wrong = judge(harness, experiment, result.map(drop));
        conclude(harness, experiment).await;
        // Fixtures last: without them there is nothing to look at. What could not be undone is in its record.
        let _ = close(&harness.agents, &scope).await;
        harness.leave();
        let (verdict, reasons) = experiment.state().verdict();
        let mut text = format!("experiment \"{}\" {}", experiment.name, verdict.word());
        if let (Some(reason), true) = (reasons.first(), verdict != Verdict::Passed) {
            text.push_str(&format!(": {reason}"));
        }
        harness.note(EventKind::Experiment, text).await;
        wrong.map_or(Ok(()), Err)
    }

    /// Notes where a walk through a function ended; a mistake in the script ends all of it.
    fn walked(&self, scope: &Scope, result: Result<(), ScriptError>) -> Result<(), ScriptError> {
        let lua = self.site.vm.lua();
        let reached = self.task.vu.ext::<TopLevel>().take_acted();
        match (reached, result) {
            (Some(reached), _) => Walk::stopped(lua, &scope.name, &reached),
            (None, Err(error)) if matches!(error.kind, Kind::Misuse | Kind::Memory) => {
                return Err(error);
            }
            (None, Err(error)) => Walk::broke_off(lua, &format!("{}: {error}", scope.name)),
            (None, Ok(())) => {}
        }
        Ok(())
    }

    async fn gameday(
        &self,
        phase: Phase,
        harness: &Arc<Harness>,
        gameday: &Arc<Gameday>,
        function: &Function,
    ) -> Result<(), ScriptError> {
        let scope = Scope::new(format!("gameday \"{}\"", gameday.name), false);
        let scopes = self.task.vu.ext::<Scopes>();
        scopes.open(Rc::clone(&scope));
        let floor = Floor::new(Arc::clone(harness), Arc::clone(gameday), Rc::clone(&scope));
        let arguments = (floor, self.site.session());
        let result = self.call(phase, function, arguments).await;
        scopes.leave(&scope);
        self.task.vu.restart();
        if phase == Phase::Planning {
            return self.walked(&scope, result.map(drop));
        }
        gameday.state().break_off(harness.clock.elapsed());
        harness.heal_since(gameday.begun_at).await;
        // What could not be undone is in its record.
        let _ = close(&harness.agents, &scope).await;
        let wrong = judge_gameday(gameday, result.map(drop));
        let (verdict, reasons) = gameday.state().verdict();
        let mut text = format!("gameday \"{}\" {}", gameday.name, verdict.word());
        if let Some(reason) = reasons.first() {
            text.push_str(&format!(": {reason}"));
        }
        harness.note(EventKind::Gameday, text).await;
        wrong.map_or(Ok(()), Err)
    }

    /// Calls a function that a probe was given; whoever asked may give up meanwhile.
    pub(super) async fn probe(
        &self,
        number: usize,
        argument: Option<Json>,
        mut reply: oneshot::Sender<Result<Json, String>>,
    ) {
        let lua = self.site.vm.lua();
        let function = lua
            .app_data_ref::<Functions>()
            .and_then(|all| all.get(number));
        let Some(function) = function else {
            let _ = reply.send(Err("the function is gone".to_owned()));
            return;
        };
        let task = self.task.child();
        let call = async {
            let argument = match argument {
                // A null of JSON would be a value of its own, which no script expects here.
                None | Some(Json::Null) => Value::Nil,
                Some(json) => json::decode(lua, json.to_string().as_bytes())?,
            };
            let value = function.call_async::<Value>(argument).await?;
            let text = json::encode(lua, &value)?;
            Ok(serde_json::from_slice::<Json>(&text).unwrap_or(Json::Null))
        };
        let call = Scoped::new(Rc::clone(&task), call);
        tokio::pin!(call);
        let result: mlua::Result<Json> = tokio::select! {
            biased;
            result = &mut call => result,
            () = reply.closed() => {
                task.cancel();
                // It unwinds at its next wait; one that never waits dies by the watchdog.
                drop(tokio::time::timeout(Duration::from_secs(5), call).await);
                return;
            }
        };
        let said = result.map_err(|error| ScriptError::from_lua(&error).to_string());
        let _ = reply.send(said);
    }
}

/// Notes how the function of an experiment ended; returns what ends the whole run.
fn judge(
    harness: &Harness,
    experiment: &Experiment,
    result: Result<(), ScriptError>,
) -> Option<ScriptError> {
    let error = result.err()?;
    let mut state = harness.look(experiment);
    match error.kind {
        Kind::Expectation => {
            let text = error.to_string();
            // `recovers` has noted its own failure already.
            if !state
                .failures
                .iter()
                .any(|known| text.ends_with(known.as_str()))
            {
                state.failures.push(text);
            }
            None
        }
        Kind::Precondition if state.injected_at.is_none() => {
            state.cut(Cut::Refused(format!("nothing was injected: {error}")));
            None
        }
        Kind::Precondition | Kind::Injection => {
            state.failures.push(error.to_string());
            None
        }
        Kind::Interrupted => {
            state.cut(Cut::Stopped("interrupted".to_owned()));
            None
        }
        _ => {
            state.error = Some(error.to_string());
            Some(error)
        }
    }
}

/// Notes how the function of a gameday ended; returns what ends the whole run.
fn judge_gameday(gameday: &Gameday, result: Result<(), ScriptError>) -> Option<ScriptError> {
    let mut state = gameday.state();
    state.ended = true;
    let error = result.err()?;
    match error.kind {
        Kind::Expectation | Kind::Precondition | Kind::Injection => {
            state.failures.push(error.to_string());
            None
        }
        Kind::Interrupted => {
            state
                .stopped
                .get_or_insert_with(|| "interrupted".to_owned());
            None
        }
        _ => {
            state.error = Some(error.to_string());
            Some(error)
        }
    }
}

/// Looks at the steady state after the last fault, where the script did not wait for it itself.
async fn conclude(harness: &Arc<Harness>, experiment: &Arc<Experiment>) {
    let (over, looked, injected) = {
        let mut state = harness.look(experiment);
        state.watched = false;
        // After a breach it is worth knowing whether the system came back.
        let broken = matches!(state.cut, None | Some(Cut::Guard(_)));
        let over = !broken || state.error.is_some();
        (over, state.after.is_some(), state.injected_at.is_some())
    };
    if over || harness.halted().is_some() {
        return;
    }
    if !injected {
        // A hypothesis without faults is still one.
        harness.before(experiment).await;
        return;
    }
    if looked {
        return;
    }
    let back = harness.recover(experiment, RECOVERY, Duration::ZERO).await;
    if let Err(text) = back {
        let text = format!("steady state not met after the faults: {text}");
        experiment.state().failures.push(text);
    }
}
