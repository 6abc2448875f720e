//! `netfault`: slow down, drop, damage or cut traffic. Constructors of faults are inert; a scope injects.

mod cut;
mod dns;
mod filter;
mod held;
mod http_proxy;
mod http_rules;
mod network;
mod proxy;
mod target;
mod toxics;

use mlua::{Lua, Result, Table};

use crate::script::Module;

/// Seen by scripts as the global `netfault`.
pub const MODULE: Module = Module {
    name: "netfault",
    open,
};

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    proxy::open(lua, &exports)?;
    http_proxy::open(lua, &exports)?;
    exports.raw_set("host", lua.create_function(target::host)?)?;
    exports.raw_set("namespace", lua.create_function(target::namespace)?)?;
    exports.raw_set("network", lua.create_async_function(network::network)?)?;
    exports.raw_set("blackhole", lua.create_function(cut::blackhole)?)?;
    exports.raw_set("cut", lua.create_function(cut::cut)?)?;
    exports.raw_set("reject", lua.create_function(cut::reject)?)?;
    exports.raw_set("latency", lua.create_function(held::latency)?)?;
    exports.raw_set("loss", lua.create_function(held::loss)?)?;
    exports.raw_set("duplicate", lua.create_function(held::duplicate)?)?;
    exports.raw_set("corrupt", lua.create_function(held::corrupt)?)?;
    exports.raw_set("reorder", lua.create_function(held::reorder)?)?;
    exports.raw_set("bandwidth", lua.create_function(held::bandwidth)?)?;
    exports.raw_set("impair", lua.create_function(held::impair)?)?;
    exports.raw_set("dns", lua.create_function(dns::dns)?)?;
    exports.raw_set("partition", lua.create_function(cut::partition)?)?;
    Ok(exports)
}
