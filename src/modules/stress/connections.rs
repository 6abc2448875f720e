//! `stress.connections`: holds many TCP connections to a server.

use mlua::{Lua, Result, Value};

use super::shape::fault;
use crate::base::text::quoted;
use crate::base::units::Rate;
use crate::fault::stress::{CONNECTIONS, Connections, Manner};
use crate::modules::hold::FaultValue;
use crate::modules::target::TargetValue;
use crate::script::Options;

const KEYS: [&str; 7] = ["to", "count", "rate", "slow", "half_open", "tls", "target"];

/// Opens connections and keeps them.
pub(super) fn connections(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(CONNECTIONS.name, &KEYS, lua, options)?;
    let to: String = options.required("to")?;
    let port = to
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        let message = format!("{} names no port; write \"127.0.0.1:8080\"", quoted(&to));
        return Err(options.invalid("to", message));
    }
    let count: usize = options.required("count")?;
    if count == 0 {
        return Err(options.invalid("count", "at least one connection is needed"));
    }
    let rate = options.optional::<Rate>("rate")?.map(|rate| rate.0);
    if rate.is_some_and(|rate| rate <= 0.0) {
        return Err(options.invalid("rate", "must be above zero"));
    }
    let flag = |key: &str| -> Result<bool> { Ok(options.optional(key)?.unwrap_or_default()) };
    let (half_open, tls) = (flag("half_open")?, flag("tls")?);
    let manner = match (flag("slow")?, half_open) {
        (true, true) => {
            let message = "a connection that is half open sends no request; leave out `slow`";
            return Err(options.invalid("half_open", message));
        }
        (true, false) => Manner::Slow,
        (false, true) => Manner::HalfOpen,
        (false, false) => Manner::Idle,
    };
    if tls && half_open {
        let message = "a connection that is half open gets to no handshake of TLS; leave out `tls`";
        return Err(options.invalid("half_open", message));
    }
    // From a namespace too: it has a network, which is what counts here.
    let target: Option<TargetValue> = options.optional("target")?;
    let (agent, target) = target.map_or_else(Default::default, |one| (one.agent, Some(one.target)));
    let label = format!("{count} connections to {to}");
    let connections = Connections {
        to,
        count,
        rate,
        manner,
        tls,
        target,
    };
    fault(lua, &CONNECTIONS, agent, &connections, label)
}
