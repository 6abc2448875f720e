//! `require`: the user's own files, relative to the file that asks, and the embedded library.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use mlua::{Function, Lua, Table, Value};

use super::error::{caller, stack};
use super::source::{STDIN, Source, SourceError, normal};
use super::task::current;
use super::vm::Shared;
use super::{stdlib, task};
use crate::base::text::quoted;

/// Adds `find` and `loaded`, between which the prelude's `require` runs the file. It does so in
/// Lua, so that a file's top level may wait.
pub(super) fn install(lua: &Lua, shared: &Rc<Shared>, native: &Table) -> mlua::Result<()> {
    let machine = Rc::clone(shared);
    let find = lua.create_function(move |lua, path: Value| find(lua, &machine, &path))?;
    native.set("find", find)?;
    native.set("loaded", lua.create_function(loaded)?)
}

/// The file's name and what it returned, or its name, nil and its body if it must run first.
fn find(
    lua: &Lua,
    machine: &Shared,
    path: &Value,
) -> mlua::Result<(String, Value, Option<Function>)> {
    let Value::String(path) = path else {
        let message = "require: expected a path such as \"./lib/cart\"";
        return Err(task::misuse(lua, message));
    };
    let path = path.to_string_lossy();
    let Some((from, function)) = caller(lua) else {
        let message = "require: called from no file";
        return Err(task::misuse(lua, message));
    };
    let source = locate(machine, &from.file, &path)
        .map_err(|message| task::misuse(lua, format!("require: {message}")))?;
    let vu = Rc::clone(&current()?.vu);
    let name = source.name.to_string();
    if let Some(value) = vu.modules.borrow().done.get(&source.name) {
        return Ok((name, value.clone(), None));
    }
    begin(lua, &mut vu.modules.borrow_mut().loading, &source.name)?;
    let chunk = machine.load(lua, &source)?;
    let environment = function.environment().unwrap_or(lua.globals());
    let body = chunk.instance_in(&environment)?;
    Ok((name, Value::Nil, Some(body)))
}

/// Notes that `name` is being loaded, unless it is already.
fn begin(lua: &Lua, loading: &mut Vec<Arc<str>>, name: &Arc<str>) -> mlua::Result<()> {
    if let Some(at) = loading.iter().position(|known| known == name) {
        let running = stack(lua);
        if running.iter().any(|frame| frame.location.file == *name) {
            let mut chain: Vec<&str> = loading[at..].iter().map(|name| &**name).collect();
            chain.push(name);
            let message = format!("require: files need each other: {}", chain.join(" → "));
            return Err(task::misuse(lua, message));
        }
        // It failed before, and the script caught that.
        loading.truncate(at);
    }
    loading.push(Arc::clone(name));
    Ok(())
}

/// Keeps what a file returned. One that returned nothing counts as `true`.
fn loaded(_: &Lua, (name, value): (String, Value)) -> mlua::Result<Value> {
    let value = if value.is_nil() {
        Value::Boolean(true)
    } else {
        value
    };
    let vu = Rc::clone(&current()?.vu);
    let mut modules = vu.modules.borrow_mut();
    modules.loading.retain(|known| **known != *name);
    modules.done.insert(Arc::from(name), value.clone());
    Ok(value)
}

fn locate(machine: &Shared, from: &str, path: &str) -> Result<Source, String> {
    if let Some(name) = path.strip_prefix("@std/") {
        let text = stdlib::find(name)
            .ok_or_else(|| format!("there is no {} in the standard library", quoted(path)))?;
        return Ok(machine.sources.insert(path, text));
    }
    if Path::new(path).is_absolute() {
        return Err(format!(
            "{} is absolute; write a path relative to this file, such as \"./lib/cart\"",
            quoted(path)
        ));
    }
    if !path.starts_with("./") && !path.starts_with("../") {
        return Err(format!(
            "{} is neither a file nor a module; for a file write {}, modules are globals",
            quoted(path),
            quoted(&format!("./{path}"))
        ));
    }
    let folder = match from {
        STDIN => Path::new(""),
        file => Path::new(file).parent().unwrap_or(Path::new("")),
    };
    let base = normal(&folder.join(path));
    let tried = candidates(&base);
    for candidate in &tried {
        match machine.sources.read(candidate) {
            Ok(source) => return Ok(source),
            Err(SourceError::Missing(_)) => {}
            Err(other) => return Err(other.to_string()),
        }
    }
    let tried: Vec<_> = tried
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(format!(
        "cannot find {}; tried {}",
        quoted(path),
        tried.join(", ")
    ))
}

fn candidates(base: &Path) -> Vec<PathBuf> {
    let known = ["lua", "luau"];
    if base
        .extension()
        .is_some_and(|extension| known.iter().any(|known| extension == *known))
    {
        return vec![base.to_owned()];
    }
    let with = |tail: &str| {
        let mut path = base.as_os_str().to_owned();
        path.push(tail);
        PathBuf::from(path)
    };
    [".lua", ".luau", "/init.lua", "/init.luau"]
        .map(with)
        .to_vec()
}
