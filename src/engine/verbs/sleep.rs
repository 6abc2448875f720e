//! `sleep`: think time, fixed or drawn from the seed.

use std::time::Duration;

use mlua::{Lua, Result, Value};

use crate::base::units::show_duration;
use crate::script::phase::{io, planning};
use crate::script::{
    FromOption, NOTHING, Verb, bridge, current, interruptible, misuse, time_scale,
};

/// Seen by scripts as the global `sleep`.
pub const VERB: Verb = Verb {
    name: "sleep",
    open,
};

fn open(lua: &Lua) -> Result<Value> {
    let wait = |lua: &Lua, pauses: (Value, Value)| {
        let pause = pause(lua, pauses)?;
        Ok(interruptible(tokio::time::sleep(pause)))
    };
    bridge(lua, NOTHING, Value::Nil, wait, |_, ()| Ok(())).map(Value::Function)
}

/// How long to wait: `sleep("200ms")`, or uniformly between two durations: `sleep("200ms", "800ms")`.
fn pause(lua: &Lua, (low, high): (Value, Value)) -> Result<Duration> {
    if !planning() {
        io(lua, "sleep")?;
    }
    let mut pause = read(lua, low)?;
    if !high.is_nil() {
        let high = read(lua, high)?;
        if high < pause {
            let (low, high) = (show_duration(pause), show_duration(high));
            let message = format!(
                "sleep: the first duration must not be the longer one; \
                 write sleep(\"{high}\", \"{low}\")"
            );
            return Err(misuse(lua, message));
        }
        let share = current()?.vu.rng.borrow_mut().unit();
        pause += (high - pause).mul_f64(share);
    }
    Ok(if planning() {
        Duration::ZERO
    } else {
        time_scale(lua).of(pause)
    })
}

fn read(lua: &Lua, value: Value) -> Result<Duration> {
    Duration::from_option(value).map_err(|problem| misuse(lua, format!("sleep: {problem}")))
}
