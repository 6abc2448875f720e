//! Whom an HTTP proxy calls, as a URL says it.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};

use crate::base::tls::{AnyCertificate, roots};
use crate::fault::proxy::{Address, AddressError};

/// Which versions of HTTP the upstream is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    Http2,
}

impl Version {
    /// The version as options spell it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "1.1" => Some(Self::Http1),
            "2" => Some(Self::Http2),
            _ => None,
        }
    }
}

/// How the upstream's certificate is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginTls {
    /// Certificates (PEM) trusted instead of the system's.
    pub ca: Option<String>,
    /// Whether any certificate is accepted.
    pub insecure: bool,
    /// The name sent and looked for in the certificate, instead of the URL's host.
    pub server_name: Option<String>,
}

/// Why a URL is no upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not of the shape that is needed.
    #[error(
        "{0:?} is no upstream; write \"http://127.0.0.1:8080\", \"https://shop.example\" or \"unix:/path\""
    )]
    Shape(String),
    /// The host and port are no address.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// The TLS options cannot be used.
    #[error("{0}")]
    Tls(String),
}

/// Whom a proxy calls.
#[derive(Clone)]
pub struct Origin {
    text: String,
    pub(super) address: Address,
    /// The authority for URLs and, where wanted, the host header.
    pub(super) authority: String,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) version: Version,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Origin {
    /// Reads `http://host:port`, `https://host:port`, `host:port` or `unix:/path`. Paths are the
    /// clients' business: a URL has none.
    ///
    /// # Errors
    ///
    /// Another scheme, a path, an address that is none, or TLS options that cannot be used.
    pub fn parse(text: &str, tls: &OriginTls, version: Version) -> Result<Self, OriginError> {
        let shape = || OriginError::Shape(text.to_owned());
        let (secure, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(shape()),
            None => (false, text),
        };
        let is_path = rest.starts_with("unix:") || rest.starts_with('/');
        let rest = if is_path {
            rest
        } else {
            rest.strip_suffix('/').unwrap_or(rest)
        };
        if rest.is_empty() || !is_path && rest.contains(['/', '?', '#', '@']) {
            return Err(shape());
        }
        let address = match Address::parse(rest) {
            Err(AddressError::MissingPort(_)) => {
                Address::parse(&format!("{rest}:{}", if secure { 443 } else { 80 }))?
            }
            other => other?,
        };
        let host = match &address {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp { host, .. } if host.is_empty() => return Err(shape()),
            Address::Tcp { host, .. } => host.clone(),
        };
        let authority = if is_path {
            host.clone()
        } else {
            rest.to_owned()
        };
        let name = tls.server_name.clone().unwrap_or(host);
        let tls = if secure {
            let name =
                ServerName::try_from(name).map_err(|error| OriginError::Tls(error.to_string()))?;
            Some((
                Arc::new(config(tls, version).map_err(OriginError::Tls)?),
                name,
            ))
        } else {
            None
        };
        let text = text.to_owned();
        Ok(Self {
            text,
            address,
            authority,
            tls,
            version,
        })
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

fn config(options: &OriginTls, version: Version) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if options.insecure {
        let any = Arc::new(AnyCertificate(provider));
        builder.dangerous().with_custom_certificate_verifier(any)
    } else {
        builder.with_root_certificates(roots(options.ca.as_ref().map(String::as_bytes))?)
    };
    let mut config = builder.with_no_client_auth();
    let protocols: &[&[u8]] = match version {
        Version::Auto => &[b"h2", b"http/1.1"],
        Version::Http1 => &[b"http/1.1"],
        Version::Http2 => &[b"h2"],
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_are_read_with_their_default_ports() {
        let tls = OriginTls {
            insecure: true,
            ..OriginTls::default()
        };
        let read = |text: &str| Origin::parse(text, &tls, Version::Auto);
        for (text, address, authority, scheme) in [
            (
                "http://127.0.0.1:8080",
                "127.0.0.1:8080",
                "127.0.0.1:8080",
                "http",
            ),
            ("http://[::1]:8080/", "[::1]:8080", "[::1]:8080", "http"),
            (
                "https://shop.example",
                "shop.example:443",
                "shop.example",
                "https",
            ),
            ("shop:81", "shop:81", "shop:81", "http"),
            ("unix:/tmp/shop", "unix:/tmp/shop", "localhost", "http"),
        ] {
            let origin = read(text).unwrap();
            assert_eq!(origin.address.to_string(), address);
            assert_eq!(
                (origin.authority.as_str(), origin.scheme()),
                (authority, scheme)
            );
        }
        for text in [
            "",
            "ftp://a:1",
            "http://a/b",
            "http://",
            "http://u@a:1",
            "http://:80",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(
            read("http://a:99999")
                .unwrap_err()
                .to_string()
                .contains("invalid port")
        );
    }
}
