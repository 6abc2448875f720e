//! Scopes: whatever is injected is healed when its scope ends.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, Result};

use crate::agent::client::{Held, Order};
use crate::script::misuse;

/// The run, an experiment, a step or a phase, with the faults it holds.
#[derive(Debug)]
pub struct Scope {
    /// What it is, for messages: `step "cut api from cache"`.
    pub name: String,
    ends_by_itself: bool,
    closed: Cell<bool>,
    held: RefCell<Vec<Arc<Held>>>,
}

impl Scope {
    /// A scope. One that waits for people does not end by itself: its faults need a `ttl`.
    #[must_use]
    pub fn new(name: impl Into<String>, ends_by_itself: bool) -> Rc<Self> {
        Rc::new(Self {
            name: name.into(),
            ends_by_itself,
            closed: Cell::new(false),
            held: RefCell::default(),
        })
    }

    /// Whether a fault may enter.
    ///
    /// # Errors
    ///
    /// Misuse: the scope has ended, or the fault would have no end.
    pub(super) fn admits(&self, lua: &Lua, what: &str, order: &Order) -> Result<()> {
        if self.closed.get() {
            let message = format!("{what}: {} has ended; nothing would heal it", self.name);
            return Err(misuse(lua, message));
        }
        // What the script made for itself is there for as long as the scope is.
        if !self.ends_by_itself && order.ttl.is_none() && !order.fixture {
            let message = format!(
                "{what}: {} waits for people, so a fault in it needs an end of its own; \
                 write {{ ttl = \"90s\" }}",
                self.name
            );
            return Err(misuse(lua, message));
        }
        Ok(())
    }

    /// Holds a fault until the scope ends.
    pub fn keep(&self, held: Arc<Held>) {
        self.held.borrow_mut().push(held);
    }

    /// Nothing may enter any more.
    pub fn end(&self) {
        self.closed.set(true);
    }

    /// The newest fault, which leaves the scope.
    pub fn take(&self) -> Option<Arc<Held>> {
        self.held.borrow_mut().pop()
    }

    /// What it holds, oldest first.
    #[must_use]
    pub fn held(&self) -> Vec<Arc<Held>> {
        self.held.borrow().clone()
    }
}

/// The open scopes of a script, innermost last. The run is the outermost one.
#[derive(Debug)]
pub struct Scopes {
    run: Rc<Scope>,
    inner: RefCell<Vec<Rc<Scope>>>,
}

impl Default for Scopes {
    fn default() -> Self {
        Self {
            run: Scope::new("the run", true),
            inner: RefCell::default(),
        }
    }
}

impl Scopes {
    /// The whole run.
    #[must_use]
    pub fn run(&self) -> Rc<Scope> {
        self.run.clone()
    }

    /// The innermost open scope: where fixtures go.
    #[must_use]
    pub fn current(&self) -> Rc<Scope> {
        let inner = self.inner.borrow();
        inner.last().unwrap_or(&self.run).clone()
    }

    /// Opens a scope inside the current one.
    pub fn open(&self, scope: Rc<Scope>) {
        self.inner.borrow_mut().push(scope);
    }

    /// Leaves a scope, and those inside it that were not left.
    pub fn leave(&self, scope: &Rc<Scope>) {
        let mut inner = self.inner.borrow_mut();
        if let Some(at) = inner.iter().position(|one| Rc::ptr_eq(one, scope)) {
            inner.truncate(at);
        }
        scope.end();
    }
}
