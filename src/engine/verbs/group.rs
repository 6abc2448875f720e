//! `group`: names a stretch of an iteration and measures it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use mlua::{Function, Lua, MultiValue, Result, Value};

use crate::metrics::{TagSetId, builtin};
use crate::modules::words::kind;
use crate::script::{Phase, Task, Verb, current, misuse};

/// Between the names of nested groups.
const SEPARATOR: &str = "::";

/// Seen by scripts as the global `group`.
pub const VERB: Verb = Verb {
    name: "group",
    open: |lua| Ok(Value::Function(lua.create_async_function(group)?)),
};

/// Puts the task back where it was, also when the group's future is dropped.
struct Entered {
    task: Rc<Task>,
    group: Arc<str>,
    tags: TagSetId,
    start: Instant,
}

impl Entered {
    fn new(task: Rc<Task>, name: &str) -> Self {
        let group = Arc::clone(&task.group.borrow());
        let inner: Arc<str> = if group.is_empty() {
            Arc::from(name)
        } else {
            Arc::from(format!("{group}{SEPARATOR}{name}"))
        };
        let tags = task.tags.get();
        let within = {
            let mut recorder = task.vu.recorder.borrow_mut();
            recorder.extend(tags, &[("group", &inner)])
        };
        task.tags.set(within);
        *task.group.borrow_mut() = inner;
        Self {
            task,
            group,
            tags,
            start: Instant::now(),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let within = self.task.tags.replace(self.tags);
        *self.task.group.borrow_mut() = Arc::clone(&self.group);
        if self.task.vu.phase.get() != Phase::VuTopLevel
            && let Ok(mut recorder) = self.task.vu.recorder.try_borrow_mut()
        {
            let took = self.start.elapsed();
            let within = recorder.with_faults(within, took);
            let series = recorder.series(builtin::GROUP_DURATION, within);
            recorder.time(series, took);
        }
    }
}

/// Runs `body` within the group and returns what it returns. Groups nest: `checkout::pay`.
async fn group(lua: Lua, (name, body): (Value, Value)) -> Result<MultiValue> {
    let (name, body) = arguments(&lua, name, body)?;
    let _entered = Entered::new(current()?, &name);
    body.call_async(()).await
}

fn arguments(lua: &Lua, name: Value, body: Value) -> Result<(String, Function)> {
    let problem = match (&name, &body) {
        (Value::String(name), Value::Function(body)) => {
            let name = name.to_string_lossy();
            if name.is_empty() {
                "the name is empty".to_owned()
            } else if name.contains(SEPARATOR) {
                format!("the name must not contain \"{SEPARATOR}\"; nest groups instead")
            } else {
                return Ok((name, body.clone()));
            }
        }
        (Value::String(_), other) => {
            format!(
                "expected a function as the second argument, got {}",
                kind(other)
            )
        }
        (other, _) => format!("expected a name as the first argument, got {}", kind(other)),
    };
    let message = format!("group: {problem}; write group(\"checkout\", function() … end)");
    Err(misuse(lua, message))
}
