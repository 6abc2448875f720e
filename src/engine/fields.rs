//! Reads the options of a declaration and goes on after a problem, so that all are told at once.

use std::time::Duration;

use mlua::{Lua, Table, Value};

use crate::base::units::Rate;
use crate::script::{FromOption, Options, Problems};

use super::arrivals::Stage;

/// The options of one declaration; what is wrong with them goes to a list.
pub struct Fields {
    options: Options,
}

impl Fields {
    /// Takes a table with the given keys.
    #[must_use]
    pub fn new(place: &str, keys: &[&str], lua: &Lua, given: Value, problems: &Problems) -> Self {
        Self {
            options: Options::collect(place.to_owned(), keys, lua, given, problems),
        }
    }

    /// Notes that an option is wrong.
    pub fn note(&self, key: &str, message: &str) {
        drop(self.options.invalid(key, message));
    }

    /// An option, if it is there and right.
    #[must_use]
    pub fn optional<T: FromOption>(&self, key: &str) -> Option<T> {
        // The problem, if there is one, is in the list.
        self.options.optional(key).ok().flatten()
    }

    /// An option, or its default.
    #[must_use]
    pub fn or<T: FromOption>(&self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// An option that must be there; the example shows how to write it.
    fn required<T: FromOption>(&self, key: &str, example: &str) -> Option<T> {
        if self.options.has(key) {
            return self.optional(key);
        }
        self.note(key, &format!("is required; write, for example, {example}"));
        None
    }

    /// A duration above zero that must be there.
    #[must_use]
    pub fn some_time(&self, key: &str) -> Duration {
        let time = self.required(key, "\"30s\"");
        if time == Some(Duration::ZERO) {
            self.note(key, "must be more than \"0s\"");
        }
        time.unwrap_or_default()
    }

    /// A rate above zero that must be there, in events per second.
    #[must_use]
    pub fn some_rate(&self, key: &str) -> f64 {
        let rate = self.required(key, "\"20/s\"").map(|rate: Rate| rate.0);
        if rate == Some(0.0) {
            self.note(key, "must be more than \"0/s\"");
        }
        rate.unwrap_or_default()
    }

    /// A whole number from 1, or its default.
    #[must_use]
    pub fn at_least_one<T: FromOption + Default + PartialEq>(&self, key: &str, default: T) -> T {
        let number = self.or(key, default);
        if number == T::default() {
            self.note(key, "must be at least 1");
        }
        number
    }

    /// A table of names and values, sorted by name; numbers and booleans become text.
    #[must_use]
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        self.or(key, std::collections::BTreeMap::new())
            .into_iter()
            .collect()
    }

    /// Stages whose targets are whole numbers of users.
    #[must_use]
    pub fn stages_of_users(&self) -> Vec<Stage> {
        self.stages(|stage| f64::from(stage.required("target", "20").unwrap_or(0_u32)))
    }

    /// Stages whose targets are rates.
    #[must_use]
    pub fn stages_of_rates(&self) -> Vec<Stage> {
        self.stages(|stage| {
            let target: Option<Rate> = stage.required("target", "\"20/s\"");
            target.map_or(0.0, |rate| rate.0)
        })
    }

    fn stages(&self, target: impl Fn(&Self) -> f64) -> Vec<Stage> {
        let example = "{ { duration = \"1m\", target = … } }";
        let Some(given) = self.required::<Value>("stages", example) else {
            return Vec::new();
        };
        let children = self.options.children("stages", &["duration", "target"]);
        let Ok(children) = children else {
            return Vec::new();
        };
        let stages: Vec<Stage> = children
            .into_iter()
            .map(|options| {
                let fields = Self { options };
                Stage {
                    duration: fields.required("duration", "\"30s\"").unwrap_or_default(),
                    target: target(&fields),
                }
            })
            .collect();
        if matches!(given, Value::Table(_)) && stages.is_empty() {
            self.note("stages", &format!("is empty; write {example}"));
        } else if stages.iter().all(|stage| stage.duration.is_zero()) {
            self.note("stages", "all of them together take no time");
        }
        stages
    }
}

/// Whether an option table has a key; for telling which load profile is meant.
#[must_use]
pub fn has(options: &Value, key: &str) -> bool {
    match options {
        Value::Table(table) => table
            .raw_get::<Value>(key)
            .is_ok_and(|value| !value.is_nil()),
        _ => false,
    }
}

/// Whether the first stage's target is a text such as `"20/s"`, so that it must be a rate.
#[must_use]
pub fn first_target_is_text(options: &Value) -> bool {
    let first = |table: &Table| -> mlua::Result<bool> {
        let stages: Table = table.raw_get("stages")?;
        let stage: Table = stages.raw_get(1)?;
        Ok(matches!(
            stage.raw_get::<Value>("target")?,
            Value::String(_)
        ))
    };
    match options {
        Value::Table(table) => first(table).unwrap_or(false),
        _ => false,
    }
}
