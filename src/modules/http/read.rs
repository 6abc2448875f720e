//! Reading single option values on the path of every request; a problem is text for a message.

use mlua::{Lua, Table, Value};

use crate::modules::words::kind;
use crate::script::FromOption;

/// A value, or what is wrong with it, to follow ``option `x`: ``.
pub(super) type Read<T> = std::result::Result<T, String>;

/// A string.
pub(super) fn text(value: &Value) -> Read<String> {
    String::from_option(value.clone())
}

/// Bytes: a string or a buffer.
pub(super) fn bytes(value: &Value) -> Read<Vec<u8>> {
    match value {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        Value::Buffer(buffer) => Ok(buffer.to_vec()),
        other => Err(expected("a string or a buffer", other)),
    }
}

/// A string, a number or a truth value, as the text it is sent as.
pub(super) fn plain(value: &Value) -> Read<String> {
    match value {
        Value::String(_) => text(value),
        Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => Ok(shown(value)),
        other => Err(expected("a string, a number or a truth value", other)),
    }
}

/// Names and plain values, sorted by name so that a run can be repeated; a list gives its name
/// several times.
pub(super) fn pairs(value: &Value) -> Read<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for (key, value) in entries(value)? {
        if let Value::Table(list) = &value {
            for item in list.sequence_values::<Value>() {
                let item = item.map_err(|error| error.to_string())?;
                pairs.push((
                    key.clone(),
                    plain(&item).map_err(|e| format!("`{key}`: {e}"))?,
                ));
            }
        } else {
            let value = plain(&value).map_err(|error| format!("`{key}`: {error}"))?;
            pairs.push((key, value));
        }
    }
    Ok(pairs)
}

/// The entries of a table with names for keys, sorted by name.
pub(super) fn entries(value: &Value) -> Read<Vec<(String, Value)>> {
    let table = table(value)?;
    let mut entries = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| error.to_string())?;
        let Value::String(key) = key else {
            return Err(format!(
                "keys are names, got {}; write {{ name = … }}",
                shown(&key)
            ));
        };
        entries.push((key.to_string_lossy(), value));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(entries)
}

/// A table.
pub(super) fn table(value: &Value) -> Read<&Table> {
    value.as_table().ok_or_else(|| expected("a table", value))
}

/// Complains unless every key of `entries` is in `known`.
pub(super) fn known(entries: &[(String, Value)], known: &[&str]) -> Read<()> {
    for (key, _) in entries {
        if !known.contains(&key.as_str()) {
            return Err(unknown(key, known));
        }
    }
    Ok(())
}

/// What to say about an unknown key.
pub(super) fn unknown(key: &str, known: &[&str]) -> String {
    let hint = match crate::base::text::nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the options are {}", known.join(", ")),
    };
    format!("unknown option `{key}`; {hint}")
}

/// "expected a string, got a table".
pub(super) fn expected(what: &str, got: &Value) -> String {
    format!("expected {what}, got {}", kind(got))
}

/// A value as messages show it.
pub(super) fn shown(value: &Value) -> String {
    value
        .to_string()
        .unwrap_or_else(|_| value.type_name().to_owned())
}

/// An error of `what` about one of its options.
pub(super) fn wrong(lua: &Lua, what: &str, key: &str, problem: &str) -> mlua::Error {
    crate::script::misuse(lua, format!("{what}: option `{key}`: {problem}"))
}
