//! `http`: requests of virtual users, measured; a failed request is a response that says so.

mod batch;
mod body;
mod client;
mod cookies;
mod detail;
mod expected;
mod multipart;
mod name;
mod read;
mod response;
mod samples;
mod send;
mod spec;
mod target;
mod transport;
mod vm;

use std::rc::Rc;

use http::Method;
use mlua::{Lua, Result, Table, Value};

use self::multipart::File;
use self::vm::Machine;
use crate::base::text::quoted;
use crate::script::{Module, current, misuse};

/// Seen by scripts as the global `http`.
pub const MODULE: Module = Module { name: "http", open };

/// The functions that are named after a method.
const METHODS: &[(&str, Method)] = &[
    ("get", Method::GET),
    ("post", Method::POST),
    ("put", Method::PUT),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
    ("head", Method::HEAD),
    ("options", Method::OPTIONS),
];

fn open(lua: &Lua) -> Result<Table> {
    let machine = Machine::new(lua)?;
    let exports = lua.create_table()?;
    for (name, method) in METHODS {
        let what: Rc<str> = format!("http.{name}").into();
        let sending = Rc::clone(&machine);
        let function = machine
            .shape
            .verb(lua, move |lua, (url, options): (Value, Value)| {
                send::begin(lua, &sending, None, &what, method.clone(), &url, &options)
            })?;
        exports.raw_set(*name, function)?;
    }
    let shared = Rc::clone(&machine);
    let request = lua.create_async_function(move |lua, (name, url, options)| {
        request(lua, Rc::clone(&shared), name, (url, options))
    })?;
    exports.raw_set("request", request)?;
    let shared = Rc::clone(&machine);
    let batch = lua.create_async_function(move |lua, requests: Value| {
        let machine = Rc::clone(&shared);
        async move { batch::batch(&lua, &machine, None, "http.batch", requests).await }
    })?;
    exports.raw_set("batch", batch)?;
    let shared = Rc::clone(&machine);
    let client =
        lua.create_function(move |lua, options: Value| client::create(lua, &shared, &options))?;
    exports.raw_set("client", client)?;
    exports.raw_set("file", lua.create_function(file)?)?;
    exports.raw_set("cookies", cookies::open(lua, &machine)?)?;
    Ok(exports)
}

async fn request(
    lua: Lua,
    machine: Rc<Machine>,
    name: Value,
    arguments: (Value, Value),
) -> Result<Table> {
    let what = "http.request";
    let method = read::text(&name)
        .and_then(|name| method(&name))
        .map_err(|problem| misuse(&lua, format!("{what}: {problem}")))?;
    send::send(&lua, &machine, None, what, method, arguments).await
}

/// A method by its name; the common ones may be written in lower case.
fn method(name: &str) -> read::Read<Method> {
    let upper = name.to_ascii_uppercase();
    let common = METHODS.iter().find(|(_, method)| method.as_str() == upper);
    if let Some((_, method)) = common {
        return Ok(method.clone());
    }
    Method::from_bytes(name.as_bytes()).map_err(|_| {
        format!(
            "{} is not a method; write \"GET\" or \"POST\"",
            quoted(name)
        )
    })
}

fn file(lua: &Lua, (first, second): (Value, Value)) -> Result<Value> {
    let task = current()?;
    let file = File::read(&task.vu.folder, &first, &second)
        .map_err(|problem| misuse(lua, format!("http.file: {problem}")))?;
    lua.create_userdata(file).map(Value::UserData)
}
