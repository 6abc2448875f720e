//! `netfault.network`: hosts of a script's own, each a network namespace on one bridge.

use mlua::{Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::cut::fault;
use super::target::check_name;
use crate::base::rng::stream;
use crate::fault::Target;
use crate::fault::net::{NETWORK, Network, NetworkOf};
use crate::modules::hold::fixture;
use crate::modules::target::{TARGET, TargetValue};
use crate::script::phase::io;
use crate::script::{Options, misuse};

const WHAT: &str = NETWORK.name;

/// A host of the network; a target, too.
struct Host {
    target: TargetValue,
    name: String,
    address: String,
    address6: String,
}

impl UserData for Host {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("name", |_, this| Ok(this.name.clone()));
        fields.add_field_method_get("agent", |_, this| Ok(this.target.agent.clone()));
        fields.add_field_method_get("address", |_, this| Ok(this.address.clone()));
        fields.add_field_method_get("address6", |_, this| Ok(this.address6.clone()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| Ok(this.target.label()));
    }
}

/// Makes the hosts; they go with the scope they were made in.
pub(super) async fn network(lua: Lua, options: Value) -> Result<Table> {
    let (agent, options) = read(&lua, options)?;
    io(&lua, WHAT)?;
    let label = format!("network {} of {}", options.subnet, options.hosts.join(", "));
    let made = fault(&lua, &NETWORK, agent.clone(), &options, label)?;
    let held = fixture(&lua, WHAT, &made).await?;
    let facts = held.facts();
    let text = |value: &serde_json::Value, key: &str| -> String {
        value[key].as_str().unwrap_or_default().to_owned()
    };
    let hosts = lua.create_table()?;
    for (index, fact) in facts["hosts"].as_array().into_iter().flatten().enumerate() {
        let name = text(fact, "name");
        let target = TargetValue::new(agent.clone(), Target::Namespace { name: name.clone() });
        let host = lua.create_userdata(Host {
            target: target.clone(),
            name: name.clone(),
            address: text(fact, "address"),
            address6: text(fact, "address6"),
        })?;
        host.set_named_user_value(TARGET, lua.create_userdata(target)?)?;
        hosts.raw_set(index + 1, host.clone())?;
        hosts.raw_set(name, host)?;
    }
    let network = lua.create_table()?;
    network.raw_set("hosts", hosts)?;
    network.raw_set("address", text(&facts, "address"))?;
    network.raw_set("address6", text(&facts, "address6"))?;
    Ok(network)
}

fn read(lua: &Lua, options: Value) -> Result<(String, NetworkOf)> {
    let options = Options::read(WHAT, &["hosts", "subnet", "subnet6", "on"], lua, options)?;
    let on: Option<TargetValue> = options.optional("on")?;
    let hosts: Vec<String> = options.required("hosts")?;
    if hosts.is_empty() {
        return Err(options.invalid("hosts", "the list is empty"));
    }
    for (index, name) in hosts.iter().enumerate() {
        check_name(name).map_err(|problem| options.invalid("hosts", problem))?;
        if hosts[..index].contains(name) {
            return Err(options.invalid("hosts", format!("\"{name}\" is there twice")));
        }
    }
    let subnet = subnet(&options, "subnet", true)?.unwrap_or(Network {
        address: [10, 66, 0, 0].into(),
        prefix: 24,
    });
    let own = || {
        // A prefix of one's own from the range for local use, the same for the same hosts.
        let unique = stream(0, &hosts.join(" ")).to_be_bytes();
        let mut address = [0; 16];
        address[0] = 0xfd;
        address[1..6].copy_from_slice(&unique[..5]);
        Network {
            address: address.into(),
            prefix: 64,
        }
    };
    let subnet6 = subnet6(&options)?.unwrap_or_else(own);
    let agent = on.map(|host| host.agent).unwrap_or_default();
    let options = NetworkOf {
        hosts,
        subnet,
        subnet6,
    };
    let room = options.room();
    if options.hosts.len() > room {
        let (subnet, count) = (options.subnet, options.hosts.len());
        let message = format!("{WHAT}: subnet {subnet} has room for {room} hosts, not for {count}");
        return Err(misuse(lua, message));
    }
    Ok((agent, options))
}

fn subnet6(options: &Options) -> Result<Option<Network>> {
    subnet(options, "subnet6", false)
}

fn subnet(options: &Options, key: &str, v4: bool) -> Result<Option<Network>> {
    let Some(text) = options.optional::<String>(key)? else {
        return Ok(None);
    };
    let network: Network = text.parse().map_err(|error| options.invalid(key, error))?;
    let (fits, example) = match v4 {
        true => ((8..=29).contains(&network.prefix), "10.66.0.0/24"),
        false => ((8..=112).contains(&network.prefix), "fd66::/64"),
    };
    if network.address.is_ipv4() != v4 || !fits {
        let message = format!("\"{text}\" is no network for hosts; write \"{example}\"");
        return Err(options.invalid(key, message));
    }
    Ok(Some(network))
}
