//! The options table of a native, read strictly: unknown keys first, then each value by its type.

mod convert;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use mlua::{Lua, Table, Value};

pub use convert::FromOption;

use super::error::{Location, Misuse, here};
use super::task::misuse;
use crate::base::text::{nearest, quoted};

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
            let Some(problem) = unknown(&self.path, known, &key) else {
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
fn unknown(path: &str, known: &[&str], key: &Value) -> Option<String> {
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
    let hint = match nearest(&name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("the options are {}", known.join(", ")),
    };
    let shown = quoted(&format!("{path}{name}"));
    let shown = shown.trim_matches('"');
    Some(format!("unknown option `{shown}`; {hint}"))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::base::units::{Bandwidth, Bytes, Rate, Share};
    use crate::script::ScriptError;
    use crate::script::testing::Bench;

    fn options(text: &str, known: &[&str]) -> mlua::Result<Options> {
        let lua = Lua::new();
        let value: Value = lua.load(text).eval()?;
        Options::read("netfault.latency", known, &lua, value)
    }

    fn message<T: FromOption>(value: &str) -> String {
        let options = options(&format!("{{ delay = {value} }}"), &["delay"]).unwrap();
        match options.required::<T>("delay") {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn values_are_read_by_type() {
        let text = "{ d = '250ms', b = '64MiB', w = '10mbit', r = '30/m', s = '30%', f = true,
                      n = 3, x = 1.5, t = 'text', l = { 'a', 'b' }, m = { a = 'x', b = 2 } }";
        let known = ["d", "b", "w", "r", "s", "f", "n", "x", "t", "l", "m", "z"];
        let o = options(text, &known).unwrap();
        assert_eq!(
            o.required::<Duration>("d").unwrap(),
            Duration::from_millis(250)
        );
        assert_eq!(o.required::<Bytes>("b").unwrap(), Bytes(64 << 20));
        assert_eq!(o.required::<Bandwidth>("w").unwrap(), Bandwidth(1.25e6));
        assert_eq!(o.required::<Rate>("r").unwrap(), Rate(0.5));
        assert_eq!(o.required::<Share>("s").unwrap(), Share(0.3));
        assert!(o.required::<bool>("f").unwrap());
        assert_eq!(o.required::<u32>("n").unwrap(), 3);
        assert!((o.required::<f64>("x").unwrap() - 1.5).abs() < 1e-9);
        assert_eq!(o.required::<String>("t").unwrap(), "text");
        assert_eq!(o.required::<Vec<String>>("l").unwrap(), ["a", "b"]);
        let map: BTreeMap<String, String> = o.required("m").unwrap();
        assert_eq!(map["b"], "2");
        assert_eq!(o.optional::<u64>("z").unwrap(), None);
        assert!(o.has("d") && !o.has("z"));
    }

    #[test]
    fn a_missing_unit_shows_the_right_spelling() {
        let start = "netfault.latency: option `delay`: ";
        for (value, expected) in [
            ("'250'", "\"250\" has no unit; write \"250ms\" or \"250s\""),
            ("250", "250 has no unit; write \"250ms\" or \"250s\""),
            ("{}", "expected a duration such as \"250ms\", got a table"),
        ] {
            assert_eq!(message::<Duration>(value), format!("{start}{expected}"));
        }
        assert!(message::<Rate>("200").contains("200 has no unit; write \"200/s\""));
        assert!(message::<Share>("30").contains("30 has no unit; write \"30%\""));
        assert!(message::<Share>("0.3").contains("write \"30%\""));
        assert!(message::<Bytes>("64").contains("64 has no unit; write \"64B\""));
    }

    #[test]
    fn wrong_types_are_refused() {
        assert!(message::<u64>("5.5").ends_with("5.5 is not a whole number"));
        assert!(message::<u64>("-1").ends_with("-1 is negative"));
        assert!(message::<u32>("5000000000").ends_with("is too large; at most 4294967295"));
        assert!(message::<u64>("'5'").ends_with("expected a whole number, got \"5\""));
        assert!(message::<f64>("0/0").ends_with("is not a finite number"));
        assert!(message::<bool>("1").ends_with("expected true or false, got 1"));
        assert!(message::<String>("5").ends_with("expected a string, got 5"));
        assert!(message::<Vec<u64>>("{1, 2.5}").ends_with("item 2: 2.5 is not a whole number"));
        assert!(message::<Vec<u64>>("{a = 1}").ends_with("expected a list, got the key \"a\""));
        assert!(message::<mlua::Function>("1").ends_with("expected a function, got 1"));
    }

    #[test]
    fn unknown_keys_come_first_with_the_nearest_known() {
        let error = options("{ dealy = '1s' }", &["delay", "jitter"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "netfault.latency: unknown option `dealy`; did you mean `delay`?"
        );
        let error = options("{ banana = 1 }", &["delay", "jitter"]).unwrap_err();
        assert!(error.to_string().ends_with("the options are delay, jitter"));
        assert!(options("{ 'delay' }", &["delay"]).is_err());
        assert!(
            options("5", &["delay"])
                .unwrap_err()
                .to_string()
                .contains("are a table, got 5")
        );
        let missing = options("nil", &["delay"]).unwrap();
        let error = missing.required::<Duration>("delay").unwrap_err();
        assert_eq!(
            error.to_string(),
            "netfault.latency: option `delay` is missing"
        );
    }

    #[test]
    fn every_problem_is_collected() {
        let lua = Lua::new();
        let text = "{ vus = 1.5, rate = 5, stagse = 1,
                      stages = { { target = 'x' }, { durration = 1 }, 3 } }";
        let value: Value = lua.load(text).eval().unwrap();
        let problems = Problems::new();
        let known = ["vus", "rate", "stages"];
        let options = Options::collect("scenario", &known, &lua, value, &problems);
        assert!(options.required::<u64>("vus").is_err());
        assert!(options.optional::<Rate>("rate").is_err());
        let stages = options.children("stages", &["target", "duration"]).unwrap();
        assert_eq!(stages.len(), 3);
        assert!(stages[0].required::<u64>("target").is_err());
        assert!(
            stages[1]
                .optional::<Duration>("duration")
                .unwrap()
                .is_none()
        );
        let found: Vec<_> = problems.list().into_iter().map(|p| p.what).collect();
        let expected = [
            "scenario: unknown option `stagse`; did you mean `stages`?",
            "scenario: option `vus`: 1.5 is not a whole number",
            "scenario: option `rate`: 5 has no unit; write \"5/s\" or \"5/m\"",
            "scenario: unknown option `stages[2].durration`; did you mean `duration`?",
            "scenario: option `stages[3]`: expected a table, got 3",
            "scenario: option `stages[1].target`: expected a whole number, got \"x\"",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn misuse_cannot_be_caught() {
        let bench = Bench::new();
        let sleep = |lua: &Lua, value: Value| {
            unit_arg::<Duration>(lua, "sleep", 1, value).map(|time| time.as_secs_f64())
        };
        let function = bench.vm.lua().create_function(sleep).unwrap();
        let source = bench.sources.insert(
            "main.lua",
            "local sleep = ...\nwhile true do\n pcall(sleep, 250)\nend",
        );
        let (body, _) = bench.vm.load(&source).unwrap().instance().unwrap();
        let error: ScriptError = bench.block_on(body.call_async::<()>(function)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "main.lua:3: sleep: argument 1: 250 has no unit; write \"250ms\" or \"250s\""
        );
    }
}
