//! `stress`: uses up what a host or a target has; inert faults that `inject` takes.

mod clock;
mod connections;
mod cpu;
mod disk;
mod gpu_memory;
mod io_errors;
mod memory;
mod numbers;
mod shape;

use mlua::{Lua, Result, Table};

use crate::script::Module;

/// Seen by scripts as the global `stress`.
pub const MODULE: Module = Module {
    name: "stress",
    open,
};

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("cpu", lua.create_function(cpu::cpu)?)?;
    exports.raw_set("memory", lua.create_function(memory::memory)?)?;
    exports.raw_set("disk_fill", lua.create_function(disk::fill)?)?;
    exports.raw_set("disk_io", lua.create_function(disk::io)?)?;
    exports.raw_set("gpu_memory", lua.create_function(gpu_memory::gpu_memory)?)?;
    exports.raw_set("clock", lua.create_function(clock::clock)?)?;
    exports.raw_set("io_errors", lua.create_function(io_errors::io_errors)?)?;
    exports.raw_set("inodes", lua.create_function(numbers::inodes)?)?;
    exports.raw_set("fds", lua.create_function(numbers::fds)?)?;
    exports.raw_set("pids", lua.create_function(numbers::pids)?)?;
    exports.raw_set(
        "connections",
        lua.create_function(connections::connections)?,
    )?;
    Ok(exports)
}
