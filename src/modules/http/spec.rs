//! The options of a request, or of a client: read in one pass over the table.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use mlua::{Lua, Result, Value};

use super::body::{self, Content};
use super::expected::Expected;
use super::read::{self, Read, wrong};
use super::transport::{self, Credentials};
use super::vm::Machine;
use crate::http::{Coding, Proxy, TlsOptions, VersionPreference};
use crate::modules::words::kind;
use crate::script::{FromOption, Vu, misuse};

/// Name and value.
pub(super) type Header = (Cow<'static, str>, Cow<'static, [u8]>);

/// Options of a request.
pub(super) const REQUEST: &[&str] = &[
    "headers",
    "query",
    "json",
    "form",
    "body",
    "multipart",
    "timeout",
    "redirects",
    "auth",
    "cookies",
    "compression",
    "tls",
    "proxy",
    "version",
    "tags",
    "name",
    "discard_body",
    "expected",
];

/// Options of `http.client`: those of its requests that make sense for all of them.
pub(super) const CLIENT: &[&str] = &[
    "base_url",
    "headers",
    "query",
    "timeout",
    "redirects",
    "auth",
    "cookies",
    "compression",
    "tls",
    "proxy",
    "version",
    "tags",
    "name",
    "discard_body",
    "expected",
];

/// What the options said; what they did not say is none or empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Spec {
    pub(super) base_url: Option<String>,
    pub(super) headers: Vec<Header>,
    pub(super) query: Vec<(String, String)>,
    pub(super) content: Option<Content>,
    pub(super) timeout: Option<Duration>,
    pub(super) redirects: Option<u32>,
    pub(super) auth: Option<Credentials>,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) use_jar: Option<bool>,
    pub(super) compression: Vec<Coding>,
    pub(super) tls: Option<Rc<TlsOptions>>,
    pub(super) proxy: Option<Rc<Proxy>>,
    pub(super) version: Option<VersionPreference>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) name: Option<String>,
    pub(super) discard_body: Option<bool>,
    pub(super) expected: Option<Rc<Expected>>,
}

impl Spec {
    /// Reads the options table of `what`; nil is an empty one.
    ///
    /// # Errors
    ///
    /// Misuse: no table, an unknown key, or a value that an option cannot have.
    pub(super) fn read(
        lua: &Lua,
        machine: &Machine,
        vu: &Vu,
        what: &str,
        known: &[&str],
        options: &Value,
    ) -> Result<Self> {
        let mut spec = Self::default();
        let table = match options {
            Value::Nil => return Ok(spec),
            Value::Table(table) => table,
            Value::String(_) => {
                let message = format!(
                    "{what}: expected a table of options, got a string; \
                     write {what}(url, {{ body = … }})"
                );
                return Err(misuse(lua, message));
            }
            other => {
                let got = kind(other);
                let message = format!("{what}: expected a table of options, got {got}");
                return Err(misuse(lua, message));
            }
        };
        table.for_each(|key: Value, value: Value| {
            let shown = read::shown(&key);
            let key = match &key {
                Value::String(_) if known.contains(&shown.as_str()) => shown.as_str(),
                _ => {
                    return Err(misuse(
                        lua,
                        format!("{what}: {}", read::unknown(&shown, known)),
                    ));
                }
            };
            spec.set(lua, machine, vu, key, value)
                .map_err(|problem| wrong(lua, what, key, &problem))
        })?;
        Ok(spec)
    }

    fn set(&mut self, lua: &Lua, machine: &Machine, vu: &Vu, key: &str, value: Value) -> Read<()> {
        match key {
            "base_url" => {
                let text = read::text(&value)?;
                super::target::parse(&text)?;
                self.base_url = Some(text);
            }
            "headers" => self.headers = headers(&value)?,
            "query" => self.query = read::pairs(&value)?,
            "body" | "json" | "form" | "multipart" => {
                if self.content.is_some() {
                    return Err(
                        "there is another body; give only one of `body`, `json`, `form` \
                                and `multipart`"
                            .to_owned(),
                    );
                }
                let content = body::read(lua, key, &value, &mut vu.rng.borrow_mut())?;
                self.content = Some(content);
            }
            "timeout" => self.timeout = Some(timeout(value)?),
            "redirects" => self.redirects = Some(u32::from_option(value)?),
            "auth" => self.auth = Some(transport::credentials(&value)?),
            "cookies" => match value {
                Value::Boolean(flag) => self.use_jar = Some(flag),
                value => self.cookies = cookies(&value)?,
            },
            "compression" => self.compression = transport::codings(&value)?,
            "tls" => self.tls = Some(machine.trust.read(&vu.folder, &value)?),
            "proxy" => self.proxy = Some(transport::proxy(&value)?),
            "version" => self.version = Some(transport::version(&value)?),
            "tags" => self.tags = tags(&value)?,
            "name" => self.name = Some(read::text(&value)?),
            "discard_body" => self.discard_body = Some(bool::from_option(value)?),
            _ => self.expected = Some(Rc::new(Expected::read(&value)?)),
        }
        Ok(())
    }
}

fn timeout(value: Value) -> Read<Duration> {
    let timeout = Duration::from_option(value)?;
    if timeout.is_zero() {
        return Err("nothing arrives in no time; write \"1s\"".to_owned());
    }
    Ok(timeout)
}

/// Tags of samples: names and plain values, not those that samples have of themselves.
fn tags(value: &Value) -> Read<Vec<(String, String)>> {
    let tags = read::pairs(value)?;
    let own = ["name", "method", "status", "error_code"];
    match tags.iter().find(|(key, _)| own.contains(&key.as_str())) {
        Some((key, _)) if key == "name" => Err("`name` is an option of its own".to_owned()),
        Some((key, _)) => Err(format!("`{key}` is measured; choose another tag")),
        None => Ok(tags),
    }
}

fn headers(value: &Value) -> Read<Vec<Header>> {
    let mut headers = Vec::new();
    for (name, value) in read::entries(value)? {
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            let name = crate::base::text::quoted(&name);
            return Err(format!("{name} cannot be the name of a header"));
        }
        let mut add = |value: &Value| -> Read<()> {
            let bytes = match value {
                Value::String(text) => text.as_bytes().to_vec(),
                value => read::plain(value)
                    .map_err(|error| format!("`{name}`: {error}"))?
                    .into_bytes(),
            };
            if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                return Err(format!("`{name}`: the value has a line break in it"));
            }
            headers.push((name.clone().into(), bytes.into()));
            Ok(())
        };
        match &value {
            Value::Table(list) => {
                for item in list.sequence_values::<Value>() {
                    add(&item.map_err(|error| error.to_string())?)?;
                }
            }
            value => add(value)?,
        }
    }
    Ok(headers)
}

fn cookies(value: &Value) -> Read<Vec<(String, String)>> {
    let cookies = read::pairs(value).map_err(|error| {
        format!("{error}; write {{ name = \"value\" }}, or false to use no cookies")
    })?;
    let bad = |text: &str| text.contains([';', '\r', '\n', '\0']);
    match cookies
        .iter()
        .find(|(name, value)| bad(name) || bad(value) || name.contains('='))
    {
        Some((name, _)) => Err(format!("`{name}`: a cookie has no \";\" and no line break")),
        None => Ok(cookies),
    }
}
