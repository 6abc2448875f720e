//! Lua values as JSON text; what JSON cannot say is an error that names where it is.

use std::fmt::Write as _;

use mlua::{Lua, LuaString, Table, Value};

use super::{EXACT, list_mark};
use crate::base::text::quoted;

/// As deep as decoding goes.
const DEPTH: usize = 128;

/// Encodes a value, without spaces and with sorted names, so that equal values give equal text.
///
/// A table with elements `1..n` is a list, an empty one an object, unless it is marked
/// ([`super::array`]).
///
/// # Errors
///
/// A list with gaps or names, a key or value JSON has no word for (functions, NaN, text that is
/// not UTF-8), or more than 128 levels; the message names the place, such as `items[2].price`.
pub fn encode(lua: &Lua, value: &Value) -> mlua::Result<Vec<u8>> {
    let mut writer = Writer {
        text: Vec::with_capacity(128),
        mark: list_mark(lua)?,
        path: Vec::new(),
    };
    match writer.value(value) {
        Ok(()) => Ok(writer.text),
        Err(problem) => {
            let place = writer.place();
            Err(mlua::Error::runtime(format!("{place}{problem}")))
        }
    }
}

enum Step {
    Name(LuaString),
    Index(usize),
}

struct Writer {
    text: Vec<u8>,
    mark: Table,
    path: Vec<Step>,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value {
            Value::Nil => self.text.extend(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => self.text.extend(b"null"),
            Value::Boolean(true) => self.text.extend(b"true"),
            Value::Boolean(false) => self.text.extend(b"false"),
            Value::Integer(number) => self.text.extend(number.to_string().as_bytes()),
            Value::Number(number) => self.number(*number)?,
            Value::String(text) => self.string(text)?,
            Value::Table(table) => self.table(table)?,
            other => return Err(format!("a {} cannot be JSON", other.type_name())),
        }
        Ok(())
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "checked to be a whole number below 2^53"
    )]
    fn number(&mut self, number: f64) -> Result<(), String> {
        if !number.is_finite() {
            return Err(format!("the number {number} cannot be JSON"));
        }
        if number.fract() == 0.0 && number.abs() <= EXACT as f64 {
            self.text.extend((number as i64).to_string().as_bytes());
            return Ok(());
        }
        serde_json::to_writer(&mut self.text, &number).map_err(|error| error.to_string())
    }

    fn string(&mut self, text: &LuaString) -> Result<(), String> {
        let bytes = text.as_bytes();
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let at = error.valid_up_to();
            format!("a string is not UTF-8 text (first bad byte at offset {at})")
        })?;
        serde_json::to_writer(&mut self.text, text).map_err(|error| error.to_string())
    }

    fn table(&mut self, table: &Table) -> Result<(), String> {
        if self.path.len() >= DEPTH {
            self.path.truncate(4);
            return Err("nested deeper than 128 levels; does it contain itself?".to_owned());
        }
        let marked = table.metatable().is_some_and(|mark| mark == self.mark);
        let length = table.raw_len();
        if marked || length > 0 {
            self.list(table, length)
        } else {
            self.object(table)
        }
    }

    fn list(&mut self, table: &Table, length: usize) -> Result<(), String> {
        let mut others = 0;
        let mut odd = None;
        for pair in table.pairs::<Value, Value>() {
            let (key, _) = pair.map_err(|error| error.to_string())?;
            let index = match &key {
                Value::Integer(index) => usize::try_from(*index).ok(),
                _ => None,
            };
            match index {
                Some(index) if (1..=length).contains(&index) => others += 1,
                _ => odd = Some(key),
            }
        }
        if let Some(key) = odd {
            let key = named(&key);
            return Err(format!(
                "a list of {length} also has the key {key}; JSON has lists or objects, not both"
            ));
        }
        if others != length {
            return Err(format!("a list of {length} has gaps"));
        }
        self.text.push(b'[');
        for index in 1..=length {
            if index > 1 {
                self.text.push(b',');
            }
            let item: Value = table.raw_get(index).map_err(|error| error.to_string())?;
            self.path.push(Step::Index(index));
            self.value(&item)?;
            self.path.pop();
        }
        self.text.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table) -> Result<(), String> {
        let mut members: Vec<(LuaString, Value)> = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            match pair.map_err(|error| error.to_string())? {
                (Value::String(name), value) => members.push((name, value)),
                (Value::Integer(index), _) => {
                    return Err(format!("a list with gaps: it has [{index}] but not [1]"));
                }
                (key, _) => return Err(format!("the key {} cannot be JSON", named(&key))),
            }
        }
        members.sort_by_cached_key(|(name, _)| name.as_bytes().to_vec());
        self.text.push(b'{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                self.text.push(b',');
            }
            self.string(&name)?;
            self.text.push(b':');
            self.path.push(Step::Name(name));
            self.value(&value)?;
            self.path.pop();
        }
        self.text.push(b'}');
        Ok(())
    }

    /// `items[2].price: `, or nothing at the top.
    fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            match step {
                Step::Index(index) => {
                    let _ = write!(place, "[{index}]");
                }
                Step::Name(name) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    place.push_str(quoted(&name.to_string_lossy()).trim_matches('"'));
                }
            }
        }
        if !place.is_empty() {
            place.push_str(": ");
        }
        place
    }
}

fn named(key: &Value) -> String {
    match key {
        Value::String(text) => quoted(&text.to_string_lossy()),
        Value::Integer(number) => format!("[{number}]"),
        Value::Number(number) => format!("[{number}]"),
        other => other.type_name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::array;
    use super::*;

    fn json(code: &str) -> Result<String, String> {
        let lua = Lua::new();
        let array = lua.create_function(array).unwrap();
        lua.globals().set("array", array).unwrap();
        lua.globals().set("null", super::super::NULL).unwrap();
        let value: Value = lua.load(format!("return {code}")).eval().unwrap();
        encode(&lua, &value)
            .map(|text| String::from_utf8(text).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_have_their_json() {
        let table = [
            ("{}", "{}"),
            ("array{}", "[]"),
            ("{ 1, 2, 3 }", "[1,2,3]"),
            (
                "{ b = 1, a = { true, false, null } }",
                r#"{"a":[true,false,null],"b":1}"#,
            ),
            ("'a\"\\n\\0ä'", r#""a\"\n\u0000ä""#),
            ("0.5", "0.5"),
            ("-0", "0"),
            ("2^53", "9007199254740992"),
            ("1e100", "1e+100"),
            ("nil", "null"),
        ];
        for (code, expected) in table {
            assert_eq!(json(code).as_deref(), Ok(expected), "{code}");
        }
    }

    #[test]
    fn what_json_cannot_say_names_its_place() {
        let table = [
            (
                "{ items = { {}, { price = 0/0 } } }",
                "items[2].price: the number NaN",
            ),
            ("{ a = { b = print } }", "a.b: a function cannot be JSON"),
            (
                "{ a = { 1, 2, x = 3 } }",
                "a: a list of 2 also has the key \"x\"",
            ),
            ("{ a = { [3] = 1 } }", "a: a list with gaps"),
            (
                "{ a = { [true] = 1 } }",
                "a: the key boolean cannot be JSON",
            ),
            ("{ a = '\\255' }", "a: a string is not UTF-8"),
            ("1/0", "the number inf cannot be JSON"),
            ("coroutine.create(print)", "a thread cannot be JSON"),
            (
                "(function() local t = {} t.t = t return t end)()",
                "t.t.t.t: nested deeper",
            ),
        ];
        for (code, expected) in table {
            let message = json(code).unwrap_err();
            assert!(message.contains(expected), "{code}: {message}");
        }
    }
}
