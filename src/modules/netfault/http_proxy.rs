//! `netfault.http_proxy`: an HTTP reverse proxy in the agent, until its scope ends.

use mlua::{Lua, Result, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::http_rules;
use super::proxy::{Handle, add_fields, add_methods, agent, listen, name};
use crate::base::text::quoted;
use crate::fault::Spec;
use crate::fault::http_proxy::{Origin, OriginTls, Version};
use crate::fault::inline::{HTTP_PROXY, HttpProxyFixture};
use crate::modules::files;
use crate::modules::hold::{FaultValue, fixture, raise};
use crate::script::phase::io;
use crate::script::{Options, current};

const WHAT: &str = "netfault.http_proxy";

const KEYS: &[&str] = &[
    "name", "listen", "upstream", "tls", "version", "host", "mark", "on",
];

const TLS: &[&str] = &["ca", "insecure", "server_name"];

/// Adds the native to the module.
pub fn open(lua: &Lua, exports: &Table) -> Result<()> {
    let proxy = lua.create_async_function(|lua, options| async move {
        io(&lua, WHAT)?;
        let (options, agent) = read(&lua, options)?;
        let (name, upstream) = (options.name.clone(), options.upstream.clone());
        let label = format!("http proxy {name} to {upstream}");
        let spec =
            Spec::new(&HTTP_PROXY, &options).map_err(|trouble| raise(&lua, WHAT, &trouble))?;
        let fault = FaultValue::new(WHAT, agent, spec, label);
        let held = fixture(&lua, WHAT, &fault).await?;
        Ok(HttpProxy(Handle::new(held, name, upstream)))
    })?;
    exports.raw_set("http_proxy", proxy)
}

fn read(lua: &Lua, options: Value) -> Result<(HttpProxyFixture, String)> {
    let options = Options::read(WHAT, KEYS, lua, options)?;
    let version = match options.optional::<String>("version")? {
        None => Version::Auto,
        Some(text) => Version::parse(&text).ok_or_else(|| {
            let text = quoted(&text);
            let text = format!("{text} is none; write \"auto\", \"1.1\" or \"2\"");
            options.invalid("version", text)
        })?,
    };
    let tls = match options.child("tls", TLS)? {
        None => OriginTls::default(),
        Some(tls) => OriginTls {
            ca: ca(&tls)?,
            insecure: tls.optional("insecure")?.unwrap_or_default(),
            server_name: tls.optional("server_name")?,
        },
    };
    let upstream: String = options.required("upstream")?;
    Origin::parse(&upstream, &tls, version).map_err(|error| options.invalid("upstream", error))?;
    if options.has("tls") && !upstream.starts_with("https:") {
        return Err(options.invalid("tls", "only an upstream at \"https://…\" speaks it"));
    }
    let host: Option<String> = options.optional("host")?;
    if let Some(host) = &host
        && (host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        let text = format!("{} is no host name", quoted(host));
        return Err(options.invalid("host", text));
    }
    let fixture = HttpProxyFixture {
        name: name(&options, "http_proxy")?,
        listen: listen(&options)?,
        upstream,
        tls,
        version,
        host,
        mark: options.optional("mark")?.unwrap_or_default(),
    };
    Ok((fixture, agent(&options)?))
}

/// The certificates: PEM text itself, or the file that holds it.
fn ca(tls: &Options) -> Result<Option<String>> {
    let Some(text) = tls.optional::<String>("ca")? else {
        return Ok(None);
    };
    if text.contains("-----BEGIN") {
        return Ok(Some(text));
    }
    let folder = current()?.vu.folder.clone();
    let bytes = files::read(&folder, &text).map_err(|problem| tls.invalid("ca", problem))?;
    match String::from_utf8(bytes.to_vec()) {
        Ok(pem) if pem.contains("-----BEGIN") => Ok(Some(pem)),
        _ => {
            let text = format!("{} is not PEM; convert it with openssl", quoted(&text));
            Err(tls.invalid("ca", text))
        }
    }
}

/// An HTTP proxy.
pub(super) struct HttpProxy(pub Handle);

impl HttpProxy {
    /// `http://127.0.0.1:40321`, without a slash at the end; none on a Unix socket.
    fn url(&self) -> Option<String> {
        let listen = self.0.listen();
        (!listen.starts_with("unix:")).then(|| format!("http://{listen}"))
    }
}

impl UserData for HttpProxy {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        add_fields(fields, |this: &Self| &this.0);
        fields.add_field_method_get("url", |_, this| Ok(this.url()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        add_methods(methods, "http_proxy", |this: &Self| &this.0);
        http_rules::add_methods(methods);
    }
}
