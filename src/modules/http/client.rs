//! `http.client { … }`: the same requests with options given once.

use std::rc::Rc;

use http::Method;
use mlua::{Lua, Result, UserData, UserDataMethods, UserDataRef, Value};

use super::spec::{CLIENT, Spec};
use super::vm::Machine;
use super::{METHODS, batch, send};
use crate::script::{current, misuse};

/// A client of a script; connections and cookies remain the virtual user's.
struct Client {
    machine: Rc<Machine>,
    spec: Spec,
}

/// Makes a client. Nothing is opened.
///
/// # Errors
///
/// Misuse: an option that a client cannot have.
pub(super) fn create(lua: &Lua, machine: &Rc<Machine>, options: &Value) -> Result<Value> {
    if !options.is_table() {
        let message = "http.client: expected a table of options; \
                       write http.client { base_url = \"http://host:port\" }";
        return Err(misuse(lua, message));
    }
    let task = current()?;
    let spec = Spec::read(lua, machine, &task.vu, "http.client", CLIENT, options)?;
    let machine = Rc::clone(machine);
    lua.create_userdata(Client { machine, spec })
        .map(Value::UserData)
}

impl UserData for Client {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        for (name, method) in METHODS {
            methods.add_async_method(*name, move |lua, this, arguments| {
                request(lua, this, name, method.clone(), arguments)
            });
        }
        methods.add_async_method(
            "request",
            |lua, this, (method, url, options): (String, Value, Value)| async move {
                let method = super::method(&method)
                    .map_err(|problem| misuse(&lua, format!("client:request: {problem}")))?;
                request(lua, this, "request", method, (url, options)).await
            },
        );
        methods.add_async_method("batch", |lua, this, requests: Value| async move {
            let client = Some(&this.spec);
            batch::batch(&lua, &this.machine, client, "client:batch", requests).await
        });
    }
}

async fn request(
    lua: Lua,
    this: UserDataRef<Client>,
    name: &str,
    method: Method,
    arguments: (Value, Value),
) -> Result<mlua::Table> {
    let what = format!("client:{name}");
    let client = Some(&this.spec);
    send::send(&lua, &this.machine, client, &what, method, arguments).await
}
