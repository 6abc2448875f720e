//! `docker`: containers as targets of faults, what they say of themselves, and containers of a script's own.

mod acts;
mod compose;
mod container;
mod fixtures;
mod reads;
mod select;
mod stores;
mod swarm;
mod watch;

use mlua::{Function, Lua, Result, Table};

use crate::script::Module;

/// Seen by scripts as the global `docker`.
pub const MODULE: Module = Module {
    name: "docker",
    open,
};

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("container", lua.create_function(select::container)?)?;
    exports.raw_set("containers", lua.create_function(select::containers)?)?;
    exports.raw_set("watch", lua.create_function(watch::watch)?)?;
    exports.raw_set("events", lua.create_async_function(watch::events)?)?;
    exports.raw_set("compose", lua.create_function(compose::compose)?)?;
    fixtures::add(lua, &exports)?;
    swarm::add(lua, &exports)?;
    stores::add(lua, &exports)?;
    // Written in Luau, so that what it calls may wait.
    let text = include_str!("../../../stdlib/chaos.luau");
    let make: Function = lua.load(text).set_name("=[rchaos]").eval()?;
    exports.raw_set("chaos", make.call::<Function>(exports.clone())?)?;
    Ok(exports)
}
