//! `g` and a phase's `p`: what a gameday's functions are given.

use std::rc::Rc;
use std::sync::Arc;

use mlua::{Function, Lua, MultiValue, Result, UserData, UserDataFields, UserDataMethods, Value};

use super::{asks, notes, score};
use crate::base::text::quoted;
use crate::base::units::millis;
use crate::engine::experiment::Harness;
use crate::engine::gameday::{Gameday, Question, Reply};
use crate::engine::verbs::experiment::{verb, walked};
use crate::engine::verbs::inject::into_scope;
use crate::modules::hold::{Scope, Scopes, close};
use crate::modules::words::kind;
use crate::output::{EntryKind, EventKind, PhaseSummary};
use crate::script::phase::{interrupt, planning};
use crate::script::{FromOption, current, interruptible, misuse};

/// A gameday, or one phase of it, as its function holds it.
#[derive(Clone)]
pub struct Floor {
    pub(super) harness: Arc<Harness>,
    pub(super) gameday: Arc<Gameday>,
    scope: Rc<Scope>,
    /// The phase's name; none for the gameday itself.
    phase: Option<Arc<str>>,
}

impl Floor {
    /// The floor of a gameday that begins.
    #[must_use]
    pub fn new(harness: Arc<Harness>, gameday: Arc<Gameday>, scope: Rc<Scope>) -> Self {
        Self {
            harness,
            gameday,
            scope,
            phase: None,
        }
    }

    /// Notes something in the report and on the timeline.
    pub(super) async fn enter(
        &self,
        what: EntryKind,
        prompt: &str,
        answer: Option<String>,
        by: &str,
    ) {
        let at = self.harness.clock.elapsed();
        self.gameday.enter(at, what, prompt, answer.clone(), by);
        let answer = answer.filter(|answer| !answer.is_empty());
        let answer = answer.map_or_else(String::new, |answer| format!(": {answer}"));
        let by = match by {
            "" => String::new(),
            by => format!(" ({by})"),
        };
        let text = format!("{} {prompt}{answer}{by}", what.word());
        self.harness.note(EventKind::Gameday, text).await;
    }

    /// Asks, and notes the answer. Where nobody answers, the gameday ends here.
    pub(super) async fn ask(&self, what: EntryKind, question: Question) -> Result<Reply> {
        if planning() {
            return Ok(question.assumed());
        }
        let harness = Arc::clone(&self.harness);
        let asked = question.clone();
        let reply = interruptible(async move { harness.desk.ask(asked).await }).await?;
        match reply {
            Ok(reply) => {
                self.enter(what, &question.prompt, reply.answer.clone(), &reply.by)
                    .await;
                Ok(reply)
            }
            Err(problem) => {
                self.stop(problem.to_string())?;
                Ok(Reply {
                    answer: None,
                    by: String::new(),
                })
            }
        }
    }

    /// Ends the gameday, whatever the script makes of it.
    pub(super) fn stop(&self, why: String) -> Result<()> {
        self.gameday.state().stopped.get_or_insert(why);
        current()?.vu.stop();
        interrupt()
    }

    async fn phase(&self, lua: &Lua, name: &str, body: Function) -> Result<()> {
        let began = self.harness.clock.elapsed();
        let text = format!("phase {} begins", quoted(name));
        self.harness.desk.tell(&format!("== {name}"));
        self.harness.note(EventKind::Phase, text).await;
        {
            let mut state = self.gameday.state();
            name.clone_into(&mut state.phase);
            state.phase_at = began;
        }
        // People take the time they take, so a fault needs an end of its own.
        let scope = Scope::new(format!("phase {}", quoted(name)), false);
        let scopes = current()?.vu.ext::<Scopes>();
        scopes.open(scope.clone());
        let floor = Self {
            scope: scope.clone(),
            phase: Some(Arc::from(name)),
            ..self.clone()
        };
        let result = body.call_async::<()>(lua.create_userdata(floor)?).await;
        scopes.leave(&scope);
        if planning() {
            return walked(lua, &scope, result);
        }
        // What could not be healed is in its record, which the run's end reads.
        let _ = close(&self.harness.agents, &scope).await;
        let took = self.harness.clock.elapsed().saturating_sub(began);
        let ended = if result.is_ok() { "ended" } else { "broke off" };
        let text = format!("phase {} {ended}", quoted(name));
        self.harness.note(EventKind::Phase, text).await;
        let mut state = self.gameday.state();
        state.phase.clear();
        state.phases.push(PhaseSummary {
            name: name.to_owned(),
            at_ms: millis(began),
            duration_ms: millis(took),
            ok: result.is_ok(),
        });
        result
    }
}

impl UserData for Floor {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        for name in ["sleep", "expect", "eventually"] {
            fields.add_field_method_get(name, move |lua, _| verb(lua, name));
        }
        fields.add_field_method_get("name", |_, this| {
            let name = this.phase.as_ref().unwrap_or(&this.gameday.name);
            Ok(name.to_string())
        });
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("phase", |lua, this, (name, body): (Value, Value)| async move {
            let floor = this.clone();
            drop(this);
            let name = text(&lua, "g:phase", "the name", name)?;
            if let Some(phase) = &floor.phase {
                let message = format!("g:phase: phase {} is not over yet", quoted(phase));
                return Err(misuse(&lua, message));
            }
            let Value::Function(body) = body else {
                let got = kind(&body);
                let message = format!(
                    "g:phase: expected a function, got {got}; write g:phase(\"name\", function(p) … end)"
                );
                return Err(misuse(&lua, message));
            };
            floor.phase(&lua, &name, body).await
        });
        methods.add_async_method("inject", |lua, this, (fault, options)| async move {
            let scope = this.scope.clone();
            drop(this);
            into_scope(&lua, &scope, &fault, options).await
        });
        verbs(methods);
    }
}

type Verb = for<'a> fn(&'a Lua, &'a Floor, MultiValue) -> Told<'a>;
pub(super) type Told<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Value>> + 'a>>;

/// What is said at a gameday, in a phase or outside of one.
const VERBS: &[(&str, Verb)] = &[
    ("confirm", |lua, floor, args| {
        Box::pin(asks::confirm(lua, floor, args))
    }),
    ("choose", |lua, floor, args| {
        Box::pin(asks::choose(lua, floor, args))
    }),
    ("ask", |lua, floor, args| {
        Box::pin(asks::ask(lua, floor, args))
    }),
    ("wait_mark", |lua, floor, args| {
        Box::pin(asks::wait_mark(lua, floor, args))
    }),
    ("countdown", |lua, floor, args| {
        Box::pin(asks::countdown(lua, floor, args))
    }),
    ("note", |lua, floor, args| {
        Box::pin(notes::note(lua, floor, args))
    }),
    ("observe", |lua, floor, args| {
        Box::pin(notes::observe(lua, floor, args))
    }),
    ("action", |lua, floor, args| {
        Box::pin(notes::action(lua, floor, args))
    }),
    ("retro", |lua, floor, args| {
        Box::pin(notes::retro(lua, floor, args))
    }),
    ("score", |lua, floor, args| {
        Box::pin(score::score(lua, floor, args))
    }),
];

fn verbs<M: UserDataMethods<Floor>>(methods: &mut M) {
    for (name, verb) in VERBS {
        methods.add_async_method(*name, move |lua, this, args: MultiValue| async move {
            let floor = this.clone();
            drop(this);
            verb(&lua, &floor, args).await
        });
    }
}

/// A text that must be there.
pub(super) fn text(lua: &Lua, what: &str, part: &str, value: Value) -> Result<String> {
    let text = String::from_option(value)
        .map_err(|problem| misuse(lua, format!("{what}: {part}: {problem}")))?;
    if text.trim().is_empty() {
        return Err(misuse(lua, format!("{what}: {part} is empty")));
    }
    Ok(text)
}
