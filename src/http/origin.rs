//! What a connection leads to: two requests may share one only if all of this is the same.

use std::rc::Rc;

use url::Url;

use super::failure::Failure;
use super::request::{Proxy, Request, TlsOptions, VersionPreference};
use crate::base::text::quoted;

/// Scheme, host, port, proxy, TLS options and version of a connection.
#[derive(Debug)]
pub(super) struct Origin {
    pub https: bool,
    pub host: Box<str>,
    pub port: u16,
    pub proxy: Option<Rc<Proxy>>,
    pub tls: Option<Rc<TlsOptions>>,
    pub version: VersionPreference,
}

impl Origin {
    /// # Errors
    ///
    /// A scheme other than `http` and `https`, for the address or the proxy.
    pub fn new(request: &Request, url: &Url) -> Result<Self, Failure> {
        let https = is_https(url)?;
        if let Some(proxy) = &request.proxy
            && (proxy.url.scheme() != "http" || !proxy.url.has_host())
        {
            return Err(Failure::invalid(format!(
                "proxy {} is not supported; write \"http://host:port\"",
                quoted(proxy.url.as_str())
            )));
        }
        Ok(Self {
            https,
            host: url.host_str().unwrap_or_default().into(),
            port: url.port_or_known_default().unwrap_or_default(),
            proxy: request.proxy.clone(),
            tls: request.tls.clone(),
            version: request.version,
        })
    }

    /// Whether a request to `url` may use a connection to this.
    pub fn serves(&self, request: &Request, url: &Url) -> bool {
        Some(self.port) == url.port_or_known_default()
            && Some(&*self.host) == url.host_str()
            && self.https == (url.scheme() == "https")
            && self.version == request.version
            && same(self.tls.as_ref(), request.tls.as_ref())
            && (same(self.proxy.as_ref(), request.proxy.as_ref()) || self.proxy == request.proxy)
    }

    pub fn same_as(&self, other: &Self) -> bool {
        (self.https, self.port, self.version) == (other.https, other.port, other.version)
            && self.host == other.host
            && same(self.tls.as_ref(), other.tls.as_ref())
            && self.proxy == other.proxy
    }

    /// Whether HTTP/2 may come of a connection to this.
    pub fn may_be_h2(&self) -> bool {
        match self.version {
            VersionPreference::Auto => self.https,
            VersionPreference::Http1 => false,
            VersionPreference::Http2 => true,
        }
    }
}

fn same<T>(a: Option<&Rc<T>>, b: Option<&Rc<T>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Rc::ptr_eq(a, b),
        _ => false,
    }
}

/// # Errors
///
/// A scheme other than `http` and `https`, or no host.
pub(super) fn is_https(url: &Url) -> Result<bool, Failure> {
    match url.scheme() {
        "http" => Ok(false),
        "https" => Ok(true),
        other => Err(Failure::invalid(format!(
            "scheme {} is not supported; write \"http://\" or \"https://\"",
            quoted(other)
        ))),
    }
}
