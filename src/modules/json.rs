//! `json`: text and values.

use mlua::{Lua, LuaString, Result, Table, Value};

use super::words::kind;
use crate::script::{FromOption, Module, Options, json, misuse};

/// Seen by scripts as the global `json`.
pub const MODULE: Module = Module { name: "json", open };

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("encode", lua.create_function(encode)?)?;
    exports.raw_set("decode", lua.create_function(decode)?)?;
    exports.raw_set("path", lua.create_function(path)?)?;
    exports.raw_set("array", lua.create_function(array)?)?;
    exports.raw_set("null", Value::NULL)?;
    Ok(exports)
}

/// The text of a value; `{ pretty = true }` for people.
fn encode(lua: &Lua, (value, options): (Value, Value)) -> Result<LuaString> {
    let options = Options::read("json.encode", &["pretty"], lua, options)?;
    let pretty = options.optional("pretty")?.unwrap_or(false);
    let text = json::encode(lua, &value)?;
    if !pretty {
        return lua.create_string(text);
    }
    let tree: serde_json::Value = serde_json::from_slice(&text).map_err(mlua::Error::external)?;
    lua.create_string(serde_json::to_vec_pretty(&tree).map_err(mlua::Error::external)?)
}

/// The value of a text.
fn decode(lua: &Lua, text: Value) -> Result<Value> {
    match &text {
        Value::String(text) => json::decode(lua, &text.as_bytes()),
        other => Err(misuse(
            lua,
            format!("json.decode: expected a string, got {}", kind(other)),
        )),
    }
}

/// The part of a text, or of a value, that a path names.
fn path(lua: &Lua, (document, path): (Value, Value)) -> Result<Value> {
    let path = String::from_option(path)
        .map_err(|problem| misuse(lua, format!("json.path: the path: {problem}")))?;
    match &document {
        Value::String(text) => json::path(lua, &text.as_bytes(), &path),
        Value::Table(_) => {
            let text = json::encode(lua, &document)?;
            json::path(lua, &text, &path)
        }
        other => {
            let got = kind(other);
            let message = format!("json.path: expected JSON text or a table, got {got}");
            Err(misuse(lua, message))
        }
    }
}

/// A list that is encoded as an array even when it is empty.
fn array(lua: &Lua, list: Value) -> Result<Table> {
    let table = match list {
        Value::Table(table) => table,
        Value::Nil => lua.create_table()?,
        other => {
            let got = kind(&other);
            return Err(misuse(
                lua,
                format!("json.array: expected a table, got {got}"),
            ));
        }
    };
    json::array(lua, table)
}
