//! `netfault.proxy`: a TCP or UDP proxy in the agent, until its scope ends.

use std::sync::Arc;
use std::time::Duration;

use mlua::{Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::toxics;
use crate::agent::client::Held;
use crate::base::text::quoted;
use crate::fault::inline::{PROXY, ProxyFixture};
use crate::fault::proxy::{Address, Protocol, ProxyOptions};
use crate::fault::{Spec, Target};
use crate::modules::hold::{FaultValue, agents, ask, fixture, raise};
use crate::modules::target::TargetValue;
use crate::script::phase::io;
use crate::script::{Options, json};

const WHAT: &str = "netfault.proxy";

const KEYS: &[&str] = &[
    "name",
    "listen",
    "upstream",
    "protocol",
    "idle_timeout",
    "on",
];

/// Adds the native to the module.
pub fn open(lua: &Lua, exports: &Table) -> Result<()> {
    let proxy = lua.create_async_function(|lua, options| async move {
        io(&lua, WHAT)?;
        let (options, agent) = read(&lua, options)?;
        let upstream = options.upstream.clone();
        let label = format!("proxy {} to {upstream}", options.name);
        let spec = Spec::new(&PROXY, &options).map_err(|trouble| raise(&lua, WHAT, &trouble))?;
        let fault = FaultValue::new(WHAT, agent, spec, label);
        let held = fixture(&lua, WHAT, &fault).await?;
        Ok(Proxy {
            protocol: options.protocol,
            handle: Handle::new(held, options.name, upstream),
        })
    })?;
    exports.raw_set("proxy", proxy)
}

fn read(lua: &Lua, options: Value) -> Result<(ProxyFixture, String)> {
    let options = Options::read(WHAT, KEYS, lua, options)?;
    let protocol = match options.optional::<String>("protocol")? {
        None => Protocol::Tcp,
        Some(name) => Protocol::parse(&name).ok_or_else(|| {
            let text = format!("{} is none; write \"tcp\" or \"udp\"", quoted(&name));
            options.invalid("protocol", text)
        })?,
    };
    let idle_timeout: Option<Duration> = options.optional("idle_timeout")?;
    if idle_timeout.is_some() && protocol == Protocol::Tcp {
        let text = "a tcp connection lasts until its ends close it; leave it out";
        return Err(options.invalid("idle_timeout", text));
    }
    let upstream: String = options.required("upstream")?;
    let listen = listen(&options)?;
    for (key, text) in [("listen", &listen), ("upstream", &upstream)] {
        let address = check_address(&options, key, text)?;
        if protocol == Protocol::Udp && matches!(address, Address::Unix(_)) {
            let text = "a udp proxy has no unix sockets; write \"127.0.0.1:53\"";
            return Err(options.invalid(key, text));
        }
        if key == "upstream" && matches!(address, Address::Tcp { port: 0, .. }) {
            return Err(options.invalid(key, "nobody can be called at port 0"));
        }
    }
    let fixture = ProxyFixture {
        name: name(&options, "proxy")?,
        listen,
        upstream,
        protocol,
        idle_timeout: idle_timeout.unwrap_or(ProxyOptions::IDLE_TIMEOUT),
    };
    Ok((fixture, agent(&options)?))
}

/// Its name, which decides draws and is shown.
pub(super) fn name(options: &Options, default: &str) -> Result<String> {
    let name: Option<String> = options.optional("name")?;
    match name {
        Some(name) if name.trim().is_empty() => Err(options.invalid("name", "it is empty")),
        other => Ok(other.unwrap_or_else(|| default.to_owned())),
    }
}

/// Where it listens; without it a port of loopback that the system chooses.
pub(super) fn listen(options: &Options) -> Result<String> {
    let listen: Option<String> = options.optional("listen")?;
    let listen = listen.unwrap_or_else(|| "127.0.0.1:0".to_owned());
    check_address(options, "listen", &listen)?;
    Ok(listen)
}

fn check_address(options: &Options, key: &str, text: &str) -> Result<Address> {
    let parsed = match text {
        "" => Err("it is empty".to_owned()),
        text => Address::parse(text).map_err(|error| error.to_string()),
    };
    parsed.map_err(|error| {
        let text = format!("{error}; write \"127.0.0.1:5432\", \"[::1]:5432\" or \"unix:/path\"");
        options.invalid(key, text)
    })
}

/// The agent of the host that it lives on.
pub(super) fn agent(options: &Options) -> Result<String> {
    let Some(on) = options.optional::<TargetValue>("on")? else {
        return Ok(String::new());
    };
    if on.target == Target::Host {
        return Ok(on.agent);
    }
    let text = format!(
        "a proxy lives on a host, got {}; write host(\"db1\")",
        on.label()
    );
    Err(options.invalid("on", text))
}

/// What both kinds of proxies are to a script.
#[derive(Clone)]
pub(super) struct Handle {
    held: Arc<Held>,
    pub name: String,
    upstream: String,
}

impl Handle {
    pub fn new(held: Arc<Held>, name: String, upstream: String) -> Self {
        Self {
            held,
            name,
            upstream,
        }
    }

    /// The fixture's number in its agent.
    pub fn id(&self) -> u64 {
        self.held.facts()["id"].as_u64().unwrap_or(0)
    }

    /// The agent that holds it.
    pub fn agent(&self) -> &str {
        &self.held.order.agent
    }

    pub fn listen(&self) -> String {
        let facts = self.held.facts();
        facts["listen"].as_str().unwrap_or_default().to_owned()
    }
}

/// Adds what both kinds of proxies have.
pub(super) fn add_fields<T: 'static, F: UserDataFields<T>>(fields: &mut F, of: fn(&T) -> &Handle) {
    fields.add_field_method_get("name", move |_, this| Ok(of(this).name.clone()));
    fields.add_field_method_get("upstream", move |_, this| Ok(of(this).upstream.clone()));
    fields.add_field_method_get("listen", move |_, this| Ok(of(this).listen()));
}

/// Adds what both kinds of proxies can do.
pub(super) fn add_methods<T: 'static, M: UserDataMethods<T>>(
    methods: &mut M,
    what: &'static str,
    of: fn(&T) -> &Handle,
) {
    methods.add_async_method("close", move |lua, this, ()| {
        let handle = of(&this).clone();
        async move {
            let agents = agents(&lua, what)?;
            // Not interruptible: what is being closed is closed.
            let healed = agents.heal(&handle.held).await;
            healed.map_err(|trouble| raise(&lua, what, &trouble))
        }
    });
    methods.add_async_method("status", move |lua, this, ()| {
        let handle = of(&this).clone();
        async move {
            let id = serde_json::json!({"id": handle.id()});
            let status = ask(&lua, what, handle.agent(), "proxy.status", id).await?;
            json::told(&lua, status)
        }
    });
    methods.add_meta_method(MetaMethod::ToString, move |_, this, ()| {
        let handle = of(this);
        Ok(format!("proxy {} on {}", handle.name, handle.listen()))
    });
}

/// A TCP or UDP proxy.
pub(super) struct Proxy {
    pub protocol: Protocol,
    pub handle: Handle,
}

impl UserData for Proxy {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        add_fields(fields, |this: &Self| &this.handle);
        fields.add_field_method_get("protocol", |_, this| Ok(this.protocol.name()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        add_methods(methods, "proxy", |this: &Self| &this.handle);
        toxics::add_methods(methods);
    }
}
