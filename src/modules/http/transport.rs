//! How requests travel: TLS, proxy, credentials, version and coding, from option values.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use mlua::Value;

use super::read::{self, Read};
use super::target;
use crate::base::text::quoted;
use crate::http::{Coding, Proxy, TlsOptions, TlsVersion, VersionPreference};
use crate::modules::files;
use crate::script::FromOption;

/// Past this many the oldest is forgotten; its connections end with it.
const LIMIT: usize = 64;

/// TLS options as written, and what they became.
type Known = (Vec<(String, String)>, Rc<TlsOptions>);

/// TLS options of one machine: connections are shared by those that use the same.
#[derive(Debug, Default)]
pub(super) struct Trust(RefCell<Vec<Known>>);

impl Trust {
    /// Reads `{ ca, cert, key, insecure, server_name, min_version }`; paths are relative to
    /// `folder`.
    pub(super) fn read(&self, folder: &Path, value: &Value) -> Read<Rc<TlsOptions>> {
        let entries = read::entries(value)?;
        let keys = [
            "ca",
            "cert",
            "key",
            "insecure",
            "server_name",
            "min_version",
        ];
        read::known(&entries, &keys)?;
        let mut written = Vec::new();
        for (key, value) in &entries {
            let value = match key.as_str() {
                "insecure" => bool::from_option(value.clone()).map(|flag| flag.to_string()),
                _ => read::text(value),
            };
            written.push((
                key.clone(),
                value.map_err(|error| format!("`{key}`: {error}"))?,
            ));
        }
        let mut known = self.0.borrow_mut();
        if let Some((_, options)) = known.iter().find(|(same, _)| *same == written) {
            return Ok(Rc::clone(options));
        }
        let options = Rc::new(tls(folder, &written)?);
        if known.len() >= LIMIT {
            known.remove(0);
        }
        known.push((written, Rc::clone(&options)));
        Ok(options)
    }
}

fn tls(folder: &Path, written: &[(String, String)]) -> Read<TlsOptions> {
    let mut options = TlsOptions::default();
    for (key, value) in written {
        let pem = || pem(folder, value).map_err(|error| format!("`{key}`: {error}"));
        match key.as_str() {
            "ca" => options.ca = Some(pem()?),
            "cert" => options.cert = Some(pem()?),
            "key" => options.key = Some(pem()?),
            "insecure" => options.insecure = value == "true",
            "server_name" => options.server_name = Some(value.clone()),
            _ => {
                options.min_version = match value.as_str() {
                    "1.2" => TlsVersion::Tls12,
                    "1.3" => TlsVersion::Tls13,
                    other => {
                        let other = quoted(other);
                        return Err(format!("`{key}`: {other}; write \"1.2\" or \"1.3\""));
                    }
                }
            }
        }
    }
    match (&options.cert, &options.key) {
        (Some(_), None) => Err("`cert` needs `key` too".to_owned()),
        (None, Some(_)) => Err("`key` needs `cert` too".to_owned()),
        _ => Ok(options),
    }
}

/// PEM text itself, or the file that holds it.
fn pem(folder: &Path, text: &str) -> Read<Vec<u8>> {
    if text.contains("-----BEGIN") {
        return Ok(text.as_bytes().to_vec());
    }
    let bytes = files::read(folder, text)?;
    if bytes.windows(10).any(|window| window == b"-----BEGIN") {
        Ok(bytes.to_vec())
    } else {
        Err(format!(
            "{} is not PEM; convert it with openssl",
            quoted(text)
        ))
    }
}

/// Reads `"http://user:password@host:port"`.
pub(super) fn proxy(value: &Value) -> Read<Rc<Proxy>> {
    let text = read::text(value)?;
    let url = target::parse(&text)?;
    if url.scheme() != "http" {
        return Err(format!(
            "{} is not supported; write \"http://host:port\"",
            quoted(&text)
        ));
    }
    Ok(Rc::new(Proxy { url, auth: None }))
}

/// Reads `"1.1"`, `"2"` or `"auto"`.
pub(super) fn version(value: &Value) -> Read<VersionPreference> {
    match read::text(value).as_deref() {
        Ok("1.1") => Ok(VersionPreference::Http1),
        Ok("2") => Ok(VersionPreference::Http2),
        Ok("auto") => Ok(VersionPreference::Auto),
        _ => {
            let shown = read::shown(value);
            Err(format!(
                "{} is no version; write \"1.1\", \"2\" or \"auto\"",
                quoted(&shown)
            ))
        }
    }
}

/// Reads `"gzip"` or a list, in the order in which they are applied.
pub(super) fn codings(value: &Value) -> Read<Vec<Coding>> {
    let one = |value: &Value| {
        let name = read::text(value)?;
        Coding::named(&name).ok_or_else(|| {
            format!(
                "{} is no coding; write \"gzip\", \"deflate\", \"br\" or \"zstd\"",
                quoted(&name)
            )
        })
    };
    match value {
        Value::Table(list) => list
            .sequence_values::<Value>()
            .map(|value| one(&value.map_err(|error| error.to_string())?))
            .collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Credentials as a script gives them; a digest's nonce is drawn for each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    Basic(String, String),
    Bearer(String),
    Digest(String, String),
}

/// Reads `{ basic = { user, password } }`, `{ bearer = token }` or `{ digest = { user, password } }`.
pub(super) fn credentials(value: &Value) -> Read<Credentials> {
    let spelling = "write { basic = { \"user\", \"password\" } }, { bearer = \"token\" } \
                    or { digest = { \"user\", \"password\" } }";
    let entries = read::entries(value).map_err(|error| format!("{error}; {spelling}"))?;
    read::known(&entries, &["basic", "bearer", "digest"])?;
    let [(kind, value)] = entries.as_slice() else {
        return Err(format!("exactly one kind is needed; {spelling}"));
    };
    if kind == "bearer" {
        return Ok(Credentials::Bearer(
            read::text(value).map_err(|e| format!("`bearer`: {e}"))?,
        ));
    }
    let part = |place: usize| -> Read<String> {
        let table = value.as_table().ok_or(spelling)?;
        let value: Value = table.raw_get(place).map_err(|error| error.to_string())?;
        read::text(&value).map_err(|error| format!("`{kind}`: {error}; {spelling}"))
    };
    let (user, password) = (part(1)?, part(2)?);
    Ok(match kind.as_str() {
        "basic" => Credentials::Basic(user, password),
        _ => Credentials::Digest(user, password),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(lua: &mlua::Lua, text: &str) -> Value {
        lua.load(text).eval().unwrap()
    }

    #[test]
    fn equal_tls_options_are_one() {
        let lua = mlua::Lua::new();
        let trust = Trust::default();
        let read = |text: &str| trust.read(Path::new("."), &value(&lua, text));
        let one = read("{ insecure = true, server_name = 'a' }").unwrap();
        let same = read("{ server_name = 'a', insecure = true }").unwrap();
        assert!(Rc::ptr_eq(&one, &same) && one.insecure);
        let problem = read("{ insecur = true }").unwrap_err();
        assert!(problem.contains("did you mean `insecure`?"), "{problem}");
        assert!(
            read("{ cert = '-----BEGIN X' }")
                .unwrap_err()
                .contains("`key`")
        );
        assert!(
            read("{ ca = 'no-such-file.pem' }")
                .unwrap_err()
                .contains("cannot find")
        );
        assert!(
            read("{ min_version = '1.1' }")
                .unwrap_err()
                .contains("\"1.3\"")
        );
    }

    #[test]
    fn credentials_are_of_one_kind() {
        let lua = mlua::Lua::new();
        let read = |text: &str| credentials(&value(&lua, text));
        let basic = Credentials::Basic("a".into(), "b".into());
        assert_eq!(read("{ basic = { 'a', 'b' } }"), Ok(basic));
        assert_eq!(
            read("{ bearer = 't' }"),
            Ok(Credentials::Bearer("t".into()))
        );
        for bad in [
            "{}",
            "'x'",
            "{ basic = 'a:b' }",
            "{ basic = { 'a' } }",
            "{ ntlm = {} }",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_and_codings_are_read() {
        let lua = mlua::Lua::new();
        assert_eq!(version(&value(&lua, "'2'")), Ok(VersionPreference::Http2));
        assert!(version(&value(&lua, "2")).is_err());
        assert_eq!(codings(&value(&lua, "{ 'gzip', 'br' }")).unwrap().len(), 2);
        assert!(
            codings(&value(&lua, "'lzma'"))
                .unwrap_err()
                .contains("\"zstd\"")
        );
        assert!(proxy(&value(&lua, "'socks5://h:1'")).is_err());
    }
}
