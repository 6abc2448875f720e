//! The top level of a script: it may declare, or it may act, but not both.

use std::cell::{Cell, RefCell};

use mlua::Lua;

use super::context::{Phase, Vu};
use super::error::{Location, here};
use super::pulse::{Cause, Interrupted};
use super::task::{current, interruptible, misuse, with_current};

/// What the top level of a script has done so far; one per virtual user.
#[derive(Debug, Default)]
pub struct TopLevel {
    declared: RefCell<Option<Reached>>,
    acted: RefCell<Option<Reached>>,
    stop_at_io: Cell<bool>,
    planning: Cell<bool>,
}

/// A native that the top level called, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The native, such as `http.get`.
    pub what: String,
    /// The line that called it, if a script frame was found.
    pub at: Option<Location>,
}

impl TopLevel {
    /// Lets the script run only until it would act; for looking at a script without a run.
    pub fn stop_at_io(&self) {
        self.stop_at_io.set(true);
    }

    /// As [`TopLevel::stop_at_io`], but faults are only noted, and waits take no time.
    pub fn plan(&self) {
        self.planning.set(true);
        self.stop_at_io();
    }

    /// Where a script that is walked through would have reached outside, once.
    pub fn take_acted(&self) -> Option<Reached> {
        self.acted.take()
    }

    /// What the top level did first that reaches outside, or would have done.
    #[must_use]
    pub fn acted(&self) -> Option<Reached> {
        self.acted.borrow().clone()
    }

    /// What the top level declared first.
    #[must_use]
    pub fn declared(&self) -> Option<Reached> {
        self.declared.borrow().clone()
    }
}

/// Every native that reaches outside or waits calls this first, with its own name.
///
/// # Errors
///
/// At a top level that has declared something, and wherever the top level runs once more for a
/// virtual user: misuse that names `setup`. Where nothing may act: `interrupted`.
#[inline]
pub fn io(lua: &Lua, what: &str) -> mlua::Result<()> {
    let task = current()?;
    match task.vu.phase.get() {
        Phase::TopLevel | Phase::VuTopLevel => at_top_level(lua, &task.vu, what),
        Phase::Planning => walked(lua, &task.vu, what),
        _ => Ok(()),
    }
}

/// Whether the script is only walked through: faults are noted, waits take no time, nobody is asked.
#[must_use]
pub fn planning() -> bool {
    let found = with_current(|task| match task.vu.phase.get() {
        Phase::Planning => true,
        Phase::TopLevel => {
            let top = task.vu.ext::<TopLevel>();
            top.planning.get() && top.declared.borrow().is_none()
        }
        _ => false,
    });
    found.unwrap_or_default()
}

/// A script that is walked through ends where it would reach outside.
#[cold]
fn walked(lua: &Lua, vu: &Vu, what: &str) -> mlua::Result<()> {
    vu.ext::<TopLevel>().acted.replace(Some(Reached {
        what: what.to_owned(),
        at: here(lua),
    }));
    // Not a stop of the virtual user: the steps after this one are walked too.
    let error = Interrupted::here(Some(lua), Cause::Stopped);
    Err(mlua::Error::external(error))
}

#[cold]
fn at_top_level(lua: &Lua, vu: &Vu, what: &str) -> mlua::Result<()> {
    let top = vu.ext::<TopLevel>();
    if vu.phase.get() == Phase::VuTopLevel {
        return Err(misuse(lua, format!("{what}: {TWICE}")));
    }
    if let Some(first) = &*top.declared.borrow() {
        return Err(misuse(
            lua,
            format!("{what}: {} is declared already, so {TWICE}", first.what),
        ));
    }
    top.acted.borrow_mut().get_or_insert_with(|| Reached {
        what: what.to_owned(),
        at: here(lua),
    });
    if top.stop_at_io.get() {
        vu.stop();
        return interrupt();
    }
    Ok(())
}

const TWICE: &str = "the top level runs once more for every virtual user; \
                     move this into setup(function() … end)";

/// Raises as any wait of a stopped virtual user does; does nothing where it is not stopped.
///
/// # Errors
///
/// `interrupted`.
pub fn interrupt() -> mlua::Result<()> {
    let mut waiting = std::pin::pin!(interruptible(std::future::ready(())));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match waiting.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => Ok(()),
    }
}

/// Every declaring native calls this first, with its own name; true if it is to register, false
/// where the top level runs once more and declarations are inert.
///
/// # Errors
///
/// Misuse: below the top level, or after the top level has acted.
pub fn declare(lua: &Lua, what: &str) -> mlua::Result<bool> {
    let task = current()?;
    let top = task.vu.ext::<TopLevel>();
    match task.vu.phase.get() {
        Phase::VuTopLevel => return Ok(false),
        Phase::TopLevel | Phase::AdHoc => {}
        _ => {
            let message = format!("{what}: only the top level of a script may declare");
            return Err(misuse(lua, message));
        }
    }
    if let Some(first) = &*top.acted.borrow() {
        let line = first.at.as_ref().map(|at| format!(" at {at}"));
        let line = line.unwrap_or_default();
        let message = format!(
            "{what}: the top level has called {}{line} already; \
             move that into setup(function() … end)",
            first.what
        );
        return Err(misuse(lua, message));
    }
    top.declared.borrow_mut().get_or_insert_with(|| Reached {
        what: what.to_owned(),
        at: here(lua),
    });
    Ok(true)
}
