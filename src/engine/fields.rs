//! Reads an option table of a declaration and notes every problem, instead of ending at the first.

use std::time::Duration;

use mlua::{Table, Value};

use crate::base::text::nearest;
use crate::base::units::{self, UnitError};

use super::arrivals::Stage;

/// The options of one declaration and what is wrong with them.
pub struct Fields {
    place: String,
    table: Option<Table>,
    problems: Vec<String>,
}

impl Fields {
    /// Takes a table with the given keys; unknown ones are noted at once.
    #[must_use]
    pub fn new(place: &str, keys: &[&str], given: Value) -> Self {
        let mut fields = Self {
            place: place.to_owned(),
            table: None,
            problems: Vec::new(),
        };
        match given {
            Value::Table(table) => {
                fields.reject_unknown(keys, &table);
                fields.table = Some(table);
            }
            Value::Nil => fields
                .problems
                .push(format!("{place}: the table of options is missing")),
            other => fields.problems.push(format!(
                "{place}: expected a table of options, got {}",
                other.type_name()
            )),
        }
        fields
    }

    /// Takes a table within this one, whose first element is read by the caller.
    #[must_use]
    pub fn nested(place: &str, keys: &[&str], table: &Table) -> Self {
        let mut fields = Self {
            place: place.to_owned(),
            table: Some(table.clone()),
            problems: Vec::new(),
        };
        fields.reject_unknown(keys, table);
        fields
    }

    /// Everything that is wrong.
    #[must_use]
    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// Takes over problems of a nested table.
    pub fn absorb(&mut self, problems: Vec<String>) {
        self.problems.extend(problems);
    }

    fn reject_unknown(&mut self, keys: &[&str], table: &Table) {
        let mut unknown: Vec<String> = table
            .pairs::<Value, Value>()
            .flatten()
            .filter_map(|(key, _)| match key {
                Value::String(key) => Some(key.to_string_lossy()),
                Value::Integer(1) => None,
                Value::Number(1.0) => None,
                other => Some(format!("{other:?}")),
            })
            .filter(|key| !keys.contains(&key.as_str()))
            .collect();
        // A Lua table has no order; messages have.
        unknown.sort();
        for key in unknown {
            let hint = hint(&key, keys);
            self.problems
                .push(format!("{}: unknown option `{key}`; {hint}", self.place));
        }
    }

    /// Notes that an option is wrong.
    pub fn note(&mut self, key: &str, message: &str) {
        self.problems
            .push(format!("{}: option `{key}`: {message}", self.place));
    }

    fn value(&self, key: &str) -> Value {
        self.table
            .as_ref()
            .and_then(|table| table.raw_get(key).ok())
            .unwrap_or(Value::Nil)
    }

    /// Reads a text with a unit; a bare number is told how to spell it.
    fn unit<T>(
        &mut self,
        key: &str,
        read: fn(&str) -> Result<T, UnitError>,
        what: &str,
    ) -> Option<T> {
        let text = match self.value(key) {
            Value::Nil => return None,
            Value::String(text) => text.to_string_lossy(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.to_string(),
            other => {
                let got = other.type_name();
                self.note(key, &format!("expected {what}, got {got}"));
                return None;
            }
        };
        match read(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.note(key, &error.to_string());
                None
            }
        }
    }

    /// A duration, if it is there.
    pub fn time(&mut self, key: &str) -> Option<Duration> {
        self.unit(key, units::duration, "a duration such as \"30s\"")
    }

    /// A duration, or its default.
    pub fn time_or(&mut self, key: &str, default: Duration) -> Duration {
        self.time(key).unwrap_or(default)
    }

    /// A duration above zero that must be there.
    pub fn some_time(&mut self, key: &str) -> Duration {
        let before = self.problems.len();
        match self.time(key) {
            Some(time) if !time.is_zero() => return time,
            Some(_) => self.note(key, "must be more than \"0s\""),
            None if self.problems.len() == before => {
                self.note(key, "is required; write, for example, \"30s\"");
            }
            None => {}
        }
        Duration::from_secs(1)
    }

    /// Events per second, or their default.
    pub fn rate_or(&mut self, key: &str, default: f64) -> f64 {
        self.unit(key, units::rate, "a rate such as \"20/s\"")
            .map_or(default, |rate| rate.0)
    }

    /// A rate above zero that must be there.
    pub fn some_rate(&mut self, key: &str) -> f64 {
        let before = self.problems.len();
        match self.unit(key, units::rate, "a rate such as \"20/s\"") {
            Some(rate) if rate.0 > 0.0 => return rate.0,
            Some(_) => self.note(key, "must be more than \"0/s\""),
            None if self.problems.len() == before => {
                self.note(key, "is required; write, for example, \"20/s\"");
            }
            None => {}
        }
        1.0
    }

    /// A whole number, if it is there and fits.
    fn whole<T: TryFrom<i64>>(&mut self, key: &str) -> Option<T> {
        match self.value(key) {
            Value::Nil => None,
            Value::Integer(number) => self.fitting(key, number),
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                self.fitting(key, number as i64)
            }
            Value::Number(number) => {
                self.note(key, &format!("{number} is not a whole number"));
                None
            }
            other => {
                let got = other.type_name();
                self.note(key, &format!("expected a whole number, got {got}"));
                None
            }
        }
    }

    fn fitting<T: TryFrom<i64>>(&mut self, key: &str, number: i64) -> Option<T> {
        let fitting = T::try_from(number).ok();
        if fitting.is_none() {
            let side = if number < 0 { "small" } else { "large" };
            self.note(key, &format!("{number} is too {side}"));
        }
        fitting
    }

    /// A whole number from 0, or its default.
    pub fn whole_or(&mut self, key: &str, default: u32) -> u32 {
        self.whole(key).unwrap_or(default)
    }

    /// A whole number from 1, or its default.
    pub fn at_least_one<T: TryFrom<i64> + Default + PartialEq>(&mut self, key: &str, default: T) -> T {
        match self.whole::<T>(key) {
            Some(number) if number == T::default() => {
                self.note(key, "must be at least 1");
                default
            }
            Some(number) => number,
            None => default,
        }
    }

    /// Yes or no, by default no.
    pub fn flag(&mut self, key: &str) -> bool {
        match self.value(key) {
            Value::Nil => false,
            Value::Boolean(flag) => flag,
            other => {
                let got = other.type_name();
                self.note(key, &format!("expected true or false, got {got}"));
                false
            }
        }
    }

    /// A text, if it is there. A bare number is told that it lacks a unit.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.value(key) {
            Value::Nil => None,
            Value::String(text) => Some(text.to_string_lossy()),
            Value::Integer(_) | Value::Number(_) => {
                self.time(key);
                None
            }
            other => {
                let got = other.type_name();
                self.note(key, &format!("expected a string, got {got}"));
                None
            }
        }
    }

    /// A table, if it is there.
    pub fn table(&mut self, key: &str) -> Option<Table> {
        match self.value(key) {
            Value::Nil => None,
            Value::Table(table) => Some(table),
            other => {
                let got = other.type_name();
                self.note(key, &format!("expected a table, got {got}"));
                None
            }
        }
    }

    /// A table of names and values, sorted by name; numbers and booleans become text.
    pub fn pairs(&mut self, key: &str) -> Vec<(String, String)> {
        let Some(table) = self.table(key) else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in table.pairs::<Value, Value>().flatten() {
            let Value::String(name) = name else {
                self.note(key, "its keys must be names: { team = \"checkout\" }");
                continue;
            };
            let value = match value {
                Value::String(text) => text.to_string_lossy(),
                Value::Integer(number) => number.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Boolean(flag) => flag.to_string(),
                other => {
                    let (name, got) = (name.to_string_lossy(), other.type_name());
                    self.note(key, &format!("`{name}`: expected a string, got {got}"));
                    continue;
                }
            };
            pairs.push((name.to_string_lossy(), value));
        }
        pairs.sort();
        pairs
    }

    /// Stages whose targets are whole numbers of users.
    pub fn stages_of_users(&mut self) -> Vec<Stage> {
        self.stages(|stage| f64::from(stage.whole::<u32>("target").unwrap_or_else(|| {
            stage.require("target", "20");
            0
        })))
    }

    /// Stages whose targets are rates.
    pub fn stages_of_rates(&mut self) -> Vec<Stage> {
        self.stages(|stage| {
            let before = stage.problems.len();
            let target = stage.rate_or("target", -1.0);
            if target < 0.0 && stage.problems.len() == before {
                stage.require("target", "\"20/s\"");
            }
            target.max(0.0)
        })
    }

    fn require(&mut self, key: &str, example: &str) {
        if matches!(self.value(key), Value::Nil) {
            self.note(key, &format!("is required; write, for example, {example}"));
        }
    }

    fn stages(&mut self, target: impl Fn(&mut Self) -> f64) -> Vec<Stage> {
        let example = "{ { duration = \"1m\", target = … } }";
        let before = self.problems.len();
        let Some(table) = self.table("stages") else {
            if self.problems.len() == before {
                self.note("stages", &format!("is required; write {example}"));
            }
            return Vec::new();
        };
        let mut stages = Vec::new();
        for (index, value) in table.sequence_values::<Value>().flatten().enumerate() {
            let Value::Table(stage) = value else {
                self.note("stages", &format!("each stage is a table; write {example}"));
                continue;
            };
            let place = format!("{}: stage {}", self.place, index + 1);
            let mut inner = Self::nested(&place, &["duration", "target"], &stage);
            inner.require("duration", "\"30s\"");
            stages.push(Stage {
                duration: inner.time_or("duration", Duration::ZERO),
                target: target(&mut inner),
            });
            self.absorb(inner.into_problems());
        }
        if stages.is_empty() && self.problems.len() == before {
            self.note("stages", &format!("is empty; write {example}"));
        }
        let total: Duration = stages.iter().map(|stage| stage.duration).sum();
        if total.is_zero() && self.problems.len() == before {
            self.note("stages", "all of them together take no time");
        }
        stages
    }
}

fn hint(key: &str, keys: &[&str]) -> String {
    if matches!(key, "pre_allocated_vus" | "preAllocatedVUs") && keys.contains(&"max_vus") {
        return "users are made as they are needed, up to `max_vus`".to_owned();
    }
    if matches!(key, "exec") && keys.contains(&"start_after") {
        return "the function is the third argument of `scenario`".to_owned();
    }
    if matches!(key, "time_unit" | "timeUnit") && keys.contains(&"max_vus") {
        return "the unit is in the rate: \"30/m\"".to_owned();
    }
    nearest(key, keys.iter().copied()).map_or_else(
        || format!("the options are {}", keys.join(", ")),
        |near| format!("did you mean `{near}`?"),
    )
}

/// Whether an option table has a key; for telling which load profile is meant.
#[must_use]
pub fn has(options: &Value, key: &str) -> bool {
    match options {
        Value::Table(table) => table.raw_get::<Value>(key).is_ok_and(|value| !value.is_nil()),
        _ => false,
    }
}

/// Whether the first stage's target is a text such as `"20/s"`, so that it must be a rate.
#[must_use]
pub fn first_target_is_text(options: &Value) -> bool {
    let first = |table: &Table| -> mlua::Result<bool> {
        let stages: Table = table.raw_get("stages")?;
        let stage: Table = stages.raw_get(1)?;
        Ok(matches!(stage.raw_get::<Value>("target")?, Value::String(_)))
    };
    match options {
        Value::Table(table) => first(table).unwrap_or(false),
        _ => false,
    }
}
