//! The body of a request, from the one option that gives it.

use bytes::Bytes;
use mlua::{Lua, Value};
use url::form_urlencoded;

use super::multipart;
use super::read::{self, Read};
use crate::base::rng::Rng;
use crate::script::json;

/// A body, and what `content-type` says about it unless the script says so itself.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) kind: Option<String>,
}

/// Reads the value of `body`, `json`, `form` or `multipart`.
pub(super) fn read(lua: &Lua, option: &str, value: &Value, rng: &mut Rng) -> Read<Content> {
    let (bytes, kind) = match option {
        "json" => {
            let text = json::encode(lua, value).map_err(|error| cause(&error))?;
            (text, Some("application/json".to_owned()))
        }
        "form" => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(read::pairs(value)?);
            let kind = "application/x-www-form-urlencoded".to_owned();
            (form.finish().into_bytes(), Some(kind))
        }
        "multipart" => {
            let (kind, bytes) = multipart::encode(value, rng)?;
            (bytes, Some(kind))
        }
        _ => (body(value)?, None),
    };
    Ok(Content {
        bytes: bytes.into(),
        kind,
    })
}

fn body(value: &Value) -> Read<Vec<u8>> {
    if let Some(data) = value.as_userdata()
        && let Ok(file) = data.borrow::<multipart::File>()
    {
        return Ok(file.data.to_vec());
    }
    read::bytes(value).map_err(|error| match value {
        Value::Table(_) => format!("{error}; a table goes into `json`, `form` or `multipart`"),
        _ => error,
    })
}

/// What an error says, without its place.
fn cause(error: &mlua::Error) -> String {
    crate::script::ScriptError::from_lua(error).message
}
