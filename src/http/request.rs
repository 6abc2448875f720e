//! What a caller asks for: one request with everything that shapes how it is sent.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use url::Url;

/// One request. [`Request::new`] fills in the defaults; the fields are open.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, sent as it is.
    pub method: Method,
    /// The address; user and password in it are sent as basic authorization, unless `auth` is set.
    pub url: Rc<Url>,
    /// Headers in the order they are sent. `host`, `content-length` and `connection` are added
    /// where they are missing; nothing else is, neither `user-agent` nor `accept-encoding`.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, [u8]>)>,
    /// The body; its length is announced.
    pub body: Body,
    /// Bound of everything together: all redirects, connecting, the body. Default 60 s.
    pub timeout: Duration,
    /// How many redirects are followed; past it the redirecting response is the result. Default 10.
    pub redirects: u32,
    /// Which HTTP is spoken. Default [`VersionPreference::Auto`].
    pub version: VersionPreference,
    /// TLS options; connections are shared only between requests with the same `Rc`.
    pub tls: Option<Rc<TlsOptions>>,
    /// The proxy to go through. Default none; the environment is not looked at.
    pub proxy: Option<Rc<Proxy>>,
    /// Credentials, not sent to another origin after a redirect.
    pub auth: Option<Auth>,
    /// Cookies for this request besides those of the jar; they win over the jar's of the same name.
    pub cookies: Vec<(String, String)>,
    /// Whether the client's jar is read and written. Default true.
    pub use_jar: bool,
    /// Whether a compressed body is decompressed. Default true.
    pub decompress: bool,
    /// Whether the body is read without being kept. Default false.
    pub discard_body: bool,
    /// The largest body in bytes, before and after decompression; larger ones fail, unless the
    /// body is discarded. Default 64 MiB.
    pub max_body: u64,
    /// Whether the connection may be used again. Default true.
    pub keep_alive: bool,
}

impl Request {
    /// A request with an empty body and every option at its default.
    #[must_use]
    pub fn new(method: Method, url: Rc<Url>) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: Body::Empty,
            timeout: Duration::from_secs(60),
            redirects: 10,
            version: VersionPreference::Auto,
            tls: None,
            proxy: None,
            auth: None,
            cookies: Vec::new(),
            use_jar: true,
            decompress: true,
            discard_body: false,
            max_body: 64 << 20,
            keep_alive: true,
        }
    }
}

/// A request's body.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// None; `content-length: 0` is sent only with the methods that usually have a body.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
}

impl Body {
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersionPreference {
    /// HTTP/2 where the server offers it over TLS (ALPN), else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; without TLS by prior knowledge (h2c).
    Http2,
}

/// How servers are trusted and how the client shows who it is.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Certificates (PEM) trusted instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// The client's certificate chain (PEM); needs `key`.
    pub cert: Option<Vec<u8>>,
    /// The client's private key (PEM); needs `cert`.
    pub key: Option<Vec<u8>>,
    /// Whether any certificate is accepted. Default false.
    pub insecure: bool,
    /// The name sent (SNI) and looked for in the certificate, instead of the URL's host.
    pub server_name: Option<String>,
    /// The lowest version accepted. Default TLS 1.2.
    pub min_version: TlsVersion,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// An HTTP proxy: absolute-form for `http`, a `CONNECT` tunnel for `https` and h2c.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `http://host:port`; user and password in it are used if `auth` is not set.
    pub url: Url,
    /// User and password, sent as basic `proxy-authorization`.
    pub auth: Option<(String, String)>,
}

/// Credentials of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// User and password in every request.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token in every request.
    Bearer(String),
    /// Answers a challenge (RFC 7616) once; the first request goes without credentials.
    Digest {
        /// The user.
        user: String,
        /// The password.
        password: String,
        /// What the client's nonce is made of; pass a number of the run's seeded generator.
        cnonce: u64,
    },
}
