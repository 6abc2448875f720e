//! `stress.gpu_memory`: memory of a graphics processor, where there is one.

use mlua::{Lua, Result, Value};

use super::shape::fault;
use crate::base::units::Share;
use crate::fault::stress::{GPU_MEMORY, GpuMemory};
use crate::modules::hold::FaultValue;
use crate::script::Options;

/// Takes memory of a graphics processor.
pub(super) fn gpu_memory(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(GPU_MEMORY.name, &["share", "host"], lua, options)?;
    let agent = crate::modules::process::host(&options, "host")?;
    let Share(share) = options.required("share")?;
    let label = format!("take GPU memory until {}% are used", share * 100.0);
    fault(lua, &GPU_MEMORY, agent, &GpuMemory { share }, label)
}
