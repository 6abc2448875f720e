//! `http.cookies`: the virtual user's cookie jar, which begins each iteration empty.

use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, Result, Table, Value};
use url::Url;

use super::read;
use super::vm::Machine;
use crate::http::CookieOptions;
use crate::script::{Options, current, misuse};

/// The table `http.cookies`.
pub(super) fn open(lua: &Lua, machine: &Rc<Machine>) -> Result<Table> {
    let exports = lua.create_table()?;
    let shared = Rc::clone(machine);
    let get = lua.create_function(move |lua, (url, name): (Value, Value)| {
        let url = url_of(lua, &shared, "get", &url)?;
        let name = text(lua, "get", "name", &name)?;
        let task = current()?;
        Ok(task.vu.client.cookies().get(&url, &name).map(str::to_owned))
    })?;
    exports.raw_set("get", get)?;
    let shared = Rc::clone(machine);
    let list = lua.create_function(move |lua, url: Value| {
        let url = url_of(lua, &shared, "list", &url)?;
        let cookies = current()?.vu.client.cookies().list(&url);
        let table = lua.create_table()?;
        for (name, value) in cookies {
            // The first is the one with the longest path: the one that a server reads.
            if !table.contains_key(name.as_str())? {
                table.raw_set(name, value)?;
            }
        }
        Ok(table)
    })?;
    exports.raw_set("list", list)?;
    let shared = Rc::clone(machine);
    type Set = (Value, Value, Value, Value);
    let set = lua.create_function(move |lua, (url, name, value, options): Set| {
        let url = url_of(lua, &shared, "set", &url)?;
        let name = text(lua, "set", "name", &name)?;
        let value = text(lua, "set", "value", &value)?;
        set(lua, &url, &name, &value, options)
    })?;
    exports.raw_set("set", set)?;
    let clear = lua.create_function(|_, ()| {
        current()?.vu.client.reset_cookies();
        Ok(())
    })?;
    exports.raw_set("clear", clear)?;
    Ok(exports)
}

fn set(lua: &Lua, url: &Url, name: &str, value: &str, options: Value) -> Result<()> {
    let what = "http.cookies.set";
    let options = Options::read(what, &["domain", "path", "max_age", "secure"], lua, options)?;
    let options = CookieOptions {
        domain: options.optional("domain")?,
        path: options.optional("path")?,
        max_age: options.optional::<Duration>("max_age")?,
        secure: options.optional("secure")?.unwrap_or(false),
    };
    let bad = |text: &str| text.contains([';', '\r', '\n', '\0']);
    if name.is_empty() || bad(name) || name.contains('=') || bad(value) {
        let message = format!("{what}: a cookie has a name, no \";\" and no line break");
        return Err(misuse(lua, message));
    }
    let task = current()?;
    if task.vu.client.cookies().set(url, name, value, &options) {
        return Ok(());
    }
    let domain = crate::base::text::quoted(options.domain.as_deref().unwrap_or_default());
    let host = url.host_str().unwrap_or_default();
    Err(misuse(
        lua,
        format!("{what}: option `domain`: {domain} is not a domain of {host}"),
    ))
}

fn url_of(lua: &Lua, machine: &Machine, name: &str, url: &Value) -> Result<Rc<Url>> {
    read::text(url)
        .and_then(|text| machine.targets.find(&text))
        .map(|target| target.url)
        .map_err(|problem| misuse(lua, format!("http.cookies.{name}: {problem}")))
}

fn text(lua: &Lua, name: &str, argument: &str, value: &Value) -> Result<String> {
    read::plain(value)
        .map_err(|problem| misuse(lua, format!("http.cookies.{name}: {argument}: {problem}")))
}
