//! Responses as scripts see them: a table whose rarer fields are made when they are asked for.

use std::time::Duration;

use mlua::{BString, FromLuaMulti, Function, Lua, LuaString, Result, Table, Value};

use super::detail;
use super::send::Answer;
use crate::base::text::nearest;
use crate::http::Headers;
use crate::script::{Misuse, ScriptError, bridge, json, misuse};

/// Fields and methods, for messages.
const FIELDS: &[&str] = &[
    "status",
    "ok",
    "headers",
    "body",
    "error",
    "error_code",
    "duration",
    "timings",
    "url",
    "version",
    "remote_address",
    "json",
];

/// Where a response keeps what its rarer fields are made of.
pub(super) const DETAIL: &str = "_detail";

/// The keys and the metatable that all responses of one machine share.
#[derive(Debug)]
pub(super) struct Shape {
    status: LuaString,
    ok: LuaString,
    body: LuaString,
    duration: LuaString,
    error: LuaString,
    error_code: LuaString,
    detail: LuaString,
    metatable: Table,
}

impl Shape {
    pub(super) fn new(lua: &Lua) -> Result<Self> {
        let metatable = lua.create_table()?;
        let method = lua.create_function(json_of)?;
        let index = lua.create_function(move |lua, (response, key): (Table, Value)| {
            field(lua, &method, &response, &key)
        })?;
        metatable.raw_set("__index", index)?;
        metatable.raw_set("__type", "response")?;
        metatable.raw_set("__metatable", false)?;
        metatable.set_readonly(true);
        Ok(Self {
            status: lua.create_string("status")?,
            ok: lua.create_string("ok")?,
            body: lua.create_string("body")?,
            duration: lua.create_string("duration")?,
            error: lua.create_string("error")?,
            error_code: lua.create_string("error_code")?,
            detail: lua.create_string(DETAIL)?,
            metatable,
        })
    }

    /// The table of one response. The body becomes Lua's own, so that Lua's limit sees it.
    pub(super) fn response(&self, lua: &Lua, answer: Answer) -> Result<Table> {
        let Answer { response, ok } = answer;
        let table = lua.create_table_with_capacity(0, 7)?;
        table.raw_set(&self.status, response.status)?;
        table.raw_set(&self.ok, ok)?;
        table.raw_set(&self.body, lua.create_string(&response.body)?)?;
        table.raw_set(&self.duration, ms(response.timings.duration()))?;
        table.raw_set(&self.error_code, response.error_code)?;
        if let Some(error) = &response.error {
            table.raw_set(&self.error, error.as_str())?;
        }
        let packed = detail::pack(lua, &response)?;
        table.raw_set(&self.detail, packed)?;
        table.set_metatable(Some(self.metatable.clone()))?;
        Ok(table)
    }

    /// A native that sends a request; Luau makes the table of its response, which is cheaper.
    pub(super) fn verb<A: FromLuaMulti + 'static, F: Future<Output = Result<Answer>> + 'static>(
        &self,
        lua: &Lua,
        begin: impl Fn(&Lua, A) -> Result<F> + 'static,
    ) -> Result<Function> {
        let metatable = Value::Table(self.metatable.clone());
        bridge(lua, include_str!("verb.luau"), metatable, begin, parts)
    }
}

/// The fields of a response in the order in which `verb.luau` takes them.
type Parts = (
    u16,
    bool,
    Option<BString>,
    f64,
    u16,
    Option<String>,
    Option<LuaString>,
);

fn parts(lua: &Lua, Answer { response, ok }: Answer) -> Result<Parts> {
    let detail = detail::pack(lua, &response)?;
    Ok((
        response.status,
        ok,
        Some(response.body.into()),
        ms(response.timings.duration()),
        response.error_code,
        response.error,
        Some(detail),
    ))
}

/// Milliseconds, as scripts count times.
pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A field that is not there yet, or a method.
fn field(lua: &Lua, json: &Function, response: &Table, key: &Value) -> Result<Value> {
    let name = match key {
        Value::String(name) => name.to_string_lossy(),
        _ => return Ok(Value::Nil),
    };
    match name.as_str() {
        "json" => Ok(Value::Function(json.clone())),
        "error" => Ok(Value::Nil),
        "headers" | "timings" | "url" | "version" | "remote_address" => {
            let packed: LuaString = response.raw_get(DETAIL)?;
            let made = make(lua, &name, &packed.as_bytes())?;
            if !made.is_nil() && !response.is_readonly() {
                response.raw_set(key, &made)?;
            }
            Ok(made)
        }
        _ => {
            let hint = match nearest(&name, FIELDS.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields are {}", FIELDS.join(", ")),
            };
            Err(misuse(
                lua,
                format!("a response has no field `{name}`; {hint}"),
            ))
        }
    }
}

fn make(lua: &Lua, name: &str, packed: &[u8]) -> Result<Value> {
    let Some(detail) = detail::unpack(packed) else {
        return Ok(Value::Nil);
    };
    match name {
        "headers" => headers(lua, detail.headers).map(Value::Table),
        "timings" => timings(lua, &detail.timings).map(Value::Table),
        "url" => lua.create_string(detail.url).map(Value::String),
        "version" => lua.create_string(detail.version).map(Value::String),
        _ => match detail.remote {
            Some(address) => lua.create_string(address.to_string()).map(Value::String),
            None => Ok(Value::Nil),
        },
    }
}

/// Names in lower case; of several with one name the values are joined by ", ".
fn headers(lua: &Lua, packed: &[u8]) -> Result<Table> {
    let table = lua.create_table()?;
    for (name, value) in Headers::unpacked(packed) {
        let known: Option<LuaString> = table.raw_get(name)?;
        let value = match known {
            None => lua.create_string(value)?,
            Some(known) => {
                let joined = [&known.as_bytes(), &b", "[..], value].concat();
                lua.create_string(joined)?
            }
        };
        table.raw_set(name, value)?;
    }
    Ok(table)
}

fn timings(lua: &Lua, times: &[(&'static str, f64)]) -> Result<Table> {
    let table = lua.create_table_with_capacity(0, times.len())?;
    for (name, time) in times {
        table.raw_set(*name, *time)?;
    }
    Ok(table)
}

/// The body as JSON, or the part that a path names; nil and the reason if it is not JSON.
fn json_of(lua: &Lua, (response, path): (Table, Option<LuaString>)) -> Result<(Value, Value)> {
    let body: Value = response.raw_get("body")?;
    let Value::String(body) = body else {
        let message = "response:json(path?) is called with `:`, on a response with its body";
        return Err(misuse(lua, message));
    };
    let bytes = body.as_bytes();
    if bytes.is_empty() {
        let reason = lua.create_string("the body is empty")?;
        return Ok((Value::Nil, Value::String(reason)));
    }
    let found = match &path {
        None => json::decode(lua, &bytes),
        Some(path) => json::path(lua, &bytes, &path.to_string_lossy()),
    };
    match found {
        Ok(value) => Ok((value, Value::Nil)),
        Err(error) if error.downcast_ref::<Misuse>().is_some() => Err(error),
        Err(error) => {
            let reason = ScriptError::from_lua(&error).message;
            Ok((Value::Nil, Value::String(lua.create_string(reason)?)))
        }
    }
}
