//! What an option's value may be, and what a message says when it is something else.

use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Function, Table, Value};

use crate::base::text::quoted;
use crate::base::units::{self, Bandwidth, Bytes, Cores, Offset, Rate, Share, UnitError};

/// A type that an option can have.
pub trait FromOption: Sized {
    /// Reads a value that is not nil.
    ///
    /// # Errors
    ///
    /// What is wrong, as it reads after ``option `x`: ``.
    fn from_option(value: Value) -> Result<Self, String>;
}

/// A value as a message shows it: `250`, `"text"`, `a table`.
#[must_use]
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(&text.to_string_lossy()),
        Value::Nil => "nil".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        other => format!("a {}", other.type_name()),
    }
}

fn expected<T>(what: &str, value: &Value) -> Result<T, String> {
    Err(format!("expected {what}, got {}", shown(value)))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "only for messages and floats")]
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

/// A unit from its text; a bare number gets the message of its text, without the quotes.
fn unit<T>(
    value: &Value,
    what: &str,
    parse: impl Fn(&str) -> Result<T, UnitError>,
) -> Result<T, String> {
    if let Value::String(text) = value {
        return parse(&text.to_string_lossy()).map_err(|error| error.0);
    }
    let Some(number) = number(value) else {
        return expected(what, value);
    };
    let bare = number.to_string();
    match parse(&bare) {
        Err(error) if number >= 0.0 => Err(error.0.replacen(&format!("\"{bare}\""), &bare, 1)),
        _ => expected(what, value),
    }
}

macro_rules! units {
    ($($type:ty, $what:literal, $parse:path;)*) => {$(
        impl FromOption for $type {
            fn from_option(value: Value) -> Result<Self, String> {
                unit(&value, $what, $parse)
            }
        }
    )*};
}

units! {
    Duration, "a duration such as \"250ms\"", units::duration;
    Bytes, "a size such as \"64MiB\"", units::bytes;
    Bandwidth, "a transfer rate such as \"10mbit\"", units::bandwidth;
    Rate, "a rate such as \"200/s\"", units::rate;
    Cores, "processor time such as \"50%\" of a core", units::cores;
    Offset, "an offset such as \"+1h\" or \"-90s\"", units::offset;
}

impl FromOption for Share {
    fn from_option(value: Value) -> Result<Self, String> {
        if let Some(number) = number(&value).filter(|number| *number > 0.0 && *number < 1.0) {
            let percent = (number * 1e6).round() / 1e4;
            return Err(format!("{number} has no unit; write \"{percent}%\""));
        }
        unit(&value, "a share such as \"30%\"", units::share)
    }
}

macro_rules! whole {
    ($($type:ty)*) => {$(
        impl FromOption for $type {
            fn from_option(value: Value) -> Result<Self, String> {
                let Some(number) = number(&value) else {
                    return expected("a whole number", &value);
                };
                if number.fract() != 0.0 || !number.is_finite() {
                    return Err(format!("{number} is not a whole number"));
                }
                if number < 0.0 {
                    return Err(format!("{number} is negative"));
                }
                // Beyond this a double skips whole numbers.
                let most = <$type>::MAX.min((1u64 << 53).try_into().unwrap_or(<$type>::MAX));
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    clippy::cast_lossless,
                    reason = "compared first; `most` fits in a double"
                )]
                if number > most as f64 {
                    Err(format!("{number} is too large; at most {most}"))
                } else {
                    Ok(number as $type)
                }
            }
        }
    )*};
}

whole! { u16 u32 u64 usize }

impl FromOption for bool {
    fn from_option(value: Value) -> Result<Self, String> {
        match value {
            Value::Boolean(flag) => Ok(flag),
            other => expected("true or false", &other),
        }
    }
}

impl FromOption for f64 {
    fn from_option(value: Value) -> Result<Self, String> {
        match number(&value) {
            Some(number) if number.is_finite() => Ok(number),
            Some(number) => Err(format!("{number} is not a finite number")),
            None => expected("a number", &value),
        }
    }
}

impl FromOption for String {
    fn from_option(value: Value) -> Result<Self, String> {
        match &value {
            Value::String(text) => match text.to_str() {
                Ok(text) => Ok((*text).to_owned()),
                Err(_) => Err(format!("{} is not UTF-8 text", shown(&value))),
            },
            other => expected("a string", other),
        }
    }
}

impl<T: FromOption> FromOption for Vec<T> {
    fn from_option(value: Value) -> Result<Self, String> {
        let Value::Table(table) = &value else {
            return expected("a list", &value);
        };
        let items: Vec<Value> = table.sequence_values().flatten().collect();
        let mut count = 0_usize;
        for pair in table.pairs::<Value, Value>() {
            let Ok((key, _)) = pair else { continue };
            let in_list = number(&key).is_some();
            if !in_list {
                return Err(format!("expected a list, got the key {}", shown(&key)));
            }
            count += 1;
        }
        if count != items.len() {
            return Err("the list has a gap".to_owned());
        }
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                T::from_option(item).map_err(|message| format!("item {}: {message}", index + 1))
            })
            .collect()
    }
}

impl FromOption for BTreeMap<String, String> {
    fn from_option(value: Value) -> Result<Self, String> {
        let Value::Table(table) = &value else {
            return expected("a table of strings", &value);
        };
        let mut map = Self::new();
        for pair in table.pairs::<Value, Value>() {
            let Ok((key, value)) = pair else { continue };
            let Value::String(name) = &key else {
                return Err(format!("names are strings, got the key {}", shown(&key)));
            };
            let name = name.to_string_lossy();
            let text = match &value {
                Value::String(text) => text.to_string_lossy(),
                Value::Integer(_) | Value::Number(_) | Value::Boolean(_) => shown(&value),
                other => {
                    let name = quoted(&name);
                    return Err(format!("{name}: expected a string, got {}", shown(other)));
                }
            };
            map.insert(name, text);
        }
        Ok(map)
    }
}

impl FromOption for Function {
    fn from_option(value: Value) -> Result<Self, String> {
        match value {
            Value::Function(function) => Ok(function),
            other => expected("a function", &other),
        }
    }
}

impl FromOption for Table {
    fn from_option(value: Value) -> Result<Self, String> {
        match value {
            Value::Table(table) => Ok(table),
            other => expected("a table", &other),
        }
    }
}

impl FromOption for Value {
    fn from_option(value: Value) -> Result<Self, String> {
        Ok(value)
    }
}
