//! `multipart/form-data` bodies, and the files in them.

use std::path::Path;

use mlua::{UserData, Value};

use super::read::{self, Read};
use crate::base::rng::Rng;
use crate::modules::files;

/// What `http.file` returns: the bytes of a file with the name and type it is sent under.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) data: std::sync::Arc<[u8]>,
}

impl UserData for File {}

impl File {
    /// Reads `http.file("path", { name, type })` or `http.file { data, name, type }`.
    pub(super) fn read(folder: &Path, first: &Value, second: &Value) -> Read<Self> {
        let (path, options) = match first {
            Value::Table(_) => (None, first),
            path => (Some(read::text(path)?), second),
        };
        let entries = match options {
            Value::Nil => Vec::new(),
            options => read::entries(options)?,
        };
        let keys: &[&str] = match path {
            Some(_) => &["name", "type"],
            None => &["data", "path", "name", "type"],
        };
        read::known(&entries, keys)?;
        let get = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, v)| v);
        let text = |key: &str| get(key).map(read::text).transpose();
        let path = match path {
            Some(path) => Some(path),
            None => text("path")?,
        };
        let data = match (&path, get("data")) {
            (Some(path), None) => files::read(folder, path)?,
            (None, Some(data)) => read::bytes(data)?.into(),
            _ => return Err("give either a path or `data`".to_owned()),
        };
        let base = path.as_deref().map(Path::new).and_then(Path::file_name);
        let base = base.map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            name: text("name")?.or(base).unwrap_or_else(|| "file".to_owned()),
            kind: text("type")?.unwrap_or_else(|| "application/octet-stream".to_owned()),
            data,
        })
    }
}

/// Builds a body from `{ field = "text", upload = http.file(…) }`; returns its content type too.
/// Parts are sorted by field, so that a run can be repeated.
pub(super) fn encode(value: &Value, rng: &mut Rng) -> Read<(String, Vec<u8>)> {
    let boundary = format!("rchaos-{:016x}{:016x}", rng.bits(), rng.bits());
    let mut body = Vec::new();
    for (field, value) in read::entries(value)? {
        match &value {
            Value::Table(list) => {
                for item in list.sequence_values::<Value>() {
                    let item = item.map_err(|error| error.to_string())?;
                    part(&mut body, &boundary, &field, &item)?;
                }
            }
            value => part(&mut body, &boundary, &field, value)?,
        }
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

fn part(body: &mut Vec<u8>, boundary: &str, field: &str, value: &Value) -> Read<()> {
    let field = escaped(field);
    let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"");
    let file = value
        .as_userdata()
        .and_then(|data| data.borrow::<File>().ok());
    if let Some(file) = file {
        let (name, kind) = (escaped(&file.name), file.kind.replace(['\r', '\n'], " "));
        head.push_str(&format!(
            "; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        ));
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&file.data);
    } else {
        let text = match value {
            Value::String(text) => text.as_bytes().to_vec(),
            value => read::plain(value)
                .map_err(|error| format!("`{field}`: {error}, or http.file(…)"))?
                .into_bytes(),
        };
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&text);
    }
    body.extend_from_slice(b"\r\n");
    Ok(())
}

/// A name within quotes, as browsers escape it.
fn escaped(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_sorted_and_a_seed_repeats_the_boundary() {
        let lua = mlua::Lua::new();
        let table = lua.create_table().unwrap();
        table.set("note", "hi \"there\"").unwrap();
        let file = File {
            name: "a\".txt".into(),
            kind: "text/plain".into(),
            data: (*b"data").into(),
        };
        table
            .set("file", lua.create_userdata(file).unwrap())
            .unwrap();
        let encode = || {
            let mut rng = Rng::derive(1, "x", 2);
            super::encode(&Value::Table(table.clone()), &mut rng).unwrap()
        };
        let (kind, body) = encode();
        let boundary = kind.split_once("boundary=").unwrap().1;
        let text = String::from_utf8(body).unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"a%22.txt\"\r\nContent-Type: text/plain\r\n\r\ndata\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n\
             hi \"there\"\r\n--{boundary}--\r\n"
        );
        assert_eq!(text, expected);
        assert_eq!(encode().0, kind);
    }
}
