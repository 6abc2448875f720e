//! `stress.disk_fill` and `stress.disk_io`: take the space of a filesystem, and the time of its disk.

use mlua::{Lua, Result, Value};

use super::shape::{amount, fault, path, target};
use crate::base::units::{Bytes, Share};
use crate::fault::stress::{DISK_FILL, DISK_IO, DiskFill, DiskIo};
use crate::modules::hold::FaultValue;
use crate::script::Options;

const KEYS: [&str; 7] = [
    "path",
    "bytes",
    "percent",
    "leave_free",
    "over",
    "target",
    "force",
];

/// Fills a filesystem by bytes, up to a share of it, or until so much is left.
pub(super) fn fill(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(DISK_FILL.name, &KEYS, lua, options)?;
    let (agent, target) = target(&options)?;
    let path = path(&options)?;
    let (amount, words) = amount(&options)?;
    let label = format!("fill the disk of {}, {words}", path.display());
    let fill = DiskFill {
        path,
        target,
        amount,
        over: options.paced("over")?,
        force: options.optional("force")?.unwrap_or_default(),
    };
    fault(lua, &DISK_FILL, agent, &fill, label)
}

const IO_KEYS: [&str; 7] = [
    "path",
    "workers",
    "block",
    "read_ratio",
    "sync",
    "size",
    "target",
];

/// Reads and writes, past the page cache where that is possible.
pub(super) fn io(lua: &Lua, options: Value) -> Result<FaultValue> {
    let options = Options::read(DISK_IO.name, &IO_KEYS, lua, options)?;
    let (agent, target) = target(&options)?;
    let path = path(&options)?;
    let bytes = |key: &str, usual: u64| -> Result<u64> {
        let given: Option<Bytes> = options.optional(key)?;
        Ok(given.map_or(usual, |Bytes(bytes)| bytes))
    };
    let (block, size) = (bytes("block", 64 << 10)?, bytes("size", 64 << 20)?);
    if block == 0 || !block.is_multiple_of(4096) || block > 64 << 20 {
        let message = "must be a multiple of \"4KiB\", at most \"64MiB\"";
        return Err(options.invalid("block", message));
    }
    if size < block {
        return Err(options.invalid("size", "must hold at least one block"));
    }
    let workers: usize = options.optional("workers")?.unwrap_or(1);
    if !(1..=256).contains(&workers) {
        return Err(options.invalid("workers", "must be from 1 to 256"));
    }
    let label = format!("{workers} at work on the disk of {}", path.display());
    let io = DiskIo {
        path,
        workers,
        block,
        read_ratio: options
            .optional("read_ratio")?
            .map_or(0.5, |Share(share)| share),
        sync: options.optional("sync")?.unwrap_or_default(),
        size,
        target,
    };
    fault(lua, &DISK_IO, agent, &io, label)
}
