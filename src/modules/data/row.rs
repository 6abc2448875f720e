//! One row: from text to a read-only value of Lua.

use mlua::{Lua, LuaString, Result, Value};

use crate::script::json;

/// The text of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row<'a> {
    /// One value for each column.
    Fields(Vec<&'a [u8]>),
    /// A line.
    Text(&'a [u8]),
    /// An element of a JSON array.
    Json(&'a [u8]),
}

impl Row<'_> {
    /// The row as a script sees it.
    pub(super) fn value(&self, lua: &Lua, columns: &[LuaString]) -> Result<Value> {
        match self {
            Self::Text(text) => lua.create_string(text).map(Value::String),
            Self::Json(text) => {
                let value = json::decode(lua, text)?;
                json::freeze(&value);
                Ok(value)
            }
            Self::Fields(fields) => {
                let table = lua.create_table_with_capacity(0, fields.len())?;
                for (column, field) in columns.iter().zip(fields) {
                    table.raw_set(column, lua.create_string(field)?)?;
                }
                table.set_readonly(true);
                Ok(Value::Table(table))
            }
        }
    }
}
