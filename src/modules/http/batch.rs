//! `http.batch`: several requests at once, in bounded numbers.

use std::collections::HashMap;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Method;
use mlua::{Lua, Result, Table, Value};

use super::send::{Answer, Prepared, prepare};
use super::spec::Spec;
use super::vm::Machine;
use crate::http::{Outcome, codes};
use crate::modules::words::kind;
use crate::script::phase::io;
use crate::script::{Task, current, interruptible, misuse};

/// How many requests are under way at once, in all and to one host.
const IN_ALL: usize = 20;
const PER_HOST: usize = 6;

const SPELLING: &str = "write { \"GET\", url, { … } }, { method = \"GET\", url = … } or just a URL";

/// One request of a batch: its key in the script's table, and what to send.
struct Entry {
    key: Value,
    prepared: Prepared,
}

/// Sends every request of a table; the responses have its keys.
pub(super) async fn batch(
    lua: &Lua,
    machine: &Machine,
    client: Option<&Spec>,
    what: &str,
    requests: Value,
) -> Result<Table> {
    io(lua, what)?;
    let task = current()?;
    let Value::Table(requests) = requests else {
        let got = kind(&requests);
        let message = format!("{what}: expected a table of requests, got {got}; {SPELLING}");
        return Err(misuse(lua, message));
    };
    let mut waiting = Vec::new();
    for pair in requests.pairs::<Value, Value>() {
        let (key, request) = pair?;
        let (method, url, options) = read(lua, what, &key, request)?;
        let prepared = prepare(lua, machine, &task, client, what, method, &url, &options)?;
        waiting.push(Entry { key, prepared });
    }
    let results = lua.create_table_with_capacity(waiting.len(), 0)?;
    let mut cut = false;
    for (key, prepared, outcome) in run(&task, waiting).await {
        let ok = prepared.record(machine, &task, &outcome);
        cut |= outcome.response.error_code == codes::CUT;
        let response = outcome.response;
        let answer = Answer { response, ok };
        results.raw_set(key, machine.shape.response(lua, answer)?)?;
    }
    if cut {
        interruptible(std::future::ready(())).await?;
    }
    Ok(results)
}

/// Runs them all, as many at once as is allowed, first come, first served.
async fn run(task: &Rc<Task>, mut waiting: Vec<Entry>) -> Vec<(Value, Prepared, Outcome)> {
    let mut running = FuturesUnordered::new();
    let mut hosts: HashMap<String, usize> = HashMap::new();
    let mut done = Vec::with_capacity(waiting.len());
    waiting.reverse();
    loop {
        let mut next = waiting.len();
        while next > 0 && running.len() < IN_ALL {
            next -= 1;
            let host = host(&waiting[next].prepared);
            let busy = hosts.entry(host.clone()).or_default();
            if *busy < PER_HOST {
                *busy += 1;
                let Entry { key, prepared } = waiting.remove(next);
                running.push(async move {
                    let outcome = prepared.perform(task).await;
                    (host, key, prepared, outcome)
                });
            }
        }
        let Some((host, key, prepared, outcome)) = running.next().await else {
            return done;
        };
        if let Some(busy) = hosts.get_mut(&host) {
            *busy -= 1;
        }
        done.push((key, prepared, outcome));
    }
}

fn host(prepared: &Prepared) -> String {
    let url = &prepared.request.url;
    url[..url::Position::AfterPort].to_owned()
}

/// One request: a URL, a list, or a table with names.
fn read(lua: &Lua, what: &str, key: &Value, request: Value) -> Result<(Method, Value, Value)> {
    let wrong = |problem: &str| {
        let key = super::read::shown(key);
        misuse(lua, format!("{what}: request {key}: {problem}; {SPELLING}"))
    };
    let table = match request {
        Value::String(_) => return Ok((Method::GET, request, Value::Nil)),
        Value::Table(table) => table,
        other => {
            return Err(wrong(&format!("expected a request, got {}", kind(&other))));
        }
    };
    let listed: Value = table.raw_get(1)?;
    let (method, url, options) = if listed.is_nil() {
        let options = lua.create_table()?;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            match &key {
                Value::String(name) if *name == "method" || *name == "url" => {}
                _ => options.raw_set(key, value)?,
            }
        }
        (
            table.raw_get("method")?,
            table.raw_get("url")?,
            Value::Table(options),
        )
    } else {
        (listed, table.raw_get(2)?, table.raw_get(3)?)
    };
    let method = match method {
        Value::Nil => Method::GET,
        Value::String(name) => {
            super::method(&name.to_string_lossy()).map_err(|problem| wrong(&problem))?
        }
        other => return Err(wrong(&format!("the method is {}", kind(&other)))),
    };
    Ok((method, url, options))
}
