//! `process.run`: runs a program of this machine to its end, and gives its exit code and output.

use std::time::{Duration, Instant};

use mlua::{Lua, Result, Table, Value};

use super::acts::command;
use crate::base::program::{Ended, Leash, Program};
use crate::script::phase::io;
use crate::script::{Options, current, interruptible};

const WHAT: &str = "process.run";
const KEYS: [&str; 5] = ["cmd", "env", "cwd", "stdin", "timeout"];
/// How long a program may take by default.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes of each output are kept.
const MOST: usize = 4 << 20;

/// Runs it, and returns how it ended; an exit code is data, a program that cannot be started an error.
pub(super) async fn run(lua: Lua, options: Value) -> Result<Table> {
    io(&lua, WHAT)?;
    let options = Options::read(WHAT, &KEYS, &lua, options)?;
    let script = current()?.vu.folder.clone();
    let folder = script.join(options.optional::<String>("cwd")?.unwrap_or_default());
    let program = Program {
        words: command(&options)?,
        folder: std::path::absolute(folder).map_err(|error| options.invalid("cwd", error))?,
        env: options.optional("env")?.unwrap_or_default(),
        stdin: options
            .optional::<String>("stdin")?
            .unwrap_or_default()
            .into_bytes(),
        most: MOST,
    };
    let timeout = options.optional("timeout")?.unwrap_or(TIMEOUT);
    let name = program.words[0].clone();
    let leash = Leash::default();
    let over = leash.0.clone();
    let begun = Instant::now();
    let mut running = tokio::task::spawn_blocking(move || program.run(&over));
    let in_time = interruptible(tokio::time::timeout(timeout, &mut running)).await?;
    let ended = if let Ok(ended) = in_time {
        ended
    } else {
        drop(leash);
        interruptible(running).await?
    };
    let ended = ended
        .map_err(mlua::Error::external)?
        .map_err(|error| mlua::Error::runtime(format!("{WHAT}: {name}: {error}")))?;
    table(&lua, &ended, begun.elapsed())
}

fn table(lua: &Lua, ended: &Ended, took: Duration) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("ok", ended.code == 0 && !ended.cut)?;
    table.raw_set("code", ended.code)?;
    table.raw_set("timed_out", ended.cut)?;
    table.raw_set("stdout", lua.create_string(&ended.stdout)?)?;
    table.raw_set("stderr", lua.create_string(&ended.stderr)?)?;
    table.raw_set("truncated", ended.truncated)?;
    table.raw_set("duration", took.as_secs_f64() * 1000.0)?;
    Ok(table)
}
