//! `process.find`: which processes are meant; the agent looks for them when they are needed.

use mlua::{
    AnyUserData, Lua, MetaMethod, Result, UserData, UserDataFields, UserDataMethods, Value,
};

use super::acts::{self, Meant};
use crate::fault::docker::Containers;
use crate::fault::process::{Find, Found};
use crate::fault::{Pick, Target};
use crate::modules::pick::pick;
use crate::modules::target::{TARGET, TargetValue};
use crate::script::Options;

const WHAT: &str = "process.find";
const KEYS: [&str; 9] = [
    "name",
    "pid",
    "cmdline",
    "port",
    "user",
    "container",
    "pick",
    "allow_empty",
    "host",
];

/// Processes as scripts hold them: those that will match, or one that was found.
#[derive(Debug, Clone)]
pub(super) struct Processes {
    meant: Meant,
    found: Option<Found>,
}

/// Which processes, in words; nothing is looked for yet.
pub(super) fn find(lua: &Lua, options: Value) -> Result<AnyUserData> {
    let options = Options::read(WHAT, &KEYS, lua, options)?;
    let pid: Option<u32> = options.optional("pid")?;
    let (container, within) = container(&options)?;
    let find = Find {
        name: options.optional("name")?,
        pid: pid.map(|pid| i32::try_from(pid).unwrap_or(i32::MAX)),
        cmdline: options.optional("cmdline")?,
        port: options.optional("port")?,
        user: options.optional("user")?,
        container,
        within,
        identity: None,
        pick: pick(&options)?,
        allow_empty: options.optional("allow_empty")?.unwrap_or_default(),
    };
    let said = ["name", "pid", "cmdline", "port", "user", "container"];
    if !said.iter().any(|key| options.has(key)) {
        let message = format!("say which processes, by {}", said.join(", "));
        return Err(options.wrong(message));
    }
    let agent = host(&options, "host")?;
    let meant = Meant { agent, find };
    object(lua, Processes { meant, found: None })
}

/// The agent that the option of this name names; this host's where it is left out.
pub(in crate::modules) fn host(options: &Options, key: &str) -> Result<String> {
    match options.optional::<TargetValue>(key)? {
        None => Ok(String::new()),
        Some(TargetValue {
            agent,
            target: Target::Host,
        }) => Ok(agent),
        Some(other) => {
            let message = format!(
                "expected a host such as host(\"db1\"), got {}",
                other.label()
            );
            Err(options.invalid(key, message))
        }
    }
}

/// An id or its beginning, or a container as another native returns it.
fn container(options: &Options) -> Result<(Option<String>, Option<Box<Containers>>)> {
    if let Value::UserData(_) = options.get_raw("container") {
        let target: TargetValue = options.required("container")?;
        return match target.target {
            Target::Container { id, .. } => Ok((Some(id), None)),
            Target::Containers { which } if which.pick == Pick::All => Ok((None, Some(which))),
            Target::Containers { .. } => {
                let message = "all its containers are searched; write `pick` in process.find";
                Err(options.invalid("container", message))
            }
            other => {
                let message = format!("expected a container, got {}", other.label());
                Err(options.invalid("container", message))
            }
        };
    }
    let id: Option<String> = options.optional("container")?;
    let good = |id: &String| id.len() >= 6 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    match id {
        Some(id) if !good(&id) => {
            let message = "expected at least 6 hexadecimal digits of a container's id";
            Err(options.invalid("container", message))
        }
        id => Ok((id.map(|id| id.to_ascii_lowercase()), None)),
    }
}

/// The object, which natives with a `target` take too.
fn object(lua: &Lua, processes: Processes) -> Result<AnyUserData> {
    let target = processes.meant.target();
    let object = lua.create_userdata(processes)?;
    object.set_named_user_value(TARGET, lua.create_userdata(target)?)?;
    Ok(object)
}

impl UserData for Processes {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("pid", |_, this| {
            let found = this.found.as_ref().map(|found| found.identity.pid);
            Ok(found.or(this.meant.find.pid))
        });
        fields.add_field_method_get("name", |_, this| {
            let found = this.found.as_ref().map(|found| found.name.clone());
            Ok(found.or_else(|| this.meant.find.name.clone()))
        });
        fields.add_field_method_get("cmdline", |_, this| {
            let found = this.found.as_ref().map(|found| found.cmdline.clone());
            Ok(found.or_else(|| this.meant.find.cmdline.clone()))
        });
        fields.add_field_method_get("agent", |_, this| Ok(this.meant.agent.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        acts::add(methods, |this: &Self| this.meant.clone());
        methods.add_async_method("list", |lua, this, ()| async move {
            let meant = this.meant.clone();
            drop(this);
            let list = lua.create_table()?;
            for found in meant.list(&lua).await? {
                let find = Find {
                    identity: Some(found.identity.clone()),
                    ..Find::default()
                };
                let agent = meant.agent.clone();
                let one = Processes {
                    meant: Meant { agent, find },
                    found: Some(found),
                };
                list.raw_push(object(&lua, one)?)?;
            }
            Ok(list)
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            Ok(this.meant.target().label())
        });
    }
}
