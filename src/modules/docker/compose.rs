//! `docker.compose`: a project of a compose file, up until it is told to be down, or its scope ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mlua::{AnyUserData, Lua, Result, UserData, UserDataFields, UserDataMethods, Value};

use super::container::{Meant, object};
use super::fixtures::{make, strings};
use super::select::{agent, engine};
use crate::agent::client::Held;
use crate::fault::Pick;
use crate::fault::docker::{COMPOSE, Compose, Containers};
use crate::modules::hold::{agents, raise};
use crate::script::{FromOption, Options, current, misuse};

/// The option `scale`: how many of a service.
fn scale(options: &Options) -> Result<BTreeMap<String, u32>> {
    let Value::Table(table) = options.get_raw("scale") else {
        return match options.has("scale") {
            true => Err(options.invalid("scale", "expected a table such as { api = 3 }")),
            false => Ok(BTreeMap::new()),
        };
    };
    let one = |pair: Result<(String, Value)>| {
        let (service, count) = pair?;
        let count = u32::from_option(count);
        let count = count.map_err(|problem| options.invalid("scale", problem))?;
        Ok((service, count))
    };
    table.pairs::<String, Value>().map(one).collect()
}

/// A compose project, down until it is told to be up.
struct Project {
    agent: String,
    compose: Compose,
    held: RefCell<Option<Arc<Held>>>,
}

/// A compose project; nothing is started yet.
pub(super) fn compose(lua: &Lua, (file, options): (Value, Value)) -> Result<AnyUserData> {
    const WHAT: &str = COMPOSE.name;
    let keys = [
        "project", "env", "services", "scale", "timeout", "engine", "on",
    ];
    let file = String::from_option(file)
        .map_err(|problem| misuse(lua, format!("{WHAT}: the file: {problem}")))?;
    let options = Options::read(WHAT, &keys, lua, options)?;
    let agent = agent(&options)?;
    let mut path = PathBuf::from(file);
    if agent.is_empty() {
        path =
            std::path::absolute(current()?.vu.folder.join(path)).map_err(mlua::Error::external)?;
    } else if path.is_relative() {
        let message = format!("{WHAT}: the file must begin with \"/\": it is on another host");
        return Err(misuse(lua, message));
    }
    let project: String = options.optional("project")?.unwrap_or_default();
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if !project.chars().all(good) || project.starts_with(['-', '_']) {
        let message = "use lower-case letters, digits, \"-\" and \"_\"";
        return Err(options.invalid("project", message));
    }
    let compose = Compose {
        engine: engine(&options)?,
        name: project,
        file: path,
        env: strings(&options, "env")?,
        services: options.optional("services")?.unwrap_or_default(),
        scale: scale(&options)?,
        timeout: options
            .optional("timeout")?
            .unwrap_or(Duration::from_secs(120)),
    };
    lua.create_userdata(Project {
        agent,
        compose,
        held: RefCell::default(),
    })
}

impl Project {
    /// Its name, once it is up.
    fn project(&self) -> Option<String> {
        let held = self.held.borrow();
        let facts = held.as_ref()?.facts();
        facts["project"].as_str().map(str::to_owned)
    }

    /// Containers of it.
    fn containers(&self, lua: &Lua, service: Option<String>) -> Result<AnyUserData> {
        let Some(project) = self.project() else {
            let message = format!("{}: the project is not up; call :up() first", COMPOSE.name);
            return Err(misuse(lua, message));
        };
        let which = Containers {
            engine: self.compose.engine.clone(),
            compose: Some(project),
            service,
            pick: Pick::All,
            ..Containers::default()
        };
        let agent = self.agent.clone();
        object(lua, Meant { agent, which })
    }
}

impl UserData for Project {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("project", |_, this| Ok(this.project()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("up", |lua, this, ()| async move {
            let (agent, compose) = (this.agent.clone(), this.compose.clone());
            if this.held.borrow().is_some() {
                let message = format!("{}: the project is up already", COMPOSE.name);
                return Err(misuse(&lua, message));
            }
            let label = format!("compose {}", compose.file.display());
            let held = make(&lua, &COMPOSE, &agent, &compose, label).await?;
            *this.held.borrow_mut() = Some(held);
            Ok(())
        });
        methods.add_async_method("down", |lua, this, ()| async move {
            let what = "docker.compose:down";
            let held = this.held.borrow_mut().take();
            let Some(held) = held else { return Ok(()) };
            let healed = agents(&lua, what)?.heal(&held).await;
            healed.map_err(|trouble| raise(&lua, what, &trouble))
        });
        methods.add_method("container", |lua, this, service: String| {
            this.containers(lua, Some(service))
        });
        methods.add_method("containers", |lua, this, service: Option<String>| {
            this.containers(lua, service)
        });
    }
}
