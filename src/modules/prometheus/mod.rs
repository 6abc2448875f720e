//! `prometheus`: what a Prometheus server knows, and what targets show; never part of the load.

mod channel;
mod connection;
mod exposition;
mod histogram;
mod probe;
mod query;
mod scrape;
mod state;
mod trouble;
mod wait;
mod watch;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, Result, Table, UserData, UserDataMethods, Value};

pub use self::probe::{KEYS as PROBE_KEYS, Server};

use self::channel::Clients;
use self::connection::{Connection, default_url};
use self::query::Span;
use self::state::{Alerts, choice};
use self::wait::{Wait, failed};
use crate::base::text::quoted;
use crate::script::phase::io;
use crate::script::{FromOption, Module, Options, interruptible, misuse};

/// Seen by scripts as the global `prometheus`.
pub const MODULE: Module = Module {
    name: "prometheus",
    open,
};

const CONNECT: &str = "prometheus.connect";
const WATCH: &str = "prometheus.watch";

/// The questions, which a connection and the module itself answer alike.
const CALLS: &[(&str, &str, Call)] = &[
    ("scalar", "prometheus.scalar", Call::Scalar),
    ("vector", "prometheus.vector", Call::Vector),
    ("range", "prometheus.range", Call::Range),
    ("alerts", "prometheus.alerts", Call::Alerts),
    ("wait_alert", "prometheus.wait_alert", Call::WaitAlert),
    ("wait_clear", "prometheus.wait_clear", Call::WaitClear),
    ("targets", "prometheus.targets", Call::Targets),
    ("rules", "prometheus.rules", Call::Rules),
    ("labels", "prometheus.labels", Call::Labels),
    ("label_values", "prometheus.label_values", Call::LabelValues),
    ("series", "prometheus.series", Call::Series),
];

#[derive(Debug, Clone, Copy)]
enum Call {
    Scalar,
    Vector,
    Range,
    Alerts,
    WaitAlert,
    WaitClear,
    Targets,
    Rules,
    Labels,
    LabelValues,
    Series,
}

/// A connection as scripts hold it.
struct Handle(Rc<Connection>);

/// The connection of the short forms, with the URL it was made for.
type Usual = RefCell<Option<(String, Rc<Connection>)>>;

fn open(lua: &Lua) -> Result<Table> {
    let clients = Arc::new(Clients::default());
    let exports = lua.create_table()?;
    let shared = Arc::clone(&clients);
    let connect = lua.create_function(move |lua, options: Value| {
        let connection = Connection::read(lua, &shared, CONNECT, options)?;
        lua.create_userdata(Handle(Rc::new(connection)))
    })?;
    exports.raw_set("connect", connect)?;
    let shared = Arc::clone(&clients);
    let scrape = lua.create_async_function(move |lua, arguments: (Value, Value)| {
        let clients = Arc::clone(&shared);
        async move {
            io(&lua, "prometheus.scrape")?;
            scrape::scrape(&lua, &clients, arguments).await
        }
    })?;
    exports.raw_set("scrape", scrape)?;
    let default: Rc<Usual> = Rc::default();
    let (usually, shared) = (Rc::clone(&default), Arc::clone(&clients));
    let watch = lua.create_function(move |lua, options: Value| {
        io(lua, WATCH)?;
        let connection = usual(lua, &usually, &shared, WATCH)?;
        let options = Options::read(WATCH, watch::KEYS, lua, options)?;
        watch::watch(lua, connection, WATCH, &options)
    })?;
    exports.raw_set("watch", watch)?;
    for (name, what, call) in CALLS {
        let (default, clients) = (Rc::clone(&default), Arc::clone(&clients));
        let function = lua.create_async_function(move |lua, arguments: (Value, Value)| {
            let connection = usual(&lua, &default, &clients, what);
            async move { ask(&lua, &*connection?, what, *call, arguments).await }
        })?;
        exports.raw_set(*name, function)?;
    }
    Ok(exports)
}

/// The connection of the short forms; a scenario may have an environment of its own.
fn usual(
    lua: &Lua,
    default: &Usual,
    clients: &Arc<Clients>,
    what: &'static str,
) -> Result<Rc<Connection>> {
    let url = default_url()?;
    let mut known = default.borrow_mut();
    if let Some((_, connection)) = known.as_ref().filter(|(same, _)| *same == url) {
        return Ok(Rc::clone(connection));
    }
    let connection = Rc::new(Connection::read(lua, clients, what, Value::Nil)?);
    *known = Some((url, Rc::clone(&connection)));
    Ok(connection)
}

impl UserData for Handle {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("watch", |lua, this, options: Value| {
            io(lua, WATCH)?;
            let options = Options::read(WATCH, watch::KEYS, lua, options)?;
            watch::watch(lua, Rc::clone(&this.0), WATCH, &options)
        });
        for (name, what, call) in CALLS {
            methods.add_async_method(
                *name,
                move |lua, this, arguments: (Value, Value)| async move {
                    let connection = Rc::clone(&this.0);
                    drop(this);
                    ask(&lua, &connection, what, *call, arguments).await
                },
            );
        }
    }
}

/// Answers one question.
async fn ask(
    lua: &Lua,
    connection: &Connection,
    what: &'static str,
    call: Call,
    (first, second): (Value, Value),
) -> Result<Value> {
    io(lua, what)?;
    let trouble = |error| failed(what, &error);
    let options = |keys: &[&str], value: Value| Options::read(what, keys, lua, value);
    match call {
        Call::Scalar | Call::Vector => {
            let query = text(lua, what, "the query", first)?;
            let at = query::moment(&options(&["at"], second)?, "at")?;
            let asked = query::instant(connection, &query, at.as_deref());
            let all = interruptible(asked).await?.map_err(trouble)?;
            if matches!(call, Call::Vector) {
                return query::vector_table(lua, &all);
            }
            let only = query::only(&query, &all).map_err(trouble)?;
            Ok(only.map_or(Value::Nil, Value::Number))
        }
        Call::Range => {
            let query = text(lua, what, "the query", first)?;
            let span = Span::read(&options(&["last", "step", "at"], second)?)?;
            let asked = query::range(connection, &query, &span);
            let all = interruptible(asked).await?.map_err(trouble)?;
            query::range_table(lua, &all)
        }
        Call::WaitAlert | Call::WaitClear => {
            let name = text(lua, what, "the alert's name", first)?;
            let clear = matches!(call, Call::WaitClear);
            let wait = Wait::read(what, name, clear, lua, second)?;
            wait.run(lua, connection).await
        }
        call => state_of(lua, connection, what, call, first).await,
    }
}

/// Answers a question about what is not samples.
async fn state_of(
    lua: &Lua,
    connection: &Connection,
    what: &'static str,
    call: Call,
    first: Value,
) -> Result<Value> {
    let trouble = |error| failed(what, &error);
    let options = |keys: &[&str], value: Value| Options::read(what, keys, lua, value);
    match call {
        Call::Alerts => {
            let wanted = Alerts::read(&options(&["state", "labels"], first)?)?;
            let data = interruptible(wanted.ask(connection)).await?;
            wanted.table(lua, &data.map_err(trouble)?)
        }
        Call::Targets => {
            let states = ["up", "down", "unknown", "active", "dropped"];
            let state = choice(&options(&["state"], first)?, "state", &states)?;
            let data = interruptible(state::targets(connection, state.as_deref())).await?;
            state::targets_table(lua, &data.map_err(trouble)?, state.as_deref())
        }
        Call::Rules => {
            let kind = choice(&options(&["type"], first)?, "type", &["alert", "record"])?;
            let data = interruptible(state::rules(connection, kind.as_deref())).await?;
            state::rules_table(lua, &data.map_err(trouble)?)
        }
        Call::LabelValues => {
            let name = text(lua, what, "the label's name", first)?;
            let path = ["label", &name, "values"];
            let data = interruptible(connection.get(&path, &[])).await?;
            state::names_table(lua, &data.map_err(trouble)?)
        }
        Call::Series => {
            let selectors = state::selectors(&first)
                .map_err(|problem| misuse(lua, format!("{what}: {problem}")))?;
            let form: Vec<_> = selectors
                .iter()
                .map(|one| ("match[]", one.as_str()))
                .collect();
            let data = interruptible(connection.post(&["series"], &form)).await?;
            state::series_table(lua, &data.map_err(trouble)?)
        }
        _ => {
            let data = interruptible(connection.get(&["labels"], &[])).await?;
            state::names_table(lua, &data.map_err(trouble)?)
        }
    }
}

/// A text that must be there.
fn text(lua: &Lua, what: &str, part: &str, value: Value) -> Result<String> {
    let text = String::from_option(value)
        .map_err(|problem| misuse(lua, format!("{what}: {part}: {problem}")))?;
    if text.trim().is_empty() {
        let message = format!("{what}: {part}: {} is empty", quoted(&text));
        return Err(misuse(lua, message));
    }
    Ok(text)
}
