//! Words for messages about a script's values.

use mlua::Value;

/// What a value is, as scripts know it: `nil`, `a number`, `a table`.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "nil",
        Value::Boolean(_) => "true or false",
        Value::Integer(_) | Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Table(_) => "a table",
        Value::Function(_) => "a function",
        Value::Thread(_) => "a coroutine",
        Value::Buffer(_) => "a buffer",
        _ => "an object",
    }
}

/// A number, whether Lua keeps it whole or not.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "Lua numbers are doubles")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}
