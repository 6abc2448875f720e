//! Faults in the hands of a test instead of an agent: built from their options, with children of the real binary.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rchaos::fault::{Children, Context, Fault, Kind, Shared, Spec};
use serde::Serialize;

use super::groups::{self, Group};

/// The lease that tests give.
pub const LEASE: Duration = Duration::from_secs(5);

/// A context of a run of its own.
pub fn context() -> Context {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let shared = Arc::new(Shared::default());
    shared.get_or(|| Children::of(PathBuf::from(env!("CARGO_BIN_EXE_rchaos"))));
    Context {
        agent: format!("test{}", std::process::id()),
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        name: "test".to_owned(),
        seed: 1,
        exempt: Vec::new(),
        max_blast: 1.0,
        protected: Default::default(),
        shared,
    }
}

/// An inert fault.
pub fn build(kind: &Kind, options: &impl Serialize, context: &Context) -> Box<dyn Fault> {
    let spec = Spec::new(kind, options).unwrap();
    (kind.build)(&spec, context).unwrap_or_else(|error| panic!("{}: {error}", kind.name))
}

/// Waits for something that is seen from outside.
pub fn eventually(what: &str, limit: Duration, mut seen: impl FnMut() -> bool) {
    let limit = Instant::now() + limit;
    while !seen() {
        assert!(Instant::now() < limit, "not seen in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process is there, and no zombie.
pub fn alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|text| {
        let state = text.rsplit_once(')').map_or("", |(_, rest)| rest.trim());
        !state.starts_with('Z') && !state.starts_with('X')
    })
}

/// The processes at work for a fault.
pub fn workers(fault: &dyn Fault) -> Vec<i32> {
    let facts = fault.facts();
    let pids = facts["pids"].as_array().unwrap().iter();
    pids.map(|pid| i32::try_from(pid.as_i64().unwrap()).unwrap())
        .collect()
}

/// Lets the work of a fault go before that of others, as long as what it returns is kept and where this test may say so:
/// then what is measured is how much it does, not how busy the machine is.
pub fn before_others(fault: &dyn Fault) -> Option<Group> {
    let most = [("cpu.shares", "262144")];
    let group = groups::present()
        .then(|| Group::make("cpu", &format!("first-{}", workers(fault)[0]), &most))?;
    for pid in workers(fault) {
        group.take(u32::try_from(pid).unwrap());
    }
    Some(group)
}
