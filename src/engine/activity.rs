//! One piece of script work, say an iteration: it ends when the tasks it spawned have ended too.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use mlua::Result;

use crate::script::Task;

/// A spawned task that is still running.
struct Child {
    task: Rc<Task>,
    future: Pin<Box<dyn Future<Output = Result<()>>>>,
}

/// The tasks that the work of one virtual user has spawned and that nobody polls yet.
#[derive(Default)]
pub struct Spawned {
    queue: RefCell<Vec<Child>>,
    waiting: Cell<bool>,
}

impl Spawned {
    /// Adds a task; it runs beside the work that is under way.
    pub fn push(&self, task: Rc<Task>, future: Pin<Box<dyn Future<Output = Result<()>>>>) {
        self.queue.borrow_mut().push(Child { task, future });
        self.waiting.set(true);
    }
}

/// The main future and the tasks spawned while it ran. The first error cancels the others, and
/// the activity ends once all of them have unwound.
#[must_use = "an activity does nothing unless it is polled"]
pub struct Activity<F> {
    main: F,
    task: Rc<Task>,
    spawned: Rc<Spawned>,
    main_ended: bool,
    children: Vec<Child>,
    outcome: Result<()>,
}

impl<F: Future<Output = Result<()>> + Unpin> Activity<F> {
    /// Wraps `main`, which runs as `task`.
    pub fn new(task: Rc<Task>, spawned: Rc<Spawned>, main: F) -> Self {
        Self {
            main,
            task,
            spawned,
            main_ended: false,
            children: Vec::new(),
            outcome: Ok(()),
        }
    }

    /// Notes a result; the first error cancels everybody else.
    fn note(&mut self, result: Result<()>) {
        if let (Err(error), true) = (result, self.outcome.is_ok()) {
            self.outcome = Err(error);
            // Cancelling wakes, and a task that wakes itself would keep its neighbours waiting.
            if !self.main_ended {
                self.task.cancel();
            }
            for child in &self.children {
                child.task.cancel();
            }
        }
    }

    /// Polls everything once; true when an error cancelled some that were polled before it.
    fn round(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.outcome.is_ok();
        if !self.main_ended
            && let Poll::Ready(result) = Pin::new(&mut self.main).poll(context)
        {
            self.main_ended = true;
            self.note(result);
        }
        self.adopt();
        let mut index = 0;
        while index < self.children.len() {
            match self.children[index].future.as_mut().poll(context) {
                Poll::Ready(result) => {
                    drop(self.children.swap_remove(index));
                    self.note(result);
                }
                Poll::Pending => index += 1,
            }
            self.adopt();
        }
        before && self.outcome.is_err()
    }

    /// Takes over what was spawned since the last look.
    fn adopt(&mut self) {
        if self.spawned.waiting.replace(false) {
            let mut queue = self.spawned.queue.borrow_mut();
            if self.outcome.is_err() {
                queue.iter().for_each(|child| child.task.cancel());
            }
            self.children.append(&mut queue);
        }
    }
}

impl<F: Future<Output = Result<()>> + Unpin> Future for Activity<F> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        // A second round lets those unwind that were polled before the error was known.
        while this.round(context) {}
        if this.main_ended && this.children.is_empty() {
            this.task.uncancel();
            Poll::Ready(std::mem::replace(&mut this.outcome, Ok(())))
        } else {
            Poll::Pending
        }
    }
}
