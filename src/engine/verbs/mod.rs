//! What scripts call to register (`scenario`, `options`, `setup` …) and to act (`check`, `sleep` …).

mod agents;
mod check;
mod embedded;
mod env;
mod eventually;
mod expect;
mod experiment;
mod gameday;
mod group;
mod hooks;
mod host;
mod inject;
mod luau;
mod now;
mod registrations;
mod run_options;
mod scenario;
mod sleep;
mod tasks;
mod uuid;

use std::cell::RefCell;

use mlua::Function;

use crate::script::Verb;

pub use experiment::Handle;
pub use gameday::Floor;
pub use registrations::Registrations;

/// All verbs, registering ones first.
pub const VERBS: &[Verb] = &[
    scenario::VERB,
    experiment::VERB,
    gameday::VERB,
    run_options::VERB,
    hooks::SETUP,
    hooks::TEARDOWN,
    hooks::SUMMARY,
    check::VERB,
    env::VERB,
    eventually::VERB,
    expect::EXPECT,
    expect::FAIL,
    group::VERB,
    host::VERB,
    inject::VERB,
    now::VERB,
    sleep::VERB,
    tasks::SPAWN,
    tasks::PARALLEL,
    uuid::VERB,
    embedded::CASES,
    embedded::DASHBOARDS,
    embedded::ETCD,
    embedded::INTEGRITY,
    embedded::PARTITIONS,
    embedded::POSTGRES,
    embedded::PROFILES,
    embedded::REDIS,
    embedded::RESILIENCE,
    embedded::TRIAL,
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
