//! `note observe action retro`: what is kept of a gameday.

use mlua::{FromLuaMulti, IntoLuaMulti, Lua, MultiValue, Result, Value};

use super::asks::asked;
use super::handle::{Floor, text};
use crate::output::{Action, EntryKind};
use crate::script::{FromOption, Options, misuse};

/// `p:note(text)`.
pub(super) async fn note(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let note = Value::from_lua_multi(args, lua)?;
    let note = text(lua, "note", "the text", note)?;
    floor.harness.desk.tell(&format!("-- {note}"));
    floor.enter(EntryKind::Note, &note, None, "").await;
    Ok(Value::Nil)
}

/// `p:observe(what, value or function)`: keeps what is seen now, and returns it.
pub(super) async fn observe(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let (what, value) = <(Value, Value)>::from_lua_multi(args, lua)?;
    let what = text(lua, "observe", "what is observed", what)?;
    let value = match value {
        Value::Function(look) => look.call_async::<Value>(()).await?,
        Value::Nil => {
            let message = "observe: the second argument is what was seen, or a function that looks";
            return Err(misuse(lua, message));
        }
        value => value,
    };
    let shown = match &value {
        Value::Table(_) => {
            String::from_utf8_lossy(&crate::script::json::encode(lua, &value)?).into_owned()
        }
        value => value.to_string()?,
    };
    floor.harness.desk.tell(&format!("-- {what}: {shown}"));
    floor
        .enter(EntryKind::Observe, &what, Some(shown), "")
        .await;
    Ok(value)
}

/// `p:action(text, { owner })`: something to be done after the gameday.
pub(super) async fn action(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let (what, options) = <(Value, Value)>::from_lua_multi(args, lua)?;
    let what = text(lua, "action", "what is to be done", what)?;
    let options = Options::read("action", &["owner"], lua, options)?;
    let owner: Option<String> = options.optional("owner")?;
    floor
        .enter(EntryKind::Action, &what, owner.clone(), "")
        .await;
    let action = Action { text: what, owner };
    floor.gameday.state().actions.push(action);
    Ok(Value::Nil)
}

/// `g:retro { "What went well?", … }`: asks each; returns the answers by question.
pub(super) async fn retro(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let all = Value::from_lua_multi(args, lua)?;
    let all = Vec::<String>::from_option(all).map_err(|problem| {
        let usage = "write g:retro { \"What went well?\" }";
        misuse(lua, format!("retro: the questions: {problem}; {usage}"))
    })?;
    let answers = lua.create_table()?;
    for prompt in all {
        let arguments = (prompt.as_str(),).into_lua_multi(lua)?;
        let answer = asked(lua, floor, "retro", EntryKind::Retro, arguments).await?;
        answers.raw_set(prompt, answer)?;
    }
    Ok(Value::Table(answers))
}
