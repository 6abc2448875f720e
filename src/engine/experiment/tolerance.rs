//! What a probe's answer may be: a value, a range, a comparison, a text or pattern, or the script's own judgement.

use mlua::{Function, Table, Value};
use regex::Regex;
use serde_json::Value as Json;

use crate::base::comparison::Comparison;
use crate::base::text::{nearest, quoted};

/// What an answer is held to.
#[derive(Debug, Clone)]
pub enum Tolerance {
    /// Exactly this: a text, a number, true or false.
    Is(Json),
    /// One of several.
    OneOf(Vec<Json>),
    /// A number within bounds, both included.
    Range {
        /// The least, if there is one.
        min: Option<f64>,
        /// The greatest, if there is one.
        max: Option<f64>,
    },
    /// A number that compares so: `< 500`.
    Compares(Comparison, f64),
    /// A text with this in it.
    Contains(String),
    /// A text that the pattern matches somewhere.
    Matches(Regex),
    /// What the script's function says; its number in [`Functions`].
    Function(usize),
}

/// Functions of the script that probes call; they stay in the main VM.
#[derive(Debug, Default)]
pub struct Functions(Vec<Function>);

impl Functions {
    /// Keeps a function; returns its number.
    pub fn keep(&mut self, function: Function) -> usize {
        self.0.push(function);
        self.0.len() - 1
    }

    /// The function of a number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<Function> {
        self.0.get(number).cloned()
    }
}

const FORMS: &str = "write a value, \"< 500\", { min = 1, max = 9 }, { one_of = { … } }, \
                     { contains = \"…\" }, { matches = \"…\" } or a function";

impl Tolerance {
    /// Reads what a script wrote.
    ///
    /// # Errors
    ///
    /// What is wrong, as it reads after the name of an option.
    pub fn read(value: Value, functions: &mut Functions) -> Result<Self, String> {
        match value {
            Value::Table(table) => Self::of_table(&table),
            Value::Function(function) => Ok(Self::Function(functions.keep(function))),
            value => match scalar(&value) {
                Some(Json::String(text)) => match comparison(&text) {
                    Some(parsed) => parsed,
                    None => Ok(Self::Is(Json::String(text))),
                },
                Some(json) => Ok(Self::Is(json)),
                None => Err(format!("got a {}; {FORMS}", value.type_name())),
            },
        }
    }

    fn of_table(table: &Table) -> Result<Self, String> {
        const KEYS: [&str; 5] = ["min", "max", "one_of", "contains", "matches"];
        let mut keys = Vec::new();
        for (key, _) in table.pairs::<Value, Value>().flatten() {
            let key = key.to_string().unwrap_or_default();
            if !KEYS.contains(&key.as_str()) {
                let hint = nearest(&key, KEYS.iter().copied())
                    .map_or(FORMS.to_owned(), |near| format!("did you mean `{near}`?"));
                return Err(format!("unknown key {}; {hint}", quoted(&key)));
            }
            keys.push(key);
        }
        let get = |key: &str| table.raw_get::<Value>(key).unwrap_or(Value::Nil);
        let number = |key: &str| match scalar(&get(key)) {
            None => Ok(None),
            Some(Json::Number(number)) => Ok(number.as_f64()),
            Some(_) => Err(format!("`{key}` is no number")),
        };
        let text = |key: &str| match get(key) {
            Value::String(text) => Ok(text.to_string_lossy()),
            other => Err(format!("`{key}` is a {}, not a text", other.type_name())),
        };
        keys.sort_unstable();
        match keys.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["max"] | ["min"] | ["max", "min"] => {
                let (min, max) = (number("min")?, number("max")?);
                if let (Some(min), Some(max)) = (min, max)
                    && min > max
                {
                    return Err(format!("`min` {min} is above `max` {max}"));
                }
                Ok(Self::Range { min, max })
            }
            ["one_of"] => {
                let Value::Table(list) = get("one_of") else {
                    return Err("`one_of` is a list, as in { one_of = { 200, 204 } }".to_owned());
                };
                let values = list.sequence_values::<Value>().flatten();
                let values: Option<Vec<Json>> = values.map(|value| scalar(&value)).collect();
                match values {
                    Some(values) if !values.is_empty() => Ok(Self::OneOf(values)),
                    _ => Err("`one_of` is a list of numbers and texts, at least one".to_owned()),
                }
            }
            ["contains"] => text("contains").map(Self::Contains),
            ["matches"] => {
                let pattern = text("matches")?;
                Regex::new(&pattern).map(Self::Matches).map_err(|error| {
                    let shown = quoted(&pattern);
                    let why = error.to_string();
                    let why = why.lines().last().unwrap_or_default();
                    let why = why.trim().trim_start_matches("error: ");
                    format!("{shown} is no regular expression: {why}")
                })
            }
            _ => Err(FORMS.to_owned()),
        }
    }

    /// Whether an answer is tolerated; a function is asked by the caller.
    #[must_use]
    pub fn holds(&self, answer: &Json) -> bool {
        match self {
            Self::Is(wanted) => same(wanted, answer),
            Self::OneOf(all) => all.iter().any(|wanted| same(wanted, answer)),
            Self::Range { min, max } => number(answer).is_some_and(|number| {
                min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
            }),
            Self::Compares(comparison, wanted) => {
                number(answer).is_some_and(|number| comparison.holds(number, *wanted))
            }
            Self::Contains(wanted) => text(answer).contains(wanted.as_str()),
            Self::Matches(pattern) => pattern.is_match(&text(answer)),
            Self::Function(_) => false,
        }
    }

    /// The tolerance in words, for reports: `< 500`, `between 1 and 9`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Is(wanted) => text(wanted),
            Self::OneOf(all) => {
                let all: Vec<String> = all.iter().map(text).collect();
                format!("one of {}", all.join(", "))
            }
            Self::Range { min, max } => match (min, max) {
                (Some(min), Some(max)) => format!("between {min} and {max}"),
                (Some(min), None) => format!("at least {min}"),
                (None, Some(max)) => format!("at most {max}"),
                (None, None) => "a number".to_owned(),
            },
            Self::Compares(comparison, wanted) => format!("{} {wanted}", comparison.sign()),
            Self::Contains(wanted) => format!("contains {}", quoted(wanted)),
            Self::Matches(pattern) => format!("matches {}", quoted(pattern.as_str())),
            Self::Function(_) => "the script's function".to_owned(),
        }
    }
}

/// Reads `< 500`; `None` if the text does not begin with a sign.
fn comparison(text: &str) -> Option<Result<Tolerance, String>> {
    let text = text.trim();
    let (comparison, rest) = Comparison::split(text)?;
    Some(match rest.trim().parse::<f64>() {
        Ok(wanted) if wanted.is_finite() => Ok(Tolerance::Compares(comparison, wanted)),
        _ => Err(format!(
            "{} compares with no number; write \"{} 500\"",
            quoted(text),
            comparison.sign()
        )),
    })
}

/// A text, number or boolean as JSON.
pub(super) fn scalar(value: &Value) -> Option<Json> {
    match value {
        Value::String(text) => Some(Json::String(text.to_string_lossy())),
        Value::Boolean(flag) => Some(Json::Bool(*flag)),
        Value::Integer(number) => Some(Json::from(*number)),
        Value::Number(number) => serde_json::Number::from_f64(*number).map(Json::Number),
        _ => None,
    }
}

fn number(answer: &Json) -> Option<f64> {
    match answer {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An answer as a text: a string as it is, anything else as JSON.
pub(super) fn text(answer: &Json) -> String {
    match answer {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.as_f64().map_or_else(
            || number.to_string(),
            |number| {
                let rounded = (number * 1e6).round() / 1e6;
                rounded.to_string()
            },
        ),
        other => other.to_string(),
    }
}

fn same(wanted: &Json, answer: &Json) -> bool {
    match (wanted, answer) {
        (Json::Number(wanted), Json::Number(answer)) => wanted.as_f64() == answer.as_f64(),
        (Json::String(wanted), Json::String(answer)) => wanted.trim() == answer.trim(),
        (wanted, answer) => wanted == answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Tolerance, String> {
        let lua = mlua::Lua::new();
        let value = lua.load(text).eval().unwrap();
        Tolerance::read(value, &mut Functions::default())
    }

    #[test]
    fn answers_are_held_to_what_was_written() {
        let table = [
            ("200", json!(200), true),
            ("200", json!(201), false),
            ("'ok'", json!("ok\n"), true),
            ("'ok'", json!("not ok"), false),
            ("true", json!(true), true),
            ("'< 500'", json!(499.5), true),
            ("'< 500'", json!(500), false),
            ("'>= 1'", json!("1"), true),
            ("'!= 0'", json!(0), false),
            ("{ min = 1, max = 3 }", json!(3), true),
            ("{ min = 1, max = 3 }", json!(3.5), false),
            ("{ min = 1 }", json!("text"), false),
            ("{ one_of = { 200, 204 } }", json!(204), true),
            ("{ one_of = { 'a', 'b' } }", json!("c"), false),
            ("{ contains = 'ell' }", json!("hello"), true),
            ("{ matches = '^h.*o$' }", json!("hello"), true),
            ("{ matches = '^x' }", json!("hello"), false),
            ("{ contains = 'a' }", json!(["a"]), true),
            ("'ok'", json!(null), false),
        ];
        for (written, answer, held) in table {
            let tolerance = read(written).unwrap();
            assert_eq!(tolerance.holds(&answer), held, "{written} {answer}");
            assert!(!tolerance.describe().is_empty());
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write() {
        for (written, expected) in [
            ("'< fast'", "compares with no number"),
            ("{}", "write a value"),
            ("{ mni = 1 }", "did you mean `min`?"),
            ("{ min = 3, max = 1 }", "`min` 3 is above `max` 1"),
            ("{ min = 'a' }", "`min` is no number"),
            ("{ one_of = {} }", "at least one"),
            ("{ one_of = 3 }", "is a list"),
            ("{ matches = '(' }", "is no regular expression"),
            ("{ contains = 3 }", "not a text"),
            ("{ min = 1, contains = 'a' }", "write a value"),
            ("nil", "got a nil"),
        ] {
            let problem = read(written).unwrap_err();
            assert!(problem.contains(expected), "{written}: {problem}");
        }
    }
}
