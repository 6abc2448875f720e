//! `now`: the time of day, on the run's clock.

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use mlua::{Lua, Result, Value};

use crate::base::clock::Clock;
use crate::script::Verb;

/// Seen by scripts as the global `now`.
pub const VERB: Verb = Verb {
    name: "now",
    open: |lua| Ok(Value::Function(lua.create_function(now)?)),
};

/// Milliseconds since 1970 with their fraction. Differences are exact: the run's clock is
/// monotonic, and the wall clock is read once at its start.
fn now(lua: &Lua, (): ()) -> Result<f64> {
    let clock = clock(lua);
    let start = clock.started().duration_since(UNIX_EPOCH);
    Ok((start.unwrap_or_default() + clock.elapsed()).as_secs_f64() * 1e3)
}

/// Time since the run began.
pub(super) fn elapsed(lua: &Lua) -> Duration {
    clock(lua).elapsed()
}

/// The run's clock, or one of the process where there is no run.
fn clock(lua: &Lua) -> Clock {
    static PROCESS: OnceLock<Clock> = OnceLock::new();
    match lua.app_data_ref::<Clock>() {
        Some(clock) => *clock,
        None => *PROCESS.get_or_init(Clock::start),
    }
}
