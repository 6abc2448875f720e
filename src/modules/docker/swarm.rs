//! `docker.service`, `docker.node`: what a swarm runs, as targets of faults of its own.

use std::time::Duration;

use mlua::{
    AnyUserData, Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods, Value,
};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::select::{agent, engine};
use crate::base::units::{Bytes, show_duration};
use crate::fault::docker::{
    Availability, Change, LostService, NODE, Node, NodeChange, Role, SERVICE, SERVICE_LOSS,
    Service, ServiceLoss,
};
use crate::fault::{Kind, Spec, Trouble};
use crate::modules::hold::{FaultValue, ask, raise};
use crate::script::phase::io;
use crate::script::{FromOption, Options, interruptible, json as lua_json, misuse};

/// Something of a swarm, known by its name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) agent: String,
    pub(super) engine: Option<String>,
    pub(super) name: String,
}

impl Named {
    pub(super) fn read(lua: &Lua, what: &'static str, name: Value, options: Value) -> Result<Self> {
        let name = String::from_option(name)
            .map_err(|problem| misuse(lua, format!("{what}: the name: {problem}")))?;
        let options = Options::read(what, &["engine", "on"], lua, options)?;
        Ok(Self {
            agent: agent(&options)?,
            engine: engine(&options)?,
            name,
        })
    }

    pub(super) async fn ask(&self, lua: &Lua, what: &str, query: &str) -> Result<Json> {
        io(lua, what)?;
        let options = json!({"engine": self.engine, "name": self.name});
        ask(lua, what, &self.agent, query, options).await
    }

    pub(super) fn fault(
        &self,
        lua: &Lua,
        kind: &'static Kind,
        options: &impl Serialize,
        label: String,
    ) -> Result<FaultValue> {
        let spec = Spec::new(kind, options).map_err(|trouble| raise(lua, kind.name, &trouble))?;
        Ok(FaultValue::new(kind.name, self.agent.clone(), spec, label))
    }
}

pub(super) fn table(lua: &Lua, told: &Json) -> Result<Value> {
    lua_json::told(lua, told.clone())
}

struct ServiceHandle(Named);

impl ServiceHandle {
    fn change(&self, lua: &Lua, change: Change, label: &str) -> Result<FaultValue> {
        let Named { engine, name, .. } = self.0.clone();
        let label = label.replacen("{}", &format!("service {name}"), 1);
        let options = Service {
            engine,
            name,
            change,
        };
        self.0.fault(lua, &SERVICE, &options, label)
    }

    fn limit(&self, lua: &Lua, options: Value) -> Result<FaultValue> {
        let options = Options::read("docker.service:limit", &["cpus", "memory"], lua, options)?;
        let cpus: Option<f64> = options.optional("cpus")?;
        let memory: Option<Bytes> = options.optional("memory")?;
        if cpus.is_none() && memory.is_none() {
            return Err(options.wrong("say which limit: cpus, memory"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "billionths of processors")]
        let nano_cpus = cpus.map(|cpus| (cpus * 1e9).round() as i64);
        let memory = memory.map(|Bytes(bytes)| i64::try_from(bytes).unwrap_or(i64::MAX));
        self.change(lua, Change::Limits { nano_cpus, memory }, "limit {}")
    }
}

impl UserData for ServiceHandle {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("name", |_, this| Ok(this.0.name.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("scale", |lua, this, replicas: Value| {
            let replicas = u32::from_option(replicas).map_err(|problem| {
                misuse(lua, format!("docker.service:scale: replicas: {problem}"))
            })?;
            let label = format!("scale {{}} to {replicas}");
            this.change(lua, Change::Replicas(replicas.into()), &label)
        });
        methods.add_method("limit", |lua, this, options: Value| {
            this.limit(lua, options)
        });
        methods.add_method("update", |lua, this, options: Value| {
            let options = Options::read("docker.service:update", &["image"], lua, options)?;
            let image: String = options.required("image")?;
            let label = format!("update {{}} to {image}");
            this.change(lua, Change::Image(image), &label)
        });
        methods.add_method("restart", |lua, this, ()| {
            this.change(lua, Change::Restart, "restart {}")
        });
        methods.add_method("rollback", |lua, this, ()| {
            this.change(lua, Change::Rollback, "roll back {}")
        });
        methods.add_method("remove", |lua, this, ()| {
            let Named { engine, name, .. } = this.0.clone();
            let label = format!("remove service {name}");
            let lost = LostService::new(engine, name, true, ServiceLoss {});
            this.0.fault(lua, &SERVICE_LOSS, &lost, label)
        });
        methods.add_async_method("inspect", |lua, this, ()| async move {
            let named = this.0.clone();
            drop(this);
            let told = named.ask(&lua, "docker.service:inspect", "docker.services");
            table(&lua, &told.await?)
        });
        methods.add_async_method("tasks", |lua, this, ()| async move {
            let named = this.0.clone();
            drop(this);
            let told = named.ask(&lua, "docker.service:tasks", "docker.tasks");
            table(&lua, &told.await?)
        });
        methods.add_async_method("wait_converged", |lua, this, options: Value| async move {
            let named = this.0.clone();
            drop(this);
            wait_converged(&lua, &named, options).await
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("service {}", this.0.name))
        });
    }
}

/// Waits until as many tasks run as are wanted, all of the newest version.
async fn wait_converged(lua: &Lua, named: &Named, options: Value) -> Result<()> {
    const WHAT: &str = "docker.service:wait_converged";
    let options = Options::read(WHAT, &["within"], lua, options)?;
    let limit = options.optional("within")?;
    let limit = limit.unwrap_or(Duration::from_secs(60));
    let end = Instant::now() + limit;
    loop {
        let told = named.ask(lua, WHAT, "docker.services").await?;
        if told["converged"] == true {
            return Ok(());
        }
        if Instant::now() > end {
            let text = format!(
                "{WHAT}: {} of {} tasks of service {} run after {}",
                told["running"],
                told["replicas"],
                named.name,
                show_duration(limit)
            );
            return Err(raise(lua, WHAT, &Trouble::Failed(text)));
        }
        interruptible(tokio::time::sleep(Duration::from_millis(250))).await?;
    }
}

struct NodeHandle(Named);

impl UserData for NodeHandle {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("name", |_, this| Ok(this.0.name.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        let all = [
            ("drain", NodeChange::Availability(Availability::Drain)),
            ("pause", NodeChange::Availability(Availability::Pause)),
            ("activate", NodeChange::Availability(Availability::Active)),
            ("promote", NodeChange::Role(Role::Manager)),
            ("demote", NodeChange::Role(Role::Worker)),
        ];
        for (verb, change) in all {
            methods.add_method(verb, move |lua, this, ()| {
                let Named { engine, name, .. } = this.0.clone();
                let label = format!("{verb} node {name}");
                let options = Node {
                    engine,
                    name,
                    change,
                };
                this.0.fault(lua, &NODE, &options, label)
            });
        }
        methods.add_async_method("inspect", |lua, this, ()| async move {
            let named = this.0.clone();
            drop(this);
            let told = named.ask(&lua, "docker.node:inspect", "docker.nodes");
            table(&lua, &told.await?)
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(format!("node {}", this.0.name))
        });
    }
}

fn service(lua: &Lua, (name, options): (Value, Value)) -> Result<AnyUserData> {
    let named = Named::read(lua, "docker.service", name, options)?;
    lua.create_userdata(ServiceHandle(named))
}

fn node(lua: &Lua, (name, options): (Value, Value)) -> Result<AnyUserData> {
    let named = Named::read(lua, "docker.node", name, options)?;
    lua.create_userdata(NodeHandle(named))
}

pub(super) async fn list(lua: Lua, what: &'static str, options: Value) -> Result<Value> {
    let options = Options::read(what, &["engine", "on"], &lua, options)?;
    let (agent, engine) = (agent(&options)?, engine(&options)?);
    io(&lua, what)?;
    let told = ask(&lua, what, &agent, what, json!({"engine": engine})).await?;
    table(&lua, &told)
}

/// Adds the natives.
pub(super) fn add(lua: &Lua, exports: &Table) -> Result<()> {
    exports.raw_set("service", lua.create_function(service)?)?;
    exports.raw_set("node", lua.create_function(node)?)?;
    let services =
        lua.create_async_function(|lua, options| list(lua, "docker.services", options))?;
    exports.raw_set("services", services)?;
    let nodes = lua.create_async_function(|lua, options| list(lua, "docker.nodes", options))?;
    exports.raw_set("nodes", nodes)?;
    Ok(())
}
