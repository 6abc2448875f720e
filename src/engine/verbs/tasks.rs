//! `spawn` and `parallel`: several strands of one virtual user.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use mlua::{Error, Function, Lua, MultiValue, Result, Table, UserData, UserDataMethods, Value};

use crate::engine::activity::Spawned;
use crate::modules::words::kind;
use crate::script::phase::io;
use crate::script::{Scoped, Task, Verb, current, interruptible, misuse};

/// Seen by scripts as the global `spawn`.
pub const SPAWN: Verb = Verb {
    name: "spawn",
    open: |lua| Ok(Value::Function(lua.create_function(spawn)?)),
};

/// Seen by scripts as the global `parallel`.
pub const PARALLEL: Verb = Verb {
    name: "parallel",
    open: |lua| Ok(Value::Function(lua.create_async_function(parallel)?)),
};

/// What a spawned task came to, and who waits for it.
#[derive(Default)]
struct Ended {
    outcome: Option<std::result::Result<MultiValue, String>>,
    waiting: Vec<Waker>,
}

/// What `spawn` returns.
struct Handle(Rc<RefCell<Ended>>);

impl UserData for Handle {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("wait", |_, this, ()| async move {
            let ended = Rc::clone(&this.0);
            interruptible(poll_fn(move |context| poll_ended(&ended, context))).await?
        });
        methods.add_method("done", |_, this, ()| Ok(this.0.borrow().outcome.is_some()));
    }
}

fn poll_ended(ended: &RefCell<Ended>, context: &mut Context<'_>) -> Poll<Result<MultiValue>> {
    let mut ended = ended.borrow_mut();
    match &ended.outcome {
        Some(Ok(values)) => Poll::Ready(Ok(values.clone())),
        Some(Err(problem)) => Poll::Ready(Err(Error::runtime(problem))),
        None => {
            let waker = context.waker();
            if !ended.waiting.iter().any(|known| known.will_wake(waker)) {
                ended.waiting.push(waker.clone());
            }
            Poll::Pending
        }
    }
}

/// Starts `body` with the arguments beside the caller. It ends with the iteration at the latest,
/// which waits for it; its error ends the iteration.
fn spawn(lua: &Lua, mut arguments: MultiValue) -> Result<Value> {
    io(lua, "spawn")?;
    let body = match arguments.pop_front() {
        Some(Value::Function(body)) => body,
        other => {
            let got = other.as_ref().map_or("nothing", kind);
            let message =
                format!("spawn: expected a function, got {got}; write spawn(function() … end)");
            return Err(misuse(lua, message));
        }
    };
    let task = current()?;
    let child = task.child();
    let ended = Rc::new(RefCell::new(Ended::default()));
    let told = Rc::clone(&ended);
    let work = async move {
        let result = body.call_async::<MultiValue>(arguments).await;
        let mut told = told.borrow_mut();
        told.outcome = Some(match &result {
            Ok(values) => Ok(values.clone()),
            Err(error) => Err(crate::script::ScriptError::from_lua(error).to_string()),
        });
        told.waiting.drain(..).for_each(Waker::wake);
        result.map(|_| ())
    };
    let work = Box::pin(Scoped::new(Rc::clone(&child), work));
    task.vu.ext::<Spawned>().push(child, work);
    task.wake();
    lua.create_userdata(Handle(ended)).map(Value::UserData)
}

type Strand = Pin<Box<dyn Future<Output = Result<Value>>>>;

/// One function of a `parallel` that still runs.
struct Running {
    key: Value,
    task: Rc<Task>,
    strand: Strand,
}

/// Runs the functions of a table at once, and returns the first value of each under its key. The
/// first error cancels the others and is raised once they have unwound.
async fn parallel(lua: Lua, functions: Value) -> Result<Table> {
    io(&lua, "parallel")?;
    let Value::Table(functions) = functions else {
        let got = kind(&functions);
        let message = format!(
            "parallel: expected a table of functions, got {got}; \
             write parallel {{ function() … end, function() … end }}"
        );
        return Err(misuse(&lua, message));
    };
    let parent = current()?;
    let mut running = Vec::new();
    for pair in functions.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Value::Function(body) = value else {
            let (key, got) = (key.to_string()?, kind(&value));
            let message = format!("parallel: entry {key} is not a function but {got}");
            return Err(misuse(&lua, message));
        };
        running.push(begin(&parent, key, body));
    }
    let results = lua.create_table_with_capacity(running.len(), 0)?;
    let mut join = Join {
        parent,
        running,
        failed: None,
    };
    poll_fn(|context| join.poll(context, &results)).await?;
    Ok(results)
}

fn begin(parent: &Task, key: Value, body: Function) -> Running {
    let task = parent.child();
    let work = async move { body.call_async::<Value>(()).await };
    let strand = Box::pin(Scoped::new(Rc::clone(&task), work));
    Running { key, task, strand }
}

/// The strands of a `parallel`, polled until each has ended.
struct Join {
    parent: Rc<Task>,
    running: Vec<Running>,
    failed: Option<Error>,
}

impl Join {
    fn poll(&mut self, context: &mut Context<'_>, results: &Table) -> Poll<Result<()>> {
        if self.parent.unwinding() {
            self.cancel();
        }
        loop {
            let calm = self.failed.is_some();
            self.round(context, results);
            // Once more, so that those unwind that were polled before the error was known.
            if calm || self.failed.is_none() {
                break;
            }
        }
        if !self.running.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(self.failed.take().map_or(Ok(()), Err))
    }

    fn round(&mut self, context: &mut Context<'_>, results: &Table) {
        let mut place = 0;
        while let Some(running) = self.running.get_mut(place) {
            let Poll::Ready(result) = running.strand.as_mut().poll(context) else {
                place += 1;
                continue;
            };
            // Not swapped: strands are polled in the same order in each run of a seed.
            let ended = self.running.remove(place);
            let kept = result.and_then(|value| results.raw_set(ended.key, value));
            if let Err(error) = kept
                && self.failed.is_none()
            {
                self.failed = Some(error);
                self.cancel();
            }
        }
    }

    fn cancel(&self) {
        for running in &self.running {
            running.task.cancel();
        }
    }
}
