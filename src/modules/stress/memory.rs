//! `stress.memory`: holds memory.

use mlua::{Lua, Result, Value};

use super::shape::{amount, fault, target};
use crate::fault::stress::{MEMORY, Memory};
use crate::modules::hold::FaultValue;
use crate::script::Options;

const KEYS: [&str; 8] = [
    "bytes",
    "percent",
    "leave_free",
    "over",
    "touch",
    "oomable",
    "target",
    "force",
];

/// Holds memory by bytes, up to a share of the target's limit, or until so much is left.
pub(super) fn memory(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(MEMORY.name, &KEYS, lua, options)?;
    let (agent, target) = target(&options)?;
    let (amount, words) = amount(&options)?;
    let memory = Memory {
        amount,
        target,
        over: options.paced("over")?,
        touch: options.optional("touch")?.unwrap_or_default(),
        oomable: options.optional("oomable")?.unwrap_or_default(),
        force: options.optional("force")?.unwrap_or_default(),
    };
    let label = format!("hold memory, {words}");
    fault(lua, &MEMORY, agent, &memory, label)
}
