//! `process`: finds processes to pause and kill, runs programs, and starts some of the script's own.

mod acts;
mod find;
mod run;
mod spawn;

pub(super) use find::host;

use mlua::{Lua, Result, Table};

use crate::script::Module;

/// Seen by scripts as the global `process`.
pub const MODULE: Module = Module {
    name: "process",
    open,
};

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("find", lua.create_function(find::find)?)?;
    exports.raw_set("run", lua.create_async_function(run::run)?)?;
    exports.raw_set("spawn", lua.create_async_function(spawn::spawn)?)?;
    Ok(exports)
}
