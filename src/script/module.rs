//! What a native looks like to the host: a named module, or a named global verb.

use mlua::{Lua, Result, Table, Value};

/// A module of natives, seen by scripts as one read-only global table.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// The global's name.
    pub name: &'static str,
    /// Builds the table; called once per VM. The host freezes it, nested tables included.
    pub open: fn(&Lua) -> Result<Table>,
}

/// A single global: a function, or a table that is callable.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// The global's name.
    pub name: &'static str,
    /// Builds the value; called once per VM.
    pub open: fn(&Lua) -> Result<Value>,
}
