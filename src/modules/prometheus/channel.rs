//! The way to a server: TLS, credentials and limits; requests here are not part of the load.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Identity, Method, redirect, tls};
use url::Url;

use super::trouble::Trouble;
use crate::base::text::quoted;
use crate::modules::files;
use crate::script::{Options, current};

/// The options that say how a server is reached.
pub(super) const KEYS: [&str; 4] = ["auth", "tls", "headers", "timeout"];

const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const MOST: usize = 32 << 20;
/// Clients that one machine keeps; the oldest makes room.
const CLIENTS: usize = 16;

/// How a client speaks TLS; those that are equal share their connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tls {
    /// Whether the URL is `https`; the system's certificates are read only then.
    secure: bool,
    ca: Option<Arc<[u8]>>,
    identity: Option<Vec<u8>>,
    insecure: bool,
    only_13: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Auth {
    Basic(String, String),
    Bearer(String),
}

/// The clients of one machine.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<Vec<(Tls, Client)>>);

/// A way to one server.
#[derive(Debug)]
pub(super) struct Channel {
    clients: Arc<Clients>,
    tls: Tls,
    auth: Option<Auth>,
    headers: HeaderMap,
    timeout: Duration,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) body: Vec<u8>,
}

impl Channel {
    /// Reads [`KEYS`]; credentials in the URL are taken out of it. Nothing is opened.
    ///
    /// # Errors
    ///
    /// Misuse: options that cannot be.
    pub(super) fn read(
        clients: &Arc<Clients>,
        options: &Options,
        url: &mut Url,
    ) -> mlua::Result<Self> {
        let timeout: Option<Duration> = options.optional("timeout")?;
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(options.invalid("timeout", "\"0s\" is too short; write \"10s\""));
        }
        Ok(Self {
            clients: Arc::clone(clients),
            tls: tls_options(options, url)?,
            auth: credentials(options)?.or_else(|| taken(url)),
            headers: headers(options)?,
            timeout: timeout.unwrap_or(TIMEOUT),
        })
    }

    /// Sends a request, with a form as its body if there is one, and reads the whole answer.
    ///
    /// # Errors
    ///
    /// No answer in time, one that is too large, or a redirect.
    pub(super) async fn send(
        &self,
        url: &Url,
        form: Option<String>,
        accept: &'static str,
    ) -> Result<Answer, Trouble> {
        let reading = self.exchange(url, form, accept);
        // The client's own limit would be told apart only by the text of its error.
        match tokio::time::timeout(self.timeout, reading).await {
            Ok(answer) => answer,
            Err(_) => Err(Trouble::Timeout {
                url: url.to_string(),
                after: self.timeout,
            }),
        }
    }

    async fn exchange(
        &self,
        url: &Url,
        form: Option<String>,
        accept: &'static str,
    ) -> Result<Answer, Trouble> {
        let failed = |error: reqwest::Error| Trouble::Unreachable {
            url: url.to_string(),
            cause: root(&error),
        };
        let method = form.as_ref().map_or(Method::GET, |_| Method::POST);
        let client = self.clients.get(&self.tls).map_err(failed)?;
        let mut request = client
            .request(method, url.clone())
            .header("accept", accept)
            .headers(self.headers.clone());
        request = match &self.auth {
            None => request,
            Some(Auth::Basic(user, password)) => request.basic_auth(user, Some(password)),
            Some(Auth::Bearer(token)) => request.bearer_auth(token),
        };
        if let Some(form) = form {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(form);
        }
        let mut response = request.send().await.map_err(failed)?;
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        if let (true, Some(to)) = (response.status().is_redirection(), header("location")) {
            let to = url.join(&to).map_or(to, String::from);
            let url = url.to_string();
            return Err(Trouble::Redirect { url, to });
        }
        let kind = header("content-type").unwrap_or_default();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > MOST {
                let url = url.to_string();
                return Err(Trouble::TooLarge { url, most: MOST });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status, kind, body })
    }
}

impl Clients {
    fn get(&self, tls: &Tls) -> reqwest::Result<Client> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = known.iter().find(|(same, _)| same == tls) {
            return Ok(client.clone());
        }
        let client = build(tls)?;
        if known.len() >= CLIENTS {
            known.remove(0);
        }
        known.push((tls.clone(), client.clone()));
        Ok(client)
    }
}

fn build(tls: &Tls) -> reqwest::Result<Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Whoever was first has installed one that does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = Client::builder()
        .user_agent(concat!("rchaos/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        // What is asked about a fault must not depend on a variable of the environment.
        .no_proxy()
        .tls_danger_accept_invalid_certs(tls.insecure);
    builder = match &tls.ca {
        Some(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(pem)?),
        // A machine without certificates can still be asked over plain HTTP.
        None if !tls.secure => builder.tls_certs_only([]),
        None => builder,
    };
    if let Some(pem) = &tls.identity {
        builder = builder.identity(Identity::from_pem(pem)?);
    }
    if tls.only_13 {
        builder = builder.tls_version_min(tls::Version::TLS_1_3);
    }
    builder.build()
}

/// The innermost cause: what those around it say is known from the message.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Reads an `http` or `https` URL.
///
/// # Errors
///
/// What to tell the user.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let hint = "write \"http://127.0.0.1:9090\"";
    let shown = quoted(text);
    let url = Url::parse(text).map_err(|error| format!("{shown} is not a URL: {error}; {hint}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("{shown} is not an http or https URL; {hint}"));
    }
    Ok(url)
}

fn tls_options(options: &Options, url: &Url) -> mlua::Result<Tls> {
    let mut tls = Tls {
        secure: url.scheme() == "https",
        ..Tls::default()
    };
    let keys = ["ca", "cert", "key", "insecure", "min_version"];
    let Some(given) = options.child("tls", &keys)? else {
        return Ok(tls);
    };
    let folder = Arc::clone(&current()?.vu.folder);
    let read = |key: &str| -> mlua::Result<Option<Arc<[u8]>>> {
        let text: Option<String> = given.optional(key)?;
        let pem = text.map(|text| pem(&folder, &text)).transpose();
        pem.map_err(|problem| given.invalid(key, problem))
    };
    tls.ca = read("ca")?;
    if let Some(ca) = &tls.ca
        && !Certificate::from_pem_bundle(ca).is_ok_and(|all| !all.is_empty())
    {
        return Err(given.invalid("ca", "there is no certificate in it"));
    }
    tls.identity = match (read("cert")?, read("key")?) {
        (None, None) => None,
        (Some(cert), Some(key)) => Some([&cert[..], b"\n", &key[..]].concat()),
        (Some(_), None) => return Err(given.invalid("cert", "it needs `key` too")),
        (None, Some(_)) => return Err(given.invalid("key", "it needs `cert` too")),
    };
    if let Some(pem) = &tls.identity {
        Identity::from_pem(pem)
            .map_err(|error| given.invalid("cert", format!("cannot be used: {}", root(&error))))?;
    }
    tls.insecure = given.optional("insecure")?.unwrap_or(false);
    tls.only_13 = match given.optional::<String>("min_version")?.as_deref() {
        None | Some("1.2") => false,
        Some("1.3") => true,
        Some(other) => {
            let problem = format!("{} is none; write \"1.2\" or \"1.3\"", quoted(other));
            return Err(given.invalid("min_version", problem));
        }
    };
    Ok(tls)
}

/// PEM text itself, or the file that holds it.
fn pem(folder: &Path, text: &str) -> Result<Arc<[u8]>, String> {
    if text.contains("-----BEGIN") {
        return Ok(Arc::from(text.as_bytes()));
    }
    files::read(folder, text)
}

fn credentials(options: &Options) -> mlua::Result<Option<Auth>> {
    let Some(given) = options.child("auth", &["basic", "bearer"])? else {
        return Ok(None);
    };
    let basic: Option<Vec<String>> = given.optional("basic")?;
    let bearer: Option<String> = given.optional("bearer")?;
    match (basic, bearer) {
        (Some(pair), None) => match <[String; 2]>::try_from(pair) {
            Ok([user, password]) => Ok(Some(Auth::Basic(user, password))),
            Err(_) => Err(given.invalid("basic", "write { \"user\", \"password\" }")),
        },
        (None, Some(token)) => Ok(Some(Auth::Bearer(token))),
        _ => Err(options.invalid(
            "auth",
            "exactly one kind is needed; write { basic = { \"user\", \"password\" } } \
             or { bearer = \"token\" }",
        )),
    }
}

/// Credentials of a URL; messages show the URL without them.
fn taken(url: &mut Url) -> Option<Auth> {
    let decoded = |text: &str| {
        let pair = format!("a={}", text.replace('+', "%2B"));
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs
            .next()
            .map_or_else(String::new, |(_, value)| value.into_owned())
    };
    let user = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return None;
    }
    // Only a URL without a host cannot lose them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(Auth::Basic(user, password))
}

fn headers(options: &Options) -> mlua::Result<HeaderMap> {
    let given: Option<BTreeMap<String, String>> = options.optional("headers")?;
    let mut headers = HeaderMap::new();
    for (name, value) in given.unwrap_or_default() {
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        );
        let (Ok(key), Ok(value)) = parsed else {
            let problem = format!("{} is not a header that can be sent", quoted(&name));
            return Err(options.invalid("headers", problem));
        };
        headers.insert(key, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_a_url_leave_it() {
        let mut url = url("http://me:s%2B+e@h:1/p").unwrap();
        assert_eq!(
            taken(&mut url),
            Some(Auth::Basic("me".into(), "s++e".into()))
        );
        assert_eq!(url.as_str(), "http://h:1/p");
        assert_eq!(taken(&mut url), None);
    }

    #[test]
    fn urls_are_http() {
        for wrong in [
            "127.0.0.1:9090",
            "ftp://h/",
            "/metrics",
            "localhost:9090",
            "",
        ] {
            let problem = url(wrong).unwrap_err();
            assert!(problem.contains("write \"http://"), "{problem}");
        }
        assert!(url("https://h").is_ok());
    }

    #[test]
    fn equal_ways_share_a_client() {
        let clients = Clients::default();
        let plain = Tls::default();
        clients.get(&plain).unwrap();
        clients.get(&plain).unwrap();
        assert_eq!(clients.0.lock().unwrap().len(), 1);
        let insecure = Tls {
            insecure: true,
            ..plain
        };
        clients.get(&insecure).unwrap();
        assert_eq!(clients.0.lock().unwrap().len(), 2);
    }
}
