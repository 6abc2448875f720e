//! `confirm choose ask wait_mark countdown`: what people answer.

use std::time::Duration;

use mlua::{FromLuaMulti, Lua, MultiValue, Result, Value};

use super::handle::{Floor, text};
use crate::engine::gameday::{Question, Wanted};
use crate::output::EntryKind;
use crate::script::{FromOption, Options, misuse, time_scale};

/// How long a question waits if it does not say.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

fn timeout(options: &Options) -> Result<Option<Duration>> {
    let timeout: Option<Duration> = options.optional("timeout")?;
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        return Err(options.invalid("timeout", "\"0s\" is too short; write \"5m\""));
    }
    Ok(Some(timeout.unwrap_or(TIMEOUT)))
}

/// `p:confirm(prompt, { default, timeout })`: true or false; false when time is up.
pub(super) async fn confirm(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let what = "confirm";
    let (prompt, options) = <(Value, Value)>::from_lua_multi(args, lua)?;
    let prompt = text(lua, what, "the question", prompt)?;
    let options = Options::read(what, &["default", "timeout"], lua, options)?;
    let default: Option<bool> = options.optional("default")?;
    let question = Question {
        prompt,
        wanted: Wanted::Yes,
        default: default.map(|yes| if yes { "yes" } else { "no" }.to_owned()),
        timeout: timeout(&options)?,
    };
    let reply = floor.ask(EntryKind::Confirm, question).await?;
    Ok(Value::Boolean(reply.answer.as_deref() == Some("yes")))
}

/// `p:choose(prompt, { "a", "b" }, { default, timeout })`: one of them; nil when time is up.
pub(super) async fn choose(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let what = "choose";
    let (prompt, all, options) = <(Value, Value, Value)>::from_lua_multi(args, lua)?;
    let prompt = text(lua, what, "the question", prompt)?;
    let all = Vec::<String>::from_option(all).map_err(|problem| {
        misuse(
            lua,
            format!("{what}: the choices: {problem}; write {{ \"a\", \"b\" }}"),
        )
    })?;
    if all.is_empty() {
        return Err(misuse(
            lua,
            format!("{what}: there is nothing to choose from"),
        ));
    }
    let options = Options::read(what, &["default", "timeout"], lua, options)?;
    let mut question = Question {
        prompt,
        wanted: Wanted::One(all),
        default: None,
        timeout: timeout(&options)?,
    };
    let default: Option<String> = options.optional("default")?;
    let fitting = default.map(|default| question.fit(&default)).transpose();
    question.default = fitting.map_err(|problem| options.invalid("default", problem))?;
    let reply = floor.ask(EntryKind::Choose, question).await?;
    string(lua, reply.answer)
}

/// `p:ask(prompt, { default, timeout })`: a text; nil when time is up.
pub(super) async fn ask(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    asked(lua, floor, "ask", EntryKind::Ask, args).await
}

/// Asks for a text, as `ask` and `retro` do.
pub(super) async fn asked(
    lua: &Lua,
    floor: &Floor,
    what: &'static str,
    entry: EntryKind,
    args: MultiValue,
) -> Result<Value> {
    let (prompt, options) = <(Value, Value)>::from_lua_multi(args, lua)?;
    let prompt = text(lua, what, "the question", prompt)?;
    let options = Options::read(what, &["default", "timeout"], lua, options)?;
    let question = Question {
        prompt,
        wanted: Wanted::Text,
        default: options.optional("default")?,
        timeout: timeout(&options)?,
    };
    let reply = floor.ask(entry, question).await?;
    string(lua, reply.answer)
}

/// `p:wait_mark(prompt, { timeout })`: milliseconds until somebody marks it; nil when time is up.
pub(super) async fn wait_mark(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let what = "wait_mark";
    let (prompt, options) = <(Value, Value)>::from_lua_multi(args, lua)?;
    let prompt = text(lua, what, "what is marked", prompt)?;
    let options = Options::read(what, &["timeout"], lua, options)?;
    let question = Question {
        prompt,
        wanted: Wanted::Mark,
        default: None,
        timeout: timeout(&options)?,
    };
    let began = floor.harness.clock.elapsed();
    let reply = floor.ask(EntryKind::Mark, question).await?;
    let took = floor.harness.clock.elapsed().saturating_sub(began);
    Ok(match reply.answer {
        Some(_) => Value::Number(took.as_secs_f64() * 1e3),
        None => Value::Nil,
    })
}

/// `p:countdown(time, text)`: waits where everybody sees it; the key `s` ends the gameday.
pub(super) async fn countdown(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let what = "countdown";
    let (time, prompt) = <(Value, Value)>::from_lua_multi(args, lua)?;
    let time = Duration::from_option(time)
        .map_err(|problem| misuse(lua, format!("{what}: the time: {problem}")))?;
    let prompt = match prompt {
        Value::Nil => "countdown".to_owned(),
        prompt => text(lua, what, "the text", prompt)?,
    };
    let question = Question {
        prompt: prompt.clone(),
        wanted: Wanted::Countdown(time_scale(lua).of(time)),
        default: None,
        timeout: None,
    };
    let reply = floor.ask(EntryKind::Countdown, question).await?;
    if reply.answer.as_deref() == Some("stop") {
        floor.stop(format!(
            "stopped at the countdown \"{prompt}\" by {}",
            reply.by
        ))?;
    }
    Ok(Value::Nil)
}

fn string(lua: &Lua, text: Option<String>) -> Result<Value> {
    match text {
        Some(text) => lua.create_string(text).map(Value::String),
        None => Ok(Value::Nil),
    }
}
