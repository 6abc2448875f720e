//! `netfault.host` and `netfault.namespace`: whose packets are meant.

use mlua::{Lua, Result, Value};

use crate::fault::Target;
use crate::modules::target::TargetValue;
use crate::script::{FromOption, Options, misuse, shown};

/// This host, or that of another agent: what its own programs send and receive.
pub(super) fn host(lua: &Lua, agent: Value) -> Result<TargetValue> {
    let agent = match &agent {
        Value::Nil => String::new(),
        Value::UserData(_) => {
            let given = TargetValue::from_option(agent.clone());
            given
                .map_err(|problem| misuse(lua, format!("netfault.host: {problem}")))?
                .agent
        }
        _ => String::from_option(agent.clone()).map_err(|_| {
            let shown = shown(&agent);
            misuse(
                lua,
                format!("netfault.host: expected nothing or the name of an agent, got {shown}"),
            )
        })?,
    };
    Ok(TargetValue::new(agent, Target::Host))
}

/// A network namespace that has a name, as `ip netns` lists them.
pub(super) fn namespace(lua: &Lua, (name, options): (Value, Value)) -> Result<TargetValue> {
    const WHAT: &str = "netfault.namespace";
    let name = String::from_option(name)
        .map_err(|problem| misuse(lua, format!("{WHAT}: the name: {problem}")))?;
    check_name(&name).map_err(|problem| misuse(lua, format!("{WHAT}: the name: {problem}")))?;
    let options = Options::read(WHAT, &["on"], lua, options)?;
    let on: Option<TargetValue> = options.optional("on")?;
    let agent = on.map(|host| host.agent).unwrap_or_default();
    Ok(TargetValue::new(agent, Target::Namespace { name }))
}

/// Whether a namespace can have this name: that of a file.
pub(super) fn check_name(name: &str) -> std::result::Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let usable = !name.is_empty()
        && name.len() <= 64
        && name.chars().all(fits)
        && !name.starts_with(['.', '-']);
    if usable {
        return Ok(());
    }
    Err(format!(
        "{} is no name of a network namespace; use letters, digits, \"-\" and \"_\"",
        crate::base::text::quoted(name)
    ))
}
