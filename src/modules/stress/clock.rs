//! `stress.clock`: sets the wall clock of a program that has one of its own.

use mlua::{Lua, Result, Value};

use super::shape::{fault, target};
use crate::base::units::Offset;
use crate::fault::Target;
use crate::fault::stress::{CLOCK, Clock};
use crate::modules::hold::FaultValue;
use crate::script::Options;

/// Puts the wall clock of a program ahead or behind.
pub(super) fn clock(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(CLOCK.name, &["target", "offset"], lua, options)?;
    let (agent, target) = target(&options)?;
    let Some(target) = target.filter(|target| *target != Target::Host) else {
        let message =
            "name a program that was started by process.spawn { clock = { wall = true }, … }";
        return Err(options.invalid("target", message));
    };
    let Offset(offset) = options.required("offset")?;
    let label = format!("a clock that is {offset:+} s off, of {}", target.label());
    fault(lua, &CLOCK, agent, &Clock { target, offset }, label)
}
