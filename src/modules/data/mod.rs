//! `data`: rows of files, read once per process and shared by every virtual user, read-only.

mod row;
mod rows;
mod table;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mlua::{Lua, Result, Table, Value};

use self::row::Row;
use self::rows::Rows;
use self::table::Data;
use super::files;
use crate::script::{FromOption, Module, Options, current, json, misuse};

/// Seen by scripts as the global `data`.
pub const MODULE: Module = Module { name: "data", open };

fn open(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("csv", lua.create_function(csv)?)?;
    exports.raw_set("json", lua.create_function(json)?)?;
    exports.raw_set("lines", lua.create_function(lines)?)?;
    Ok(exports)
}

/// What one call reads; equal calls share the rows and the place of `next`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    path: PathBuf,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    Csv(table::CsvOptions),
    Json,
    Lines,
}

type Known = Mutex<Vec<(Wanted, Arc<Data>)>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(Mutex::default)
}

/// The rows of a file with separated values.
fn csv(lua: &Lua, (path, options): (Value, Value)) -> Result<Value> {
    let what = "data.csv";
    let options = Options::read(what, &["separator", "header", "columns"], lua, options)?;
    let separator: Option<String> = options.optional("separator")?;
    let separator = match separator.as_deref().map(str::as_bytes) {
        None => b',',
        Some([one]) => *one,
        Some(_) => {
            let problem = "a separator is one ASCII character, such as \";\" or \"\\t\"";
            return Err(options.invalid("separator", problem));
        }
    };
    let columns: Option<Vec<String>> = options.optional("columns")?;
    let header: Option<bool> = options.optional("header")?;
    let how = How::Csv(table::CsvOptions {
        separator,
        // Whoever names the columns has a file that does not, unless it says so.
        header: header.unwrap_or(columns.is_none()),
        columns,
    });
    let data = load(lua, what, path, how)?;
    rows(lua, data)
}

/// The lines of a text file, without their ends.
fn lines(lua: &Lua, path: Value) -> Result<Value> {
    let data = load(lua, "data.lines", path, How::Lines)?;
    rows(lua, data)
}

/// The elements of a JSON array; of any other JSON the value itself, read-only.
fn json(lua: &Lua, path: Value) -> Result<Value> {
    let data = load(lua, "data.json", path, How::Json)?;
    match data.whole() {
        None => rows(lua, data),
        Some(text) => {
            let value = json::decode(lua, text)?;
            json::freeze(&value);
            Ok(value)
        }
    }
}

fn rows(lua: &Lua, data: Arc<Data>) -> Result<Value> {
    lua.create_userdata(Rows::new(lua, data)?)
        .map(Value::UserData)
}

fn load(lua: &Lua, what: &str, path: Value, how: How) -> Result<Arc<Data>> {
    let wrong = |problem: String| misuse(lua, format!("{what}: {problem}"));
    let path =
        String::from_option(path).map_err(|problem| wrong(format!("the path: {problem}")))?;
    let folder = Arc::clone(&current()?.vu.folder);
    let full = files::locate(&folder, &path).map_err(wrong)?;
    let wanted = Wanted { path: full, how };
    let mut known = known().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, data)) = known.iter().find(|(same, _)| *same == wanted) {
        return Ok(Arc::clone(data));
    }
    let bytes = files::read(&folder, &path).map_err(wrong)?;
    let shown = crate::base::text::quoted(&path);
    let data = match &wanted.how {
        How::Csv(options) => table::csv(&bytes, options),
        How::Json => table::json(&bytes),
        How::Lines => table::lines(&bytes),
    };
    let data = Arc::new(data.map_err(|problem| wrong(format!("{shown}: {problem}")))?);
    known.push((wanted, Arc::clone(&data)));
    Ok(data)
}
