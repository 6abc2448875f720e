//! Natives that wait, at a fraction of what mlua's own async functions cost for each call.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, Result, Table, Value};
use pin_project_lite::pin_project;

use super::error::INTERNAL;
use super::task::{Task, current, misuse};

/// Luau for natives without a result; see [`bridge`].
pub const NOTHING: &str = include_str!("nothing.luau");

/// Makes a native in three parts: `begin` reads the arguments, its future waits and must not run
/// Lua, and `finish` makes Lua values of what came of it.
///
/// `chunk` is the Luau around them. It is called with `start`, `resume`, `drop`, `yield`,
/// `isyieldable`, the sentinel to yield, and `extra`, and returns the function that scripts see.
/// The first result of `start` and of `resume` says whether to wait; the others are `finish`'s.
///
/// # Errors
///
/// Out of memory, or the chunk's own.
pub fn bridge<A, F, R, M>(
    lua: &Lua,
    chunk: &str,
    extra: Value,
    begin: impl Fn(&Lua, A) -> Result<F> + 'static,
    finish: impl Fn(&Lua, R) -> Result<M> + 'static,
) -> Result<Function>
where
    A: FromLuaMulti + 'static,
    F: Future<Output = Result<R>> + 'static,
    R: 'static,
    M: IntoLuaMulti + Default + 'static,
{
    let made = Rc::new(Cell::new(None));
    let finish = Rc::new(move |lua: &Lua, made: &Cell<Option<R>>| match made.take() {
        Some(result) => finish(lua, result).map(|values| (false, values)),
        None => Ok((true, M::default())),
    });
    let (result, end) = (Rc::clone(&made), Rc::clone(&finish));
    let start = lua.create_function(move |lua, arguments: A| {
        let task = current()?;
        let future = begin(lua, arguments)?;
        task.wait_for(Box::pin(Putting {
            future,
            result: Rc::clone(&result),
        }));
        poll(lua, &task)?;
        end(lua, &result)
    })?;
    let resume = lua.create_function(move |lua, ()| {
        poll(lua, &*current()?)?;
        finish(lua, &made)
    })?;
    let drop = lua.create_function(|_, ()| {
        current()?.wait_no_more();
        Ok(())
    })?;
    let coroutine: Table = lua.globals().raw_get("coroutine")?;
    let r#yield: Value = coroutine.raw_get("yield")?;
    let isyieldable: Value = coroutine.raw_get("isyieldable")?;
    // The name that mlua looks for when a coroutine is dropped: `yield` then returns a signal.
    lua.load(chunk).set_name(format!("={INTERNAL}")).call((
        start,
        resume,
        drop,
        r#yield,
        isyieldable,
        Lua::poll_pending(),
        extra,
    ))
}

pin_project! {
    /// Puts the result of a future where `finish` finds it. Written by hand, since an async block
    /// would hold the future twice.
    struct Putting<F, R> {
        #[pin]
        future: F,
        result: Rc<Cell<Option<R>>>,
    }
}

impl<F: Future<Output = Result<R>>, R> Future for Putting<F, R> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.project();
        this.future
            .poll(context)
            .map_ok(|result| this.result.set(Some(result)))
    }
}

/// Polls what the task waits for, and forgets it when it has ended.
fn poll(lua: &Lua, task: &Task) -> Result<()> {
    let Some(mut future) = task.waiting() else {
        let message = "a coroutine that waits in one task cannot be resumed by another";
        return Err(misuse(lua, message));
    };
    let waker = task.waker();
    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(result) => result,
        Poll::Pending => {
            task.wait_for(future);
            Ok(())
        }
    }
}
