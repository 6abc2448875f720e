//! `stress.cpu`: keeps cores busy.

use mlua::{Lua, Result, Value};

use super::shape::{fault, target};
use crate::base::units::Share;
use crate::fault::stress::{CPU, Cpu};
use crate::modules::hold::FaultValue;
use crate::script::Options;

const KEYS: [&str; 5] = ["load", "workers", "cores", "target", "over"];

/// Keeps each core busy for a share of the time.
pub(super) fn cpu(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(CPU.name, &KEYS, lua, options)?;
    let (agent, target) = target(&options)?;
    let Share(load) = options.required("load")?;
    let (workers, cores) = (options.optional("workers")?, options.optional("cores")?);
    if workers.is_some() && cores.is_some() {
        return Err(options.invalid("workers", "the cores are named already by `cores`"));
    }
    if workers == Some(0) || cores.as_ref().is_some_and(Vec::is_empty) {
        return Err(options.wrong("at least one core is needed"));
    }
    let label = format!("cores busy for {}% of the time", load * 100.0);
    let cpu = Cpu {
        load,
        workers,
        cores,
        target,
        over: options.paced("over")?,
    };
    fault(lua, &CPU, agent, &cpu, label)
}
