//! Lua values from and to JSON, one query language for it, and freezing what is shared.

mod decode;
mod encode;
mod path;

use mlua::{Lua, Table, Value};

pub use decode::decode;
pub use encode::encode;
pub use path::path;

/// JSON's `null` in Lua: a value of its own, since nil would vanish from its table.
pub const NULL: Value = Value::NULL;

/// What rchaos itself tells a script, as a table: what is null there is nil, not a value of its own.
///
/// # Errors
///
/// The memory limit is reached.
pub fn told(lua: &Lua, told: serde_json::Value) -> mlua::Result<Value> {
    match without_nulls(told) {
        serde_json::Value::Null => Ok(Value::Nil),
        told => decode(lua, told.to_string().as_bytes()),
    }
}

fn without_nulls(told: serde_json::Value) -> serde_json::Value {
    use serde_json::Value::{Array, Object};
    match told {
        Object(fields) => Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Array(items) => Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Beyond this a double skips whole numbers.
const EXACT: u64 = 1 << 53;

/// Where the metatable that marks lists is kept.
const LIST: &str = "rchaos.json.list";

/// Marks a table as a list, so that it encodes as one even when it is empty.
///
/// # Errors
///
/// The table is read-only, or the memory limit is reached.
pub fn array(lua: &Lua, table: Table) -> mlua::Result<Table> {
    table.set_metatable(Some(list_mark(lua)?))?;
    Ok(table)
}

/// The metatable of marked lists.
fn list_mark(lua: &Lua) -> mlua::Result<Table> {
    if let Ok(mark) = lua.named_registry_value::<Table>(LIST) {
        return Ok(mark);
    }
    let mark = lua.create_table()?;
    mark.raw_set("__metatable", false)?;
    mark.set_readonly(true);
    lua.set_named_registry_value(LIST, &mark)?;
    Ok(mark)
}

/// Makes a value read-only, with every table inside it.
pub fn freeze(value: &Value) {
    let mut rest = match value {
        Value::Table(table) => vec![table.clone()],
        _ => return,
    };
    while let Some(table) = rest.pop() {
        // A read-only table was met before; tables may contain themselves.
        if table.is_readonly() {
            continue;
        }
        table.set_readonly(true);
        for pair in table.pairs::<Value, Value>().flatten() {
            let (key, value) = pair;
            rest.extend([key, value].into_iter().filter_map(|part| match part {
                Value::Table(table) => Some(table),
                _ => None,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_nil() {
        let lua = Lua::new();
        let facts = serde_json::json!({"a": null, "b": [{"c": null, "d": 1}]});
        lua.globals().set("t", told(&lua, facts).unwrap()).unwrap();
        let right = "t.a == nil and t.b[1].c == nil and t.b[1].d == 1";
        assert!(lua.load(right).eval::<bool>().unwrap());
        assert!(told(&lua, serde_json::Value::Null).unwrap().is_nil());
    }

    #[test]
    fn freezing_goes_all_the_way_down() {
        let lua = Lua::new();
        let value: Value = lua
            .load("local t = { a = { b = { 1 } } } t.me = t return t")
            .eval()
            .unwrap();
        freeze(&value);
        lua.globals().set("t", value).unwrap();
        for change in [
            "t.x = 1",
            "t.a.x = 1",
            "t.a.b[1] = 2",
            "table.insert(t.a.b, 1)",
        ] {
            assert!(lua.load(change).exec().is_err(), "{change}");
        }
    }
}
