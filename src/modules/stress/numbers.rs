//! `stress.fds`, `stress.pids`, `stress.inodes`: what comes in numbers, until so many are left.

use mlua::{Lua, Result, Value};

use super::shape::{fault, path, target};
use crate::fault::Target;
use crate::fault::process::Find;
use crate::fault::stress::{FDS, Fds, INODES, Inodes, PIDS, Pids};
use crate::modules::hold::FaultValue;
use crate::script::Options;

/// Leaves processes only so many descriptors.
pub(super) fn fds(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(FDS.name, &["pid", "target", "leave"], lua, options)?;
    let (agent, given) = target(&options)?;
    let pid: Option<u32> = options.optional("pid")?;
    let target = match (pid, given) {
        (Some(pid), None) => Target::Process {
            find: Find {
                pid: i32::try_from(pid).ok(),
                ..Find::default()
            },
        },
        (None, Some(target)) if target != Target::Host => target,
        _ => {
            let message = "say whose with one of pid = 4242 and target = process.find{ … }";
            return Err(options.wrong(message));
        }
    };
    let leave: u64 = options.required("leave")?;
    let label = format!("leave {leave} descriptors to {}", target.label());
    fault(lua, &FDS, agent, &Fds { target, leave }, label)
}

/// Takes process numbers of the target's control group.
pub(super) fn pids(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(PIDS.name, &["leave", "count", "target"], lua, options)?;
    let (agent, target) = target(&options)?;
    let (leave, count) = left(&options)?;
    let label = words("process numbers", leave, count);
    let pids = Pids {
        leave,
        count,
        target,
    };
    fault(lua, &PIDS, agent, &pids, label)
}

/// Takes inodes of a filesystem.
pub(super) fn inodes(lua: &Lua, options: Value) -> Result<FaultValue> {
    const KEYS: [&str; 5] = ["path", "leave", "count", "host", "force"];
    let options = Options::read(INODES.name, &KEYS, lua, options)?;
    let agent = crate::modules::process::host(&options, "host")?;
    let (leave, count) = left(&options)?;
    let inodes = Inodes {
        path: path(&options)?,
        count,
        leave,
        force: options.optional("force")?.unwrap_or_default(),
    };
    let label = words("inodes", leave, count);
    fault(lua, &INODES, agent, &inodes, label)
}

/// `leave` or `count`, exactly one of them.
fn left(options: &Options) -> Result<(Option<u64>, Option<u64>)> {
    let (leave, count) = (options.optional("leave")?, options.optional("count")?);
    if leave.is_some() == count.is_some() {
        return Err(options.wrong("say how many with one of leave = 10 and count = 1000"));
    }
    Ok((leave, count))
}

fn words(what: &str, leave: Option<u64>, count: Option<u64>) -> String {
    match (leave, count) {
        (Some(leave), _) => format!("take {what} until {leave} are left"),
        (None, count) => format!("take {} {what}", count.unwrap_or_default()),
    }
}
