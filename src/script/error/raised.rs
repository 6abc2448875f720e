//! What a script raised when it was not a string: mlua keeps only the address of a table.

use std::cell::RefCell;

use mlua::Value;

thread_local! {
    /// The address of the last table raised on this thread, and how it reads.
    static LAST: RefCell<Option<(usize, String)>> = const { RefCell::new(None) };
}

/// Remembers a value that `error` is about to raise.
pub(in crate::script) fn note(value: &Value) {
    if let Value::Table(table) = value {
        let text = describe(value, 0);
        let address = table.to_pointer() as usize;
        LAST.with_borrow_mut(|last| *last = Some((address, text)));
    }
}

/// The text of a raised table, from mlua's `table: 0x…`. Without its address in any case: equal
/// errors would not be equal.
pub(super) fn described(message: &str) -> Option<String> {
    let address = message.strip_prefix("table: 0x")?;
    let address = usize::from_str_radix(address.trim(), 16).ok()?;
    let known = LAST.with_borrow(|last| {
        last.as_ref()
            .filter(|(known, _)| *known == address)
            .map(|(_, text)| text.clone())
    });
    known.or_else(|| Some("a table was raised".to_owned()))
}

/// A value on one line: `{code = 42, text = "x"}`, two levels deep at most.
fn describe(value: &Value, depth: usize) -> String {
    match value {
        Value::String(text) => crate::base::text::quoted(&text.to_string_lossy()),
        Value::Table(table) if depth < 2 => {
            let mut parts: Vec<(String, String)> = Vec::new();
            for pair in table.pairs::<Value, Value>().take(20).flatten() {
                let key = match &pair.0 {
                    Value::String(text) => text.to_string_lossy(),
                    other => format!("[{}]", describe(other, depth + 1)),
                };
                parts.push((key, describe(&pair.1, depth + 1)));
            }
            parts.sort();
            let parts: Vec<_> = parts
                .iter()
                .map(|(key, v)| format!("{key} = {v}"))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Nil => "nil".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        other => other.type_name().to_owned(),
    }
}
