//! `log`: lines on stderr, silent while the top level runs once more for a virtual user.

use mlua::{Lua, Result, Table, Value};
use tracing::Level;

use super::words::kind;
use crate::script::{Module, Phase, misuse, with_current};

/// Seen by scripts as the global `log`; calling it logs at level info.
pub const MODULE: Module = Module { name: "log", open };

const LEVELS: &[(&str, Level)] = &[
    ("debug", Level::DEBUG),
    ("info", Level::INFO),
    ("warn", Level::WARN),
    ("error", Level::ERROR),
];

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    for (name, level) in LEVELS {
        let function = lua.create_function(move |lua, (message, fields): (Value, Value)| {
            write(lua, *level, &message, &fields)
        })?;
        exports.raw_set(*name, function)?;
    }
    let metatable = lua.create_table()?;
    let call = lua.create_function(|lua, (_, message, fields): (Value, Value, Value)| {
        write(lua, Level::INFO, &message, &fields)
    })?;
    metatable.raw_set("__call", call)?;
    exports.set_metatable(Some(metatable))?;
    Ok(exports)
}

fn write(lua: &Lua, level: Level, message: &Value, fields: &Value) -> Result<()> {
    if with_current(|task| task.vu.phase.get()) == Some(Phase::VuTopLevel) {
        return Ok(());
    }
    let text = clean(&message.to_string()?);
    let fields = match fields {
        Value::Nil => String::new(),
        Value::Table(fields) => line(fields)?,
        other => {
            let got = kind(other);
            let message = format!("log: fields are a table, got {got}; write {{ id = … }}");
            return Err(misuse(lua, message));
        }
    };
    let space = if fields.is_empty() { "" } else { " " };
    match level {
        Level::DEBUG => tracing::debug!(target: "script", "{text}{space}{fields}"),
        Level::INFO => tracing::info!(target: "script", "{text}{space}{fields}"),
        Level::WARN => tracing::warn!(target: "script", "{text}{space}{fields}"),
        _ => tracing::error!(target: "script", "{text}{space}{fields}"),
    }
    Ok(())
}

/// Fields as `name=value`, sorted by name.
fn line(fields: &Table) -> Result<String> {
    let mut parts = Vec::new();
    for pair in fields.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let value = clean(&value.to_string()?);
        let value = match value.contains([' ', '=', '"']) || value.is_empty() {
            true => format!("{value:?}"),
            false => value,
        };
        parts.push(format!("{}={value}", clean(&key.to_string()?)));
    }
    parts.sort();
    Ok(parts.join(" "))
}

/// Text from servers must not move the cursor of whoever reads the log.
fn clean(text: &str) -> String {
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_and_quoted_where_needed() {
        let lua = Lua::new();
        let fields: Table = lua.load("{ b = 1, a = 'x y', c = true }").eval().unwrap();
        assert_eq!(line(&fields).unwrap(), "a=\"x y\" b=1 c=true");
    }

    #[test]
    fn control_characters_stay_out_of_logs() {
        assert_eq!(clean("a\u{1b}[2Jb\tc\r"), "a[2Jb\tc");
    }
}
