//! `$.items[0].id`: plain paths are read while the text streams by, others by a JSONPath library.

use std::fmt;

use jsonpath_rust::JsonPath;
use mlua::{Lua, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::array;
use super::decode::{Mark, Seed, decode, invalid};
use crate::base::text::quoted;
use crate::script::task::misuse;

/// What a JSONPath (RFC 9535) selects in a JSON text. The leading `$.` may be left out.
///
/// A path that can select one value at most gives that value, or nil; any other gives a list.
///
/// # Errors
///
/// The text is not JSON, or the path is not a JSONPath (misuse).
pub fn path(lua: &Lua, text: &[u8], path: &str) -> mlua::Result<Value> {
    let path = path.trim();
    if path.is_empty() || path == "$" {
        return decode(lua, text);
    }
    let mark = Mark::default();
    if let Some(steps) = plain(path) {
        let mut source = serde_json::Deserializer::from_slice(text);
        let walk = Walk {
            steps: &steps,
            seed: Seed::with(lua, &mark),
        };
        let value = walk
            .deserialize(&mut source)
            .and_then(|value| source.end().map(|()| value));
        return value
            .map(|value| value.unwrap_or(Value::Nil))
            .map_err(invalid);
    }
    let full = match path.strip_prefix('$') {
        Some(_) => path.to_owned(),
        None if path.starts_with('[') => format!("${path}"),
        None => format!("$.{path}"),
    };
    let tree: serde_json::Value = serde_json::from_slice(text).map_err(invalid)?;
    let found = tree.query(&full).map_err(|_| {
        let shown = quoted(path);
        misuse(
            lua,
            format!("{shown} is not a JSONPath; write, say, \"$.items[0].id\""),
        )
    })?;
    let mut values = found
        .into_iter()
        .map(|value| Seed::with(lua, &mark).deserialize(value).map_err(invalid));
    if definite(path) {
        return values.next().unwrap_or(Ok(Value::Nil));
    }
    let list = lua.create_table()?;
    for value in values {
        list.raw_push(value?)?;
    }
    array(lua, list).map(Value::Table)
}

#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

/// The steps of a path of names and indexes only.
fn plain(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    let mut rest = match path.strip_prefix('$') {
        Some(rest) => rest,
        None => {
            // A first name without `$.`.
            if !path.starts_with('[') {
                let (name, rest) = name(path)?;
                steps.push(Step::Name(name));
                rest
            } else {
                path
            }
        }
    };
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let (name, tail) = name(after)?;
            steps.push(Step::Name(name));
            rest = tail;
        } else {
            let (inside, tail) = rest.strip_prefix('[')?.split_once(']')?;
            let text = quote(inside, '"').or_else(|| quote(inside, '\''));
            steps.push(match text {
                Some(text) => Step::Name(text),
                None if inside.bytes().all(|b| b.is_ascii_digit()) => {
                    Step::Index(inside.parse().ok()?)
                }
                None => return None,
            });
            rest = tail;
        }
    }
    Some(steps)
}

fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let name = &text[..end];
    let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(fits)).then_some((name, &text[end..]))
}

fn quote(text: &str, mark: char) -> Option<&str> {
    let inside = text.strip_prefix(mark)?.strip_suffix(mark)?;
    (!inside.contains(['\\', mark])).then_some(inside)
}

/// Whether a path can select one value at most.
fn definite(path: &str) -> bool {
    !path.contains(['*', '?', ':', ',']) && !path.contains("..")
}

/// Follows the steps, skipping everything else unread.
#[derive(Clone, Copy)]
struct Walk<'a> {
    steps: &'a [Step<'a>],
    seed: Seed<'a>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Option<Value>, D::Error> {
        if self.steps.is_empty() {
            return self.seed.deserialize(source).map(Some);
        }
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        let wanted = match self.steps.first() {
            Some(Step::Index(index)) => Some(*index),
            _ => None,
        };
        for index in 0_usize.. {
            if wanted == Some(index) {
                match items.next_element_seed(self.next())? {
                    Some(value) => found = value,
                    None => break,
                }
            } else if items.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        let wanted = match self.steps.first() {
            Some(Step::Name(name)) => Some(*name),
            _ => None,
        };
        while let Some(matches) = members.next_key_seed(Is(wanted))? {
            if matches {
                found = members.next_value_seed(self.next())?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

impl<'a> Walk<'a> {
    fn next(self) -> Self {
        Self {
            steps: self.steps.get(1..).unwrap_or(&[]),
            seed: self.seed,
        }
    }
}

/// Whether a name is the wanted one.
struct Is<'a>(Option<&'a str>);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<bool, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        Ok(self.0 == Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    const TEXT: &str = r#"{"items":[{"id":1,"tags":["a","b"]},{"id":2,"price":9.5}],
        "a b":{"ü":true},"none":null,"n":12345678901234567,"x-y":{"0":"zero"}}"#;

    fn find(query: &str) -> String {
        let lua = Lua::new();
        match path(&lua, TEXT.as_bytes(), query) {
            Ok(Value::Nil) => "nil".to_owned(),
            Ok(value) => String::from_utf8(encode(&lua, &value).unwrap()).unwrap(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn plain_paths_give_a_value_or_nil() {
        let table = [
            ("$.items[0].id", "1"),
            ("items[1].price", "9.5"),
            ("$.items[0].tags", r#"["a","b"]"#),
            ("$['a b'].ü", "true"),
            ("$[\"x-y\"]['0']", "\"zero\""),
            ("x-y.0", "\"zero\""),
            ("$.none", "null"),
            ("$.n", "\"12345678901234567\""),
            ("$.items[7]", "nil"),
            ("$.items.id", "nil"),
            ("$.none.deeper[0]", "nil"),
            ("$.n[0]", "nil"),
            ("$.missing", "nil"),
        ];
        for (query, expected) in table {
            assert_eq!(find(query), expected, "{query}");
            assert!(plain(query).is_some(), "{query}");
        }
        assert!(find("$").starts_with("{\"a b\""));
    }

    #[test]
    fn other_paths_give_a_list_or_the_one_value() {
        let table = [
            ("$.items[*].id", "[1,2]"),
            ("$..price", "[9.5]"),
            ("$.items[?@.id > 1].price", "[9.5]"),
            ("$.items[-1].id", "2"),
            ("$.items[9:].id", "[]"),
            ("items[*].nothing", "[]"),
        ];
        for (query, expected) in table {
            assert_eq!(find(query), expected, "{query}");
        }
    }

    #[test]
    fn bad_paths_and_bad_text_are_errors() {
        assert!(find("$.items[").contains("\"$.items[\" is not a JSONPath"));
        assert!(find("$.items[?(").contains("is not a JSONPath"));
        let lua = Lua::new();
        for query in ["$.a", "$..a", "$"] {
            for text in ["{\"a\":1", "{\"a\":1}x", "oops"] {
                let error = path(&lua, text.as_bytes(), query).unwrap_err();
                assert!(error.to_string().contains("invalid JSON"), "{query} {text}");
            }
        }
    }
}
