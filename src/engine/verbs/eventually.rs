//! `eventually`: asks again and again until something holds, or time is up.

use std::time::Duration;

use mlua::{Lua, Result, Table, Value};

use super::check;
use super::expect::{failed, words};
use super::luau::{global, verb};
use super::now::elapsed;
use crate::base::units::show_duration;
use crate::modules::words::kind;
use crate::script::phase::io;
use crate::script::{Options, Verb, interruptible, misuse};

/// Seen by scripts as the global `eventually`.
pub const VERB: Verb = Verb {
    name: "eventually",
    open,
};

fn open(lua: &Lua) -> Result<Value> {
    let natives = lua.create_table()?;
    natives.set("record", lua.create_function(check::record)?)?;
    natives.set("unmet", lua.create_function(unmet)?)?;
    natives.set("patience", lua.create_function(patience)?)?;
    natives.set(
        "elapsed",
        lua.create_function(|lua, ()| Ok(elapsed(lua).as_secs_f64()))?,
    )?;
    natives.set("wait", lua.create_async_function(wait)?)?;
    let math: Table = lua.globals().raw_get("math")?;
    let min: Value = math.raw_get("min")?;
    let extra = (global(lua, "pcall")?, global(lua, "type")?, min);
    verb(lua, include_str!("eventually.luau"), natives, extra)
}

/// Reads the arguments: how long to try and how often, in seconds.
fn patience(lua: &Lua, (name, body, options): (Value, Value, Value)) -> Result<(f64, f64)> {
    io(lua, "eventually")?;
    if !matches!(name, Value::Nil | Value::String(_)) {
        let message = "eventually: the name, if there is one, is a string";
        return Err(misuse(lua, message));
    }
    if !body.is_function() {
        let message = format!(
            "eventually: expected a function, got {}; \
             write eventually(\"name\", function() return … end, {{ within = \"10s\" }})",
            kind(&body)
        );
        return Err(misuse(lua, message));
    }
    let options = Options::read("eventually", &["within", "every"], lua, options)?;
    let within: Option<Duration> = options.optional("within")?;
    let every: Option<Duration> = options.optional("every")?;
    let within = within.unwrap_or(Duration::from_secs(10));
    let every = every.unwrap_or(Duration::from_millis(200));
    // Without any pause this would be a busy loop on what is asked.
    let every = every.max(Duration::from_millis(1));
    Ok((within.as_secs_f64(), every.as_secs_f64()))
}

async fn wait(_: Lua, seconds: f64) -> Result<()> {
    let pause = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    interruptible(tokio::time::sleep(pause)).await
}

fn unmet(lua: &Lua, (name, within, problem): (Option<String>, f64, Value)) -> Result<()> {
    let what = name.unwrap_or_else(|| "the condition did not hold".to_owned());
    let within = show_duration(Duration::try_from_secs_f64(within).unwrap_or_default());
    let mut text = format!("expectation failed within {within}: {what}");
    if let Some(problem) = words(&problem)? {
        text.push_str(": ");
        text.push_str(&problem);
    }
    Err(failed(lua, text))
}
