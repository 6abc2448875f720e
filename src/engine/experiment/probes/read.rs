//! `probe:http`, `probe:tcp` …: what `x:steady_state` gives its function, to declare probes with.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlua::{Function, Lua, Result, UserData, UserDataMethods, Value};

use super::{CommandProbe, HttpProbe, Kind, MetricProbe, Probe, PromqlProbe, TcpProbe};
use super::{command, http, metric};
use crate::base::text::quoted;
use crate::engine::experiment::tolerance::{Functions, Tolerance};
use crate::metrics::Aggregator;
use crate::modules::prometheus::PROBE_KEYS;
use crate::script::{FromOption, Options, current, misuse};

const WITHIN: Duration = Duration::from_secs(1);
/// Starting a program takes longer than a connection.
const COMMAND_WITHIN: Duration = Duration::from_secs(5);

/// A probe's options while they are read.
pub struct Read<'a> {
    pub(super) options: Options,
    pub(super) functions: &'a mut Functions,
}

impl Read<'_> {
    /// An option that is a tolerance.
    ///
    /// # Errors
    ///
    /// Misuse: it is none.
    pub(super) fn tolerance(&mut self, key: &str) -> Result<Option<Tolerance>> {
        match self.options.get_raw(key) {
            Value::Nil => Ok(None),
            value => Tolerance::read(value, self.functions)
                .map(Some)
                .map_err(|problem| self.options.invalid(key, problem)),
        }
    }
}

/// The probes declared so far, as scripts see them while they declare.
#[derive(Clone, Default)]
pub struct Declaring(Rc<RefCell<Vec<Probe>>>);

impl Declaring {
    /// What was declared.
    #[must_use]
    pub fn take(&self) -> Vec<Probe> {
        self.0.take()
    }

    /// Adds a probe whose kind `read` makes of its options.
    fn declare(
        &self,
        lua: &Lua,
        what: &'static str,
        keys: &[&str],
        (name, options): (Value, Value),
        read: impl FnOnce(&mut Read) -> Result<Kind>,
    ) -> Result<()> {
        let name = named(lua, what, name)?;
        if self.0.borrow().iter().any(|probe| probe.name == name) {
            let message = format!("{what}: there is a probe {} already", quoted(&name));
            return Err(misuse(lua, message));
        }
        let keys: Vec<&str> = keys.iter().copied().chain(["within"]).collect();
        let options = Options::read(what, &keys, lua, options)?;
        let within: Option<Duration> = options.optional("within")?;
        if within.is_some_and(|within| within.is_zero()) {
            return Err(options.invalid("within", "\"0s\" is too short; write \"1s\""));
        }
        let mut functions = lua.app_data_mut::<Functions>();
        let mut none = Functions::default();
        let mut reading = Read {
            options,
            functions: functions.as_deref_mut().unwrap_or(&mut none),
        };
        let kind = read(&mut reading)?;
        let usual = match kind {
            Kind::Command(_) => COMMAND_WITHIN,
            _ => WITHIN,
        };
        self.0.borrow_mut().push(Probe {
            name,
            kind,
            within: within.unwrap_or(usual),
        });
        Ok(())
    }
}

fn named(lua: &Lua, what: &str, name: Value) -> Result<String> {
    match name {
        Value::String(name) if !name.as_bytes().is_empty() => Ok(name.to_string_lossy()),
        other => {
            let got = crate::modules::words::kind(&other);
            let message = format!("{what}: the name is the first argument, got {got}");
            Err(misuse(lua, message))
        }
    }
}

fn text(lua: &Lua, what: &str, part: &str, value: Value) -> Result<String> {
    String::from_option(value).map_err(|problem| misuse(lua, format!("{what}: {part}: {problem}")))
}

impl UserData for Declaring {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method(
            "http",
            |lua, this, (name, url, options): (Value, Value, Value)| {
                let what = "probe:http";
                let url = text(lua, what, "the URL", url)?;
                this.declare(lua, what, http::KEYS, (name, options), |read| {
                    HttpProbe::read(read, &url).map(Kind::Http)
                })
            },
        );
        methods.add_method(
            "tcp",
            |lua, this, (name, address, options): (Value, Value, Value)| {
                let what = "probe:tcp";
                let address = text(lua, what, "the address", address)?;
                this.declare(lua, what, &[], (name, options), |read| {
                    TcpProbe::read(read, &address).map(Kind::Tcp)
                })
            },
        );
        methods.add_method(
            "metric",
            |lua, this, (name, selector, held, options): (Value, Value, Value, Value)| {
                let what = "probe:metric";
                let selector = text(lua, what, "the metric", selector)?;
                let held = text(lua, what, "the expression", held)?;
                let all = lua
                    .app_data_ref::<Arc<Mutex<Aggregator>>>()
                    .map(|all| all.clone());
                let Some(all) = all else {
                    return Err(misuse(lua, format!("{what}: there are no figures here")));
                };
                this.declare(lua, what, metric::KEYS, (name, options), |read| {
                    let mut figures = all.lock().unwrap_or_else(PoisonError::into_inner);
                    MetricProbe::read(read, &mut figures, &selector, &held).map(Kind::Metric)
                })
            },
        );
        methods.add_method(
            "promql",
            |lua, this, (name, query, held, options): (Value, Value, Value, Value)| {
                let what = "probe:promql";
                let query = text(lua, what, "the query", query)?;
                this.declare(lua, what, &PROBE_KEYS, (name, options), |read| {
                    PromqlProbe::read(read, &query, held).map(Kind::Promql)
                })
            },
        );
        outside(methods);
    }
}

/// The probes that start a program, or enter the script.
fn outside<M: UserDataMethods<Declaring>>(methods: &mut M) {
    methods.add_method(
        "command",
        |lua, this, (name, words, options): (Value, Value, Value)| {
            let what = "probe:command";
            let words = Vec::<String>::from_option(words).map_err(|problem| {
                misuse(
                    lua,
                    format!(
                        "{what}: the command: {problem}; write {{ \"program\", \"argument\" }}"
                    ),
                )
            })?;
            let folder = Arc::clone(&current()?.vu.folder);
            this.declare(lua, what, command::KEYS, (name, options), |read| {
                CommandProbe::read(read, words, folder).map(Kind::Command)
            })
        },
    );
    methods.add_method(
        "fn",
        |lua, this, (name, body, options): (Value, Value, Value)| {
            let what = "probe:fn";
            let Value::Function(body) = body else {
                let got = crate::modules::words::kind(&body);
                let message = format!("{what}: expected a function, got {got}");
                return Err(misuse(lua, message));
            };
            this.declare(lua, what, &["value"], (name, options), |read| {
                function(read, body)
            })
        },
    );
}

fn function(read: &mut Read, body: Function) -> Result<Kind> {
    let tolerance = read.tolerance("value")?;
    Ok(Kind::Function(read.functions.keep(body), tolerance))
}
