//! The options that say which packets are meant; every fault on packets has them.

use std::str::FromStr;

use mlua::{Result, Value};

use crate::fault::net::{Direction, Filter, Peer, Ports, Protocol};
use crate::modules::target::TargetValue;
use crate::script::{FromOption, Options, shown};

/// The keys of a filter.
pub(super) const KEYS: [&str; 10] = [
    "to",
    "from",
    "except",
    "port",
    "source_port",
    "protocol",
    "interface",
    "direction",
    "force",
    "forwarded",
];

/// The keys of a fault: its own and those of a filter.
pub(super) fn keys(own: &[&'static str]) -> Vec<&'static str> {
    own.iter().chain(&KEYS).copied().collect()
}

/// The keys of a fault that acts on connections, which have no direction.
pub(super) fn keys_of_connections() -> Vec<&'static str> {
    let packets = ["interface", "direction", "forwarded"];
    let keys = KEYS.into_iter().filter(|key| !packets.contains(key));
    keys.collect()
}

/// The keys of a fault that acts on queries, which go one way over a known transport.
pub(super) fn keys_of_queries(own: &[&'static str]) -> Vec<&'static str> {
    let others = ["source_port", "protocol", "force"];
    let keys = KEYS.into_iter().filter(|key| !others.contains(key));
    own.iter().copied().chain(keys).collect()
}

/// Reads the filter of a fault on a target of this agent.
pub(super) fn read(options: &Options, agent: &str) -> Result<Filter> {
    let interface: Option<String> = options.optional("interface")?;
    if let Some(name) = &interface
        && (name.is_empty() || name.len() > 15)
    {
        return Err(options.invalid(
            "interface",
            "the name of an interface has 1 to 15 characters",
        ));
    }
    let protocol = named(options, "protocol", &Protocol::NAMES)?;
    for key in ["port", "source_port"] {
        if protocol == Some(Protocol::Icmp) && options.has(key) {
            return Err(options.invalid(key, "\"icmp\" has no ports"));
        }
    }
    Ok(Filter {
        to: peers(options, "to", agent)?,
        from: peers(options, "from", agent)?,
        except: peers(options, "except", agent)?,
        port: ports(options, "port")?,
        source_port: ports(options, "source_port")?,
        protocol,
        interface,
        direction: named(options, "direction", &Direction::NAMES)?,
        force: options.optional("force")?.unwrap_or_default(),
        forwarded: options.optional("forwarded")?.unwrap_or_default(),
    })
}

/// One of a few words.
pub(super) fn named<T: Copy>(
    options: &Options,
    key: &str,
    names: &[(&'static str, T)],
) -> Result<Option<T>> {
    let Some(word) = options.optional::<String>(key)? else {
        return Ok(None);
    };
    if let Some((_, found)) = names.iter().find(|(name, _)| *name == word) {
        return Ok(Some(*found));
    }
    let words: Vec<_> = names
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    let (last, others) = words
        .split_last()
        .map_or(("", &[][..]), |(l, o)| (l.as_str(), o));
    let message = format!("expected {} or {last}, got \"{word}\"", others.join(", "));
    Err(options.invalid(key, message))
}

/// A value, or a list of them.
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T: FromOption> FromOption for Many<T> {
    fn from_option(value: Value) -> std::result::Result<Self, String> {
        match value {
            Value::Table(_) => Vec::from_option(value).map(Self),
            value => T::from_option(value).map(|one| Self(vec![one])),
        }
    }
}

/// A peer, with the agent that knows it if it is a target.
struct PeerValue(Option<String>, Peer);

impl FromOption for PeerValue {
    fn from_option(value: Value) -> std::result::Result<Self, String> {
        match &value {
            Value::String(text) => {
                let peer = Peer::from_str(&text.to_string_lossy());
                peer.map(|peer| Self(None, peer)).map_err(|error| error.0)
            }
            Value::UserData(_) => {
                let target = TargetValue::from_option(value)?;
                Ok(Self(Some(target.agent), Peer::Target(target.target)))
            }
            other => Err(format!(
                "expected a target, an address, a network or a host name, got {}",
                shown(other)
            )),
        }
    }
}

fn peers(options: &Options, key: &str, agent: &str) -> Result<Vec<Peer>> {
    let Some(Many(given)) = options.optional::<Many<PeerValue>>(key)? else {
        return Ok(Vec::new());
    };
    let mut peers = Vec::new();
    for PeerValue(of, peer) in given {
        if of.is_some_and(|of| of != agent) {
            let message = format!("{peer} is on another host; write its address");
            return Err(options.invalid(key, message));
        }
        peers.push(peer);
    }
    if peers.is_empty() {
        return Err(options.invalid(key, "the list is empty; leave it out to mean all"));
    }
    Ok(peers)
}

struct PortsValue(Ports);

impl FromOption for PortsValue {
    fn from_option(value: Value) -> std::result::Result<Self, String> {
        let text = match &value {
            Value::String(text) => text.to_string_lossy(),
            Value::Integer(_) | Value::Number(_) => shown(&value),
            other => {
                return Err(format!(
                    "expected a port such as 5432 or \"8000-8010\", got {}",
                    shown(other)
                ));
            }
        };
        text.parse()
            .map(Self)
            .map_err(|error: crate::fault::net::FilterError| error.0)
    }
}

fn ports(options: &Options, key: &str) -> Result<Vec<Ports>> {
    let given = options.optional::<Many<PortsValue>>(key)?;
    let ports: Vec<_> = given
        .map(|Many(ports)| ports.into_iter().map(|PortsValue(one)| one).collect())
        .unwrap_or_default();
    if ports.is_empty() && options.has(key) {
        return Err(options.invalid(key, "the list is empty; leave it out to mean all"));
    }
    Ok(ports)
}
