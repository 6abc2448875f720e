//! Verbs that call back into the script are written in Luau, so that what they call may wait.

use mlua::{Function, IntoLuaMulti, Lua, Result, Table, Value};

/// Runs an embedded chunk with the natives it needs, then `extra`; it returns the verb.
///
/// The chunk's name begins like one of the interpreter's own, so that call stacks leave it out.
pub(super) fn verb(
    lua: &Lua,
    text: &str,
    natives: Table,
    extra: impl IntoLuaMulti,
) -> Result<Value> {
    let mut arguments = extra.into_lua_multi(lua)?;
    arguments.push_front(Value::Table(natives));
    let chunk = lua.load(text).set_name("=[rchaos]");
    let verb: Function = chunk.call(arguments)?;
    Ok(Value::Function(verb))
}

/// Globals of the standard library by name, as they are when the verbs are opened.
pub(super) fn global(lua: &Lua, name: &str) -> Result<Value> {
    lua.globals().raw_get(name)
}
