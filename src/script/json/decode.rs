//! JSON text straight into Lua tables, without a tree in between.

use std::fmt;

use mlua::{Lua, LuaString, Table, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{EXACT, NULL, list_mark};

/// Elements to make room for at most, before they have arrived.
const ROOM: usize = 1024;

/// Decodes a whole JSON text. Whole numbers beyond 2^53 become strings, so that no digit is lost;
/// `null` becomes [`NULL`]; lists stay lists when encoded again, empty ones too.
///
/// # Errors
///
/// Not JSON, not UTF-8, deeper than 128 levels, or the memory limit is reached.
pub fn decode(lua: &Lua, text: &[u8]) -> mlua::Result<Value> {
    let mut source = serde_json::Deserializer::from_slice(text);
    let mark = Mark::default();
    let value = Seed::with(lua, &mark)
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value));
    value.map_err(invalid)
}

pub(super) fn invalid(error: serde_json::Error) -> mlua::Error {
    mlua::Error::runtime(format!("invalid JSON: {error}"))
}

/// Builds one value.
#[derive(Clone, Copy)]
pub(super) struct Seed<'a> {
    lua: &'a Lua,
    mark: &'a Mark,
}

/// The metatable of lists, looked up when the first list ends.
#[derive(Default)]
pub(super) struct Mark(std::cell::OnceCell<Table>);

impl<'a> Seed<'a> {
    pub(super) fn with(lua: &'a Lua, mark: &'a Mark) -> Self {
        Self { lua, mark }
    }

    fn list(self, table: Table) -> mlua::Result<Table> {
        let mark = match self.mark.0.get() {
            Some(mark) => mark.clone(),
            None => {
                let mark = list_mark(self.lua)?;
                self.mark.0.get_or_init(|| mark).clone()
            }
        };
        table.set_metatable(Some(mark))?;
        Ok(table)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(NULL)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Boolean(flag))
    }

    #[expect(clippy::cast_precision_loss, reason = "checked to be below 2^53")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        if number > EXACT {
            return self.visit_str(&number.to_string());
        }
        Ok(Value::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "checked to be below 2^53")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        if number.unsigned_abs() > EXACT {
            return self.visit_str(&number.to_string());
        }
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        let text = self.lua.create_string(text).map_err(E::custom)?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let room = items.size_hint().unwrap_or(0).min(ROOM);
        let table = self
            .lua
            .create_table_with_capacity(room, 0)
            .map_err(A::Error::custom)?;
        let mut index = 0_u32;
        while let Some(item) = items.next_element_seed(self)? {
            index += 1;
            table.raw_set(index, item).map_err(A::Error::custom)?;
        }
        self.list(table).map(Value::Table).map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let table = self.lua.create_table().map_err(A::Error::custom)?;
        while let Some(name) = entries.next_key_seed(Name(self.lua))? {
            let value = entries.next_value_seed(self)?;
            table.raw_set(name, value).map_err(A::Error::custom)?;
        }
        Ok(Value::Table(table))
    }
}

/// A member's name, as a Lua string at once.
struct Name<'a>(&'a Lua);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = LuaString;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<LuaString, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = LuaString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LuaString, E> {
        self.0.create_string(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    #[test]
    fn what_is_decoded_encodes_to_the_same() {
        let lua = Lua::new();
        for text in [
            r#"{"a":[1,2.5,"x",true,null,{}],"b":[],"c":{"d":[[]]}}"#,
            "null",
            "\"ä\\u0000\\n\"",
            "[[],[[]]]",
            "-9007199254740992",
            "1e300",
        ] {
            let value = decode(&lua, text.as_bytes()).unwrap();
            let again = encode(&lua, &value).unwrap();
            let decoded = decode(&lua, &again).unwrap();
            assert_eq!(encode(&lua, &decoded).unwrap(), again, "{text}");
            if !text.contains('\\') && !text.contains('e') {
                assert_eq!(String::from_utf8(again).unwrap(), text);
            }
        }
    }

    #[test]
    fn no_digit_of_a_large_number_is_lost() {
        let lua = Lua::new();
        let value = decode(
            &lua,
            b"[9007199254740993, -9007199254740993, 9007199254740992]",
        );
        lua.globals().set("t", value.unwrap()).unwrap();
        let (a, b, c): (String, String, String) =
            lua.load("return t[1], t[2], type(t[3])").eval().unwrap();
        assert_eq!(
            (a.as_str(), b.as_str(), c.as_str()),
            ("9007199254740993", "-9007199254740993", "number")
        );
    }

    #[test]
    fn null_is_a_value_of_its_own() {
        let lua = Lua::new();
        lua.globals().set("null", NULL).unwrap();
        lua.globals()
            .set("t", decode(&lua, b"{\"a\":null,\"l\":[null,1]}").unwrap())
            .unwrap();
        let ok: bool = lua
            .load("return t.a == null and t.l[1] == null and #t.l == 2 and t.b == nil")
            .eval()
            .unwrap();
        assert!(ok);
    }

    #[test]
    fn bad_text_is_refused_with_its_place() {
        let lua = Lua::new();
        let message = |text: &[u8]| decode(&lua, text).unwrap_err().to_string();
        assert!(message(b"{\"a\":}").contains("line 1 column 6"));
        for text in [
            &b""[..],
            b"[1,",
            b"1 2",
            b"\"\xff\"",
            b"nul",
            b"{'a':1}",
            b"NaN",
        ] {
            assert!(message(text).contains("invalid JSON"), "{text:?}");
        }
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert!(message(deep.as_bytes()).contains("recursion limit"));
    }
}
