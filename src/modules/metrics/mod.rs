//! `metrics`: a script's own metrics, and a look at any metric while the run goes on.

mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Lua, Result, Table, UserData, UserDataMethods, Value};

use crate::base::units;
use crate::metrics::{Kind, MetricId, Unit};
use crate::script::{FromOption, Module, Options, Phase, current, misuse};

/// Seen by scripts as the global `metrics`.
pub const MODULE: Module = Module {
    name: "metrics",
    open,
};

const KINDS: &[(&str, Kind)] = &[
    ("counter", Kind::Counter),
    ("gauge", Kind::Gauge),
    ("rate", Kind::Rate),
    ("trend", Kind::Trend),
];

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    for (name, kind) in KINDS {
        let define = lua.create_function(move |lua, (metric, options): (Value, Value)| {
            define(lua, *kind, metric, options)
        })?;
        exports.raw_set(*name, define)?;
    }
    exports.raw_set("get", lua.create_function(read::get)?)?;
    Ok(exports)
}

/// A metric of a script.
struct Metric {
    id: MetricId,
    kind: Kind,
    timed: bool,
}

/// Defines a metric; defining it alike again finds it.
fn define(lua: &Lua, kind: Kind, name: Value, options: Value) -> Result<Value> {
    let what = format!("metrics.{kind}");
    let name = String::from_option(name)
        .map_err(|problem| misuse(lua, format!("{what}: the name: {problem}")))?;
    let options = Options::read(what.clone(), &["unit"], lua, options)?;
    let unit: Option<String> = options.optional("unit")?;
    let unit = Unit::named(unit.as_deref().unwrap_or_default());
    let vu = &current()?.vu;
    // Later a threshold on it could not have been read, and its first samples would be missing.
    let late = matches!(
        vu.phase.get(),
        Phase::Iteration | Phase::Teardown | Phase::Summary
    );
    if late && vu.catalog.lookup(&name).is_none() {
        let message = format!("{what}: define {name:?} at the top level of the script");
        return Err(misuse(lua, message));
    }
    let timed = unit == Unit::Time;
    let id = vu
        .catalog
        .define(&name, kind, unit)
        .map_err(|error| misuse(lua, format!("{what}: {error}")))?;
    lua.create_userdata(Metric { id, kind, timed })
        .map(Value::UserData)
}

impl UserData for Metric {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("add", |lua, this, (value, tags): (Value, Value)| {
            this.add(lua, value, tags)
        });
    }
}

impl Metric {
    fn add(&self, lua: &Lua, value: Value, tags: Value) -> Result<()> {
        let task = current()?;
        if task.vu.phase.get() == Phase::VuTopLevel {
            return Ok(());
        }
        let value = self
            .sample(value)
            .map_err(|problem| self.wrong(lua, &problem))?;
        let mut set = task.tags.get();
        let mut recorder = task.vu.recorder.borrow_mut();
        if !tags.is_nil() {
            let tags = BTreeMap::<String, String>::from_option(tags)
                .map_err(|problem| self.wrong(lua, &format!("tags: {problem}")))?;
            let pairs: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (&**k, &**v)).collect();
            set = recorder.extend(set, &pairs);
        }
        let set = recorder.with_faults(set, Duration::ZERO);
        let series = recorder.series(self.id, set);
        recorder.add(series, value);
        Ok(())
    }

    fn sample(&self, value: Value) -> std::result::Result<f64, String> {
        match (self.kind, &value) {
            (Kind::Counter, Value::Nil) => Ok(1.0),
            (Kind::Rate, Value::Boolean(held)) => Ok(f64::from(u8::from(*held))),
            (Kind::Trend | Kind::Gauge, Value::String(text)) if self.timed => {
                let time: Duration =
                    units::duration(&text.to_string_lossy()).map_err(|error| error.to_string())?;
                Ok(time.as_secs_f64() * 1e3)
            }
            _ => f64::from_option(value).and_then(|number| match self.kind {
                Kind::Counter if number < 0.0 => {
                    Err(format!("{number} is negative, and a counter only grows"))
                }
                _ => Ok(number),
            }),
        }
    }

    fn wrong(&self, lua: &Lua, problem: &str) -> mlua::Error {
        misuse(lua, format!("{}:add: {problem}", self.kind))
    }
}
