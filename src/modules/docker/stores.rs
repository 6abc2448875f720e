//! `docker.secret`, `docker.config`, `docker.network`: what services of a swarm need, made by a script or lost.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mlua::Value;
use mlua::{
    AnyUserData, Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods,
};
use serde_json::{Value as Json, json};

use super::fixtures::{make, name, place, strings};
use super::select::{agent, engine};
use super::swarm::{Named, list, table};
use crate::fault::docker::{
    CONFIG, CONFIG_LOSS, Config, ConfigLoss, LostConfig, LostNetwork, LostSecret, NETWORK_LOSS,
    NetworkLoss, SECRET, SECRET_LOSS, Secret, SecretLoss,
};
use crate::modules::hold::{FaultValue, ask};
use crate::script::phase::io;
use crate::script::{Options, misuse};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Secret,
    Config,
    Network,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
            Self::Network => "network",
        }
    }

    const fn native(self) -> &'static str {
        match self {
            Self::Secret => "docker.secret",
            Self::Config => "docker.config",
            Self::Network => "docker.network",
        }
    }

    const fn inspect(self) -> (&'static str, &'static str) {
        match self {
            Self::Secret => ("docker.secret:inspect", "docker.secrets"),
            Self::Config => ("docker.config:inspect", "docker.configs"),
            Self::Network => ("docker.network:inspect", "docker.networks"),
        }
    }
}

/// One of them, by its name.
struct Handle {
    what: What,
    named: Named,
}

impl Handle {
    fn loss(&self, lua: &Lua, removed: bool, file: Option<PathBuf>) -> Result<FaultValue> {
        let Named { engine, name, .. } = self.named.clone();
        let verb = if removed { "remove" } else { "detach" };
        let label = format!("{verb} {} {name}", self.what.word());
        match self.what {
            What::Secret => {
                let lost = LostSecret::new(engine, name, removed, SecretLoss::new(file));
                self.named.fault(lua, &SECRET_LOSS, &lost, label)
            }
            What::Config => {
                let lost = LostConfig::new(engine, name, removed, ConfigLoss {});
                self.named.fault(lua, &CONFIG_LOSS, &lost, label)
            }
            What::Network => {
                let lost = LostNetwork::new(engine, name, removed, NetworkLoss::default());
                self.named.fault(lua, &NETWORK_LOSS, &lost, label)
            }
        }
    }

    fn remove(&self, lua: &Lua, options: Value) -> Result<FaultValue> {
        if self.what != What::Secret {
            if !options.is_nil() {
                let native = self.what.native();
                return Err(misuse(lua, format!("{native}:remove takes no options")));
            }
            return self.loss(lua, true, None);
        }
        let options = Options::read("docker.secret:remove", &["file"], lua, options)?;
        let file = match options.has("file") {
            true => Some(place(&options, "file", &self.named.agent)?),
            false => None,
        };
        self.loss(lua, true, file)
    }
}

impl UserData for Handle {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("name", |_, this| Ok(this.named.name.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("detach", |lua, this, ()| this.loss(lua, false, None));
        methods.add_method("remove", |lua, this, options: Value| {
            this.remove(lua, options)
        });
        methods.add_async_method("inspect", |lua, this, ()| async move {
            let (named, (what, query)) = (this.named.clone(), this.what.inspect());
            drop(this);
            let told = named.ask(&lua, what, query).await?;
            shown(&lua, &told)
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("{} {}", this.what.word(), this.named.name))
        });
    }
}

/// A table of what is known of one, with its data as it is, which need not be text.
fn shown(lua: &Lua, told: &Json) -> Result<Value> {
    let mut told = told.clone();
    let data = told["data"].as_str().map(str::to_owned);
    if let Some(fields) = told.as_object_mut() {
        fields.remove("data");
    }
    let value = table(lua, &told)?;
    if let (Value::Table(table), Some(data)) = (&value, data) {
        let data = BASE64_STANDARD
            .decode(data)
            .map_err(mlua::Error::external)?;
        table.raw_set("data", lua.create_string(data)?)?;
    }
    Ok(value)
}

fn handle(lua: &Lua, what: What, name: Value, options: Value) -> Result<AnyUserData> {
    let named = Named::read(lua, what.native(), name, options)?;
    lua.create_userdata(Handle { what, named })
}

/// A network that is there already.
pub(super) fn network(lua: &Lua, name: Value, options: Value) -> Result<AnyUserData> {
    handle(lua, What::Network, name, options)
}

/// One that is there, by its name, or a new one.
async fn store(lua: Lua, what: What, (options, more): (Value, Value)) -> Result<AnyUserData> {
    if !matches!(options, Value::Table(_)) {
        return handle(&lua, what, options, more);
    }
    let keys = ["name", "data", "labels", "engine", "on"];
    let options = Options::read(what.native(), &keys, &lua, options)?;
    let (agent, engine) = (agent(&options)?, engine(&options)?);
    let (name, labels) = (name(&options)?, strings(&options, "labels")?);
    let data = match options.get_raw("data") {
        // Not text necessarily.
        Value::String(data) => BASE64_STANDARD.encode(data.as_bytes()),
        _ => {
            let data: String = options.required("data")?;
            BASE64_STANDARD.encode(data)
        }
    };
    let label = format!("{} {name}", what.word());
    let on = engine.clone();
    let held = if what == What::Secret {
        let secret = Secret::new(on, name, data, labels);
        make(&lua, &SECRET, &agent, &secret, label).await?
    } else {
        let config = Config::new(on, name, data, labels);
        make(&lua, &CONFIG, &agent, &config, label).await?
    };
    let facts = held.facts();
    let name = facts["name"].as_str().unwrap_or_default().to_owned();
    let named = Named {
        agent,
        engine,
        name,
    };
    lua.create_userdata(Handle { what, named })
}

async fn all(lua: Lua, what: &'static str, options: Value) -> Result<Table> {
    let options = Options::read(what, &["engine", "on"], &lua, options)?;
    let (agent, engine) = (agent(&options)?, engine(&options)?);
    io(&lua, what)?;
    let told = ask(&lua, what, &agent, what, json!({"engine": engine})).await?;
    let all = told.as_array().into_iter().flatten();
    let all = all
        .map(|one| shown(&lua, one))
        .collect::<Result<Vec<_>>>()?;
    lua.create_sequence_from(all)
}

/// Adds the natives.
pub(super) fn add(lua: &Lua, exports: &Table) -> Result<()> {
    let secret = lua.create_async_function(|lua, said| store(lua, What::Secret, said))?;
    exports.raw_set("secret", secret)?;
    let config = lua.create_async_function(|lua, said| store(lua, What::Config, said))?;
    exports.raw_set("config", config)?;
    let secrets = lua.create_async_function(|lua, said| all(lua, "docker.secrets", said))?;
    exports.raw_set("secrets", secrets)?;
    let configs = lua.create_async_function(|lua, said| all(lua, "docker.configs", said))?;
    exports.raw_set("configs", configs)?;
    let networks = lua.create_async_function(|lua, said| list(lua, "docker.networks", said))?;
    exports.raw_set("networks", networks)?;
    Ok(())
}
