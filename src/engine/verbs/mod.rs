//! What scripts call to register (`scenario`, `options`, `setup` …) and to act (`check`, `sleep` …).

mod hooks;
mod registrations;
mod run_options;
mod scenario;

use std::cell::RefCell;

use mlua::Function;

use crate::script::Verb;

pub use registrations::Registrations;

/// All verbs, registering ones first.
pub const VERBS: &[Verb] = &[
    scenario::VERB,
    run_options::VERB,
    hooks::SETUP,
    hooks::TEARDOWN,
    hooks::SUMMARY,
];

/// The function that a user's own top level declared for the user's scenario.
#[derive(Default)]
pub struct Declared(RefCell<Option<Function>>);

impl Declared {
    /// Takes it, once.
    pub fn take(&self) -> Option<Function> {
        self.0.borrow_mut().take()
    }

    fn set(&self, function: Function) {
        *self.0.borrow_mut() = Some(function);
    }
}
