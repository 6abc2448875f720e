//! Containers as scripts hold them: a target of every fault that takes one, with faults and reads of its own.

use mlua::{AnyUserData, Lua, MetaMethod, Result, UserData, UserDataFields, UserDataMethods};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{acts, reads};
use crate::fault::docker::{Container, Containers};
use crate::fault::{Kind, Spec, Target};
use crate::modules::hold::{FaultValue, ask, raise};
use crate::modules::target::{TARGET, TargetValue};
use crate::script::phase::io;

/// Which containers, on whose engine.
#[derive(Debug, Clone)]
pub(super) struct Meant {
    /// The agent's name; empty for this host.
    pub(super) agent: String,
    /// Which ones.
    pub(super) which: Containers,
}

impl Meant {
    /// As natives with a target take it.
    pub(super) fn target(&self) -> TargetValue {
        let which = Box::new(self.which.clone());
        TargetValue::new(self.agent.clone(), Target::Containers { which })
    }

    /// Those that are there now, picked.
    pub(super) async fn list(&self, lua: &Lua, what: &str) -> Result<Vec<Container>> {
        let found = self.ask(lua, what, "docker.list", json!({})).await?;
        serde_json::from_value(found).map_err(mlua::Error::external)
    }

    /// Asks the agent something about them; `options` is completed by which ones.
    pub(super) async fn ask(
        &self,
        lua: &Lua,
        what: &str,
        query: &str,
        mut options: Json,
    ) -> Result<Json> {
        io(lua, what)?;
        options["which"] = serde_json::to_value(&self.which).map_err(mlua::Error::external)?;
        ask(lua, what, &self.agent, query, options).await
    }

    /// A fault on them; in its label `{}` stands for them.
    pub(super) fn fault(
        &self,
        lua: &Lua,
        kind: &'static Kind,
        label: &str,
        options: &impl Serialize,
    ) -> Result<FaultValue> {
        let spec = Spec::new(kind, options).map_err(|trouble| raise(lua, kind.name, &trouble))?;
        let label = label.replacen("{}", &self.target().label(), 1);
        Ok(FaultValue::new(kind.name, self.agent.clone(), spec, label))
    }
}

/// Containers: those that will match, or one that was found.
pub(super) struct Handle {
    pub(super) meant: Meant,
    pub(super) found: Option<Container>,
}

/// The object, which natives with a target take too.
pub(super) fn object(lua: &Lua, meant: Meant) -> Result<AnyUserData> {
    let target = lua.create_userdata(meant.target())?;
    let object = lua.create_userdata(Handle { meant, found: None })?;
    object.set_named_user_value(TARGET, target)?;
    Ok(object)
}

/// One that was found: known by its name from now on, which it keeps when it is made anew.
pub(super) fn found(lua: &Lua, meant: &Meant, found: Container) -> Result<AnyUserData> {
    let which = Containers {
        engine: Some(found.engine.url.clone()),
        ..Containers::one(found.name.clone())
    };
    let agent = meant.agent.clone();
    let meant = Meant { agent, which };
    let target = lua.create_userdata(meant.target())?;
    let found = Some(found);
    let object = lua.create_userdata(Handle { meant, found })?;
    object.set_named_user_value(TARGET, target)?;
    Ok(object)
}

impl UserData for Handle {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("id", |_, this| {
            Ok(this.found.as_ref().map(|one| one.id.clone()))
        });
        fields.add_field_method_get("name", |_, this| {
            let found = this.found.as_ref().map(|one| one.name.clone());
            Ok(found.or_else(|| this.meant.which.one.clone()))
        });
        fields.add_field_method_get("image", |_, this| {
            Ok(this.found.as_ref().map(|one| one.image.clone()))
        });
        fields.add_field_function_get("ports", |_, this| {
            this.named_user_value::<mlua::Value>("ports")
        });
        fields.add_field_method_get("agent", |_, this| Ok(this.meant.agent.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        acts::add(methods);
        reads::add(methods);
        methods.add_async_method("list", |lua, this, ()| async move {
            let meant = this.meant.clone();
            drop(this);
            let list = lua.create_table()?;
            for one in meant.list(&lua, "docker.containers:list").await? {
                list.raw_push(found(&lua, &meant, one)?)?;
            }
            Ok(list)
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(match &this.found {
                Some(found) => found.label(),
                None => this.meant.target().label(),
            })
        });
    }
}
