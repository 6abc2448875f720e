//! Who is running: the Lua task of the poll that is under way on this thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::context::Vu;
use super::error::{Kind, Misuse, ScriptError};
use super::pulse::{Cause, Interrupted};
use crate::metrics::TagSetId;

thread_local! {
    static CURRENT: Cell<Option<Rc<Task>>> = const { Cell::new(None) };
}

/// One strand of a virtual user: its main line, or what it spawned.
pub struct Task {
    /// Whose strand.
    pub vu: Rc<Vu>,
    /// The group it is in, such as `checkout::pay`; empty outside of one.
    pub group: RefCell<Arc<str>>,
    /// The tags of its samples: the virtual user's, its group, and what the script added.
    pub tags: Cell<TagSetId>,
    cancelled: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    waiting: RefCell<Option<Waiting>>,
}

/// What a native waits for. A strand is in one native at a time, so it waits for one thing.
pub(super) type Waiting = Pin<Box<dyn Future<Output = mlua::Result<()>>>>;

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("vu", &self.vu)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

impl Task {
    /// A strand of `vu`, outside of any group.
    #[must_use]
    pub fn new(vu: &Rc<Vu>) -> Rc<Self> {
        Self::with(vu, Arc::from(""), vu.base_tags)
    }

    /// A strand of the same virtual user that begins in this one's group.
    #[must_use]
    pub fn child(&self) -> Rc<Self> {
        let group = Arc::clone(&self.group.borrow());
        Self::with(&self.vu, group, self.tags.get())
    }

    /// Cancels it: every async native it waits in, or enters, raises `interrupted`.
    pub fn cancel(&self) {
        self.cancelled.set(true);
        self.wake();
    }

    /// Makes a cancelled strand usable again; for the engine, between iterations.
    pub fn uncancel(&self) {
        self.cancelled.set(false);
        // Left behind where the watchdog ended the script between two steps of a wait.
        self.wait_no_more();
    }

    /// Whether it, or its virtual user, is to unwind.
    #[must_use]
    pub fn unwinding(&self) -> bool {
        self.cancelled.get() || self.vu.stopped()
    }

    fn with(vu: &Rc<Vu>, group: Arc<str>, tags: TagSetId) -> Rc<Self> {
        let task = Rc::new(Self {
            vu: Rc::clone(vu),
            group: RefCell::new(group),
            tags: Cell::new(tags),
            cancelled: Cell::new(false),
            waker: RefCell::new(None),
            waiting: RefCell::new(None),
        });
        vu.adopt(&task);
        task
    }

    /// Has it polled soon.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Keeps what the native that is running waits for.
    pub(super) fn wait_for(&self, future: Waiting) {
        let old = self.waiting.replace(Some(future));
        // After the borrow: what it drops may come back here.
        drop(old);
    }

    /// Takes what is waited for.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        self.waiting.take()
    }

    /// Drops what is waited for.
    pub(super) fn wait_no_more(&self) {
        let old = self.waiting.take();
        drop(old);
    }

    /// The waker of its last poll.
    pub(super) fn waker(&self) -> Waker {
        let kept = self.waker.borrow();
        kept.as_ref().unwrap_or(Waker::noop()).clone()
    }

    fn keep_waker(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }
}

/// The task whose poll is under way, if any.
#[must_use]
pub fn try_current() -> Option<Rc<Task>> {
    CURRENT.with(|current| {
        let task = current.take();
        current.set(task.clone());
        task
    })
}

/// The task whose poll is under way; for natives.
///
/// # Errors
///
/// None is: the native was called outside of a run.
pub fn current() -> mlua::Result<Rc<Task>> {
    try_current().ok_or_else(|| {
        let message = "this can be called only while a script runs".to_owned();
        mlua::Error::external(Misuse { message })
    })
}

/// Reads something of the current task without taking a share in it.
pub fn with_current<R>(read: impl FnOnce(&Task) -> R) -> Option<R> {
    try_current().map(|task| read(&task))
}

/// A native was used wrongly. The error ends the run even if the script catches it.
#[must_use]
pub fn misuse(lua: &mlua::Lua, message: impl Into<String>) -> mlua::Error {
    let message = message.into();
    if let Some(task) = try_current() {
        let error = ScriptError::here(lua, Kind::Misuse, message.as_str());
        task.vu.condemn(error);
    }
    mlua::Error::external(Misuse { message })
}

/// Restores the previous task, whatever happens inside the poll.
struct Restore(Option<Rc<Task>>);

impl Restore {
    fn enter(task: &Rc<Task>) -> Self {
        Self(CURRENT.with(|current| current.replace(Some(Rc::clone(task)))))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.with(|current| current.set(self.0.take()));
    }
}

/// Runs `work` as `task`, in a slice of its worker; for synchronous calls into a script.
pub fn scope<R>(task: &Rc<Task>, work: impl FnOnce() -> R) -> R {
    let _slice = task.vu.pulse.begin(task.vu.scenario_number.get());
    let _restore = Restore::enter(task);
    work()
}

pin_project! {
    /// Runs a future as a task: [`current`] is this task while it is polled and while it drops.
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        task: Rc<Task>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _restore = Restore::enter(this.task);
            this.future.set(None);
            // It may hold a share in the task.
            this.task.wait_no_more();
        }
    }
}

impl<F: Future> Scoped<F> {
    /// `future`, run as `task`.
    pub fn new(task: Rc<Task>, future: F) -> Self {
        Self {
            task,
            future: Some(future),
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            return Poll::Pending;
        };
        this.task.keep_waker(context.waker());
        scope(this.task, || future.poll(context))
    }
}

pin_project! {
    /// See [`interruptible`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Interruptible<F> {
        #[pin]
        future: F,
    }
}

/// What every async native waits in: raises `interrupted` once its virtual user is stopped.
pub fn interruptible<F: Future>(future: F) -> Interruptible<F> {
    Interruptible { future }
}

impl<F: Future> Future for Interruptible<F> {
    type Output = mlua::Result<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let stopped = with_current(|task| {
            let stopped = task.unwinding();
            if task.vu.stopped() {
                // So that a loop around `pcall` cannot spin until the watchdog notices.
                task.vu.pulse.condemn_running(Cause::Stopped);
            }
            stopped
        });
        if stopped == Some(true) {
            let error = Interrupted::here(None, Cause::Stopped);
            return Poll::Ready(Err(mlua::Error::external(error)));
        }
        self.project().future.poll(context).map(Ok)
    }
}
