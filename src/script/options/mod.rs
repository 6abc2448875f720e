//! The options table of a native, read strictly: unknown keys first, then each value by its type.

mod convert;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, Table, Value};

pub use convert::{FromOption, shown};

use super::error::{Location, Misuse, here};
use super::task::misuse;
use crate::base::scale::TimeScale;
use crate::base::text::{nearest, quoted};

/// What other tools ask for where a fault is described; here it is said where the fault is injected.
const OF_INJECT: [&str; 4] = ["ttl", "hold", "duration", "must_hit"];

/// By how much this machine's scripts are shortened.
#[must_use]
pub fn time_scale(lua: &Lua) -> TimeScale {
    let found = lua.app_data_ref::<TimeScale>();
    found.map_or_else(TimeScale::default, |scale| *scale)
}

/// One thing that is wrong with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, beginning with the native's name.
    pub what: String,
    /// Where it was declared.
    pub at: Option<Location>,
}

/// Collects every problem of a script, where a first one must not end the reading.
#[derive(Debug, Clone, Default)]
pub struct Problems(Rc<RefCell<Vec<Problem>>>);

impl Problems {
    /// No problems yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&self, what: impl Into<String>, at: Option<Location>) {
        let what = what.into();
        self.0.borrow_mut().push(Problem { what, at });
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Those found so far, in order.
    #[must_use]
    pub fn list(&self) -> Vec<Problem> {
        self.0.borrow().clone()
    }
}

/// An options table whose keys are known to be allowed.
///
/// Every getter's error is a [`Misuse`] that names the native and the option.
#[derive(Debug)]
pub struct Options {
    what: Cow<'static, str>,
    /// Where this table lies in the native's options: empty, or `stages[2].`.
    path: String,
    table: Option<Table>,
    lua: Lua,
    problems: Option<Problems>,
}

impl Options {
    /// Takes the options of the native `what`; nil is an empty table.
    ///
    /// # Errors
    ///
    /// It is no table, or has a key that is not in `known`; the nearest known key is named.
    pub fn read(
        what: impl Into<Cow<'static, str>>,
        known: &[&str],
        lua: &Lua,
        value: Value,
    ) -> mlua::Result<Self> {
        let mut options = Self::empty(what.into(), lua, None);
        options.fill(known, value)?;
        Ok(options)
    }

    /// As [`Options::read`], but problems go to `problems`, those of the getters too. A getter then
    /// still returns an error, which the caller may drop.
    pub fn collect(
        what: impl Into<Cow<'static, str>>,
        known: &[&str],
        lua: &Lua,
        value: Value,
        problems: &Problems,
    ) -> Self {
        let mut options = Self::empty(what.into(), lua, Some(problems.clone()));
        // The problem is in the list.
        let _ = options.fill(known, value);
        options
    }

    fn empty(what: Cow<'static, str>, lua: &Lua, problems: Option<Problems>) -> Self {
        Self {
            what,
            path: String::new(),
            table: None,
            lua: lua.clone(),
            problems,
        }
    }

    fn fill(&mut self, known: &[&str], value: Value) -> mlua::Result<()> {
        let table = match value {
            Value::Nil => return Ok(()),
            Value::Table(table) => table,
            other => {
                let got = convert::shown(&other);
                return Err(if self.path.is_empty() {
                    self.wrong(format!("options are a table, got {got}"))
                } else {
                    let at = self.path.trim_end_matches('.').to_owned();
                    self.wrong(format!("option `{at}`: expected a table, got {got}"))
                });
            }
        };
        let mut first = Ok(());
        table.for_each(|key: Value, _: Value| {
            let Some(problem) = unknown(&self.what, &self.path, known, &key) else {
                return Ok(());
            };
            let error = self.wrong(problem);
            if first.is_ok() {
                first = Err(error);
            }
            Ok(())
        })?;
        self.table = Some(table);
        first
    }

    /// The option, or an error that it is missing.
    ///
    /// # Errors
    ///
    /// Missing, or not a `T`.
    pub fn required<T: FromOption>(&self, key: &str) -> mlua::Result<T> {
        self.optional(key)?.ok_or_else(|| {
            let path = &self.path;
            self.wrong(format!("option `{path}{key}` is missing"))
        })
    }

    /// The option, if it is there.
    ///
    /// # Errors
    ///
    /// Not a `T`.
    pub fn optional<T: FromOption>(&self, key: &str) -> mlua::Result<Option<T>> {
        let value = self.get_raw(key);
        if value.is_nil() {
            return Ok(None);
        }
        T::from_option(value)
            .map(Some)
            .map_err(|message| self.invalid(key, message))
    }

    /// How long something is held, or how often it is done: the option by the run's time scale.
    ///
    /// # Errors
    ///
    /// Not a duration.
    pub fn paced(&self, key: &str) -> mlua::Result<Option<Duration>> {
        let written: Option<Duration> = self.optional(key)?;
        Ok(written.map(|time| time_scale(&self.lua).of(time)))
    }

    /// The option as it stands; nil if it is not there.
    #[must_use]
    pub fn get_raw(&self, key: &str) -> Value {
        let found = self.table.as_ref().map(|table| table.raw_get(key));
        found.and_then(Result::ok).unwrap_or(Value::Nil)
    }

    /// Whether the option is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        !self.get_raw(key).is_nil()
    }

    /// A table inside this one.
    ///
    /// # Errors
    ///
    /// As [`Options::read`]; when collecting, never.
    pub fn child(&self, key: &str, known: &[&str]) -> mlua::Result<Option<Self>> {
        match self.get_raw(key) {
            Value::Nil => Ok(None),
            value => self.nested(format!("{key}."), known, value).map(Some),
        }
    }

    /// A list of tables inside this one; none if it is not there.
    ///
    /// # Errors
    ///
    /// Not a list, or as [`Options::read`]; when collecting, only the former.
    pub fn children(&self, key: &str, known: &[&str]) -> mlua::Result<Vec<Self>> {
        let items: Option<Vec<Value>> = self.optional(key)?;
        items
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(index, item)| self.nested(format!("{key}[{}].", index + 1), known, item))
            .collect()
    }

    fn nested(&self, below: String, known: &[&str], value: Value) -> mlua::Result<Self> {
        let problems = self.problems.clone();
        let mut inner = Self::empty(self.what.clone(), &self.lua, problems);
        inner.path = format!("{}{below}", self.path);
        match inner.fill(known, value) {
            Err(error) if self.problems.is_none() => Err(error),
            _ => Ok(inner),
        }
    }

    /// An error about one option: "netfault.latency: option `jitter`: …".
    pub fn invalid(&self, key: &str, message: impl std::fmt::Display) -> mlua::Error {
        let path = &self.path;
        self.wrong(format!("option `{path}{key}`: {message}"))
    }

    /// An error about the options as a whole: "netfault.latency: …".
    pub fn wrong(&self, message: impl std::fmt::Display) -> mlua::Error {
        let message = format!("{}: {message}", self.what);
        match &self.problems {
            Some(problems) => {
                problems.push(message.as_str(), here(&self.lua));
                mlua::Error::external(Misuse { message })
            }
            None => misuse(&self.lua, message),
        }
    }
}

/// Why a key is not allowed, if it is not.
fn unknown(what: &str, path: &str, known: &[&str], key: &Value) -> Option<String> {
    let Value::String(text) = key else {
        let shown = convert::shown(key);
        return Some(format!(
            "options are named `key = value`, got the key {shown}"
        ));
    };
    let bytes = text.as_bytes();
    if known.iter().any(|known| known.as_bytes() == &*bytes) {
        return None;
    }
    let name = text.to_string_lossy();
    let hint = hint(what, known, &name);
    let shown = quoted(&format!("{path}{name}"));
    let shown = shown.trim_matches('"');
    Some(format!("unknown option `{shown}`; {hint}"))
}

/// What to write instead of an unknown option.
fn hint(what: &str, known: &[&str], name: &str) -> String {
    let of_fault = ["netfault.", "stress."]
        .iter()
        .any(|it| what.starts_with(it));
    if of_fault && OF_INJECT.contains(&name) {
        let option = match name {
            "must_hit" => "must_hit = true",
            _ => "ttl = \"30s\"",
        };
        return format!("it is said where the fault is injected: inject(fault, {{ {option} }})");
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("the options are {}", known.join(", ")),
    }
}

/// A positional argument, such as the duration of `sleep("200ms")`.
///
/// # Errors
///
/// Not a `T`; the native and the position are named.
pub fn unit_arg<T: FromOption>(
    lua: &Lua,
    name: &str,
    position: usize,
    value: Value,
) -> mlua::Result<T> {
    T::from_option(value)
        .map_err(|message| misuse(lua, format!("{name}: argument {position}: {message}")))
}
