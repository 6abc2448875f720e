//! `stress.io_errors`: makes operations on the files of a folder fail, or come late.

use mlua::{Lua, Result, Value};

use super::shape::{fault, path, target};
use crate::base::units::Share;
use crate::fault::stress::{ErrorNumber, IO_ERRORS, IoErrors, Operation, Rule};
use crate::modules::hold::FaultValue;
use crate::script::Options;

const KEYS: [&str; 7] = ["path", "errno", "delay", "share", "on", "target", "force"];

/// A share of the operations on files in a folder goes wrong.
pub(super) fn io_errors(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(IO_ERRORS.name, &KEYS, lua, options)?;
    let (agent, target) = target(&options)?;
    let path = path(&options)?;
    let errno = options
        .optional::<String>("errno")?
        .map(|name| ErrorNumber::parse(&name).map_err(|error| options.invalid("errno", error)))
        .transpose()?;
    let delay = options.optional("delay")?;
    if errno.is_none() && delay.is_none() {
        let message = "say what becomes of them with errno = \"EIO\", delay = \"50ms\", or both";
        return Err(options.wrong(message));
    }
    let share = options.optional("share")?.map_or(1.0, |Share(share)| share);
    if share <= 0.0 {
        return Err(options.invalid("share", "must be above \"0%\""));
    }
    let rule = Rule {
        on: on(&options)?,
        share,
        delay,
        errno,
    };
    let label = format!("errors in the files of {}", path.display());
    let force = options.optional("force")?.unwrap_or_default();
    let errors = IoErrors {
        path,
        target,
        rule,
        force,
    };
    fault(lua, &IO_ERRORS, agent, &errors, label)
}

/// The operations that are meant: reading, writing and syncing where nothing is said.
fn on(options: &Options) -> Result<Vec<Operation>> {
    let Some(names) = options.optional::<Vec<String>>("on")? else {
        return Ok(Operation::USUAL.to_vec());
    };
    if names.is_empty() {
        return Err(options.invalid("on", "at least one operation is needed"));
    }
    let all = names.iter().map(|name| Operation::parse(name));
    all.collect::<std::result::Result<_, _>>()
        .map_err(|error| options.invalid("on", error))
}
