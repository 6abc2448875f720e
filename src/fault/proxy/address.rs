//! Where a proxy listens and whom it calls: `host:port`, or a Unix socket's path.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// An address as it was written; names are looked up when it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host and a port. No host means every interface; the host may be a name or an IP address.
    Tcp {
        /// Name or address; may be empty.
        host: String,
        /// Port; 0 lets the system choose.
        port: u16,
    },
    /// A Unix socket, written `unix:/path` or `/path`.
    Unix(PathBuf),
}

/// Why a text is no address, in the words of Go's resolver, which clients know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Only a host.
    #[error("address {0}: missing port in address")]
    MissingPort(String),
    /// An IPv6 address without brackets.
    #[error("address {0}: too many colons in address")]
    TooManyColons(String),
    /// The port is no number up to 65535.
    #[error("address {0}: invalid port")]
    InvalidPort(String),
    /// The name has no address.
    #[error("lookup {0}: no such host")]
    NoSuchHost(String),
}

impl Address {
    /// Reads an address. The empty text is every interface and a port that the system chooses.
    ///
    /// # Errors
    ///
    /// No port, a port that is no number, or an IPv6 address without brackets.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let path = text
            .strip_prefix("unix:")
            .or(text.starts_with('/').then_some(text));
        if let Some(path) = path {
            let path = path
                .strip_prefix("//")
                .filter(|rest| rest.starts_with('/'))
                .unwrap_or(path);
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let (host, port) = match text.rsplit_once(':') {
            None if text.is_empty() => ("", "0"),
            None => return Err(AddressError::MissingPort(text.to_owned())),
            Some(parts) => parts,
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(AddressError::TooManyColons(text.to_owned()));
        }
        let port = if port.is_empty() { "0" } else { port };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(number) if digits => Ok(Self::Tcp {
                host: bare.unwrap_or(host).to_owned(),
                port: number,
            }),
            _ => Err(AddressError::InvalidPort(port.to_owned())),
        }
    }

    /// Looks the host up; blocks on the system's resolver when it is a name.
    ///
    /// # Errors
    ///
    /// The name has no address.
    pub fn resolve(&self) -> Result<Vec<Target>, AddressError> {
        let (host, port) = match self {
            Self::Unix(path) => return Ok(vec![Target::Unix(path.clone())]),
            Self::Tcp { host, port } => (host, *port),
        };
        if let Some(target) = self.literal() {
            return Ok(vec![target]);
        }
        let missing = || AddressError::NoSuchHost(host.clone());
        let mut found: Vec<SocketAddr> = (host.as_str(), port)
            .to_socket_addrs()
            .map_err(|_| missing())?
            .collect();
        // IPv4 first, as Go does: "localhost" then means 127.0.0.1, which clients expect to read.
        found.sort_by_key(SocketAddr::is_ipv6);
        found.dedup();
        if found.is_empty() {
            return Err(missing());
        }
        Ok(found.into_iter().map(Target::Ip).collect())
    }

    /// The target when no lookup is needed.
    pub(super) fn literal(&self) -> Option<Target> {
        match self {
            Self::Unix(path) => Some(Target::Unix(path.clone())),
            Self::Tcp { host, port } if host.is_empty() => Some(Target::Ip(SocketAddr::new(
                Ipv6Addr::UNSPECIFIED.into(),
                *port,
            ))),
            Self::Tcp { host, port } => {
                let address: IpAddr = host.parse().ok()?;
                Some(Target::Ip(SocketAddr::new(address, *port)))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// An address that can be bound or called as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An IP address and port.
    Ip(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        let shown = |text| Address::parse(text).map(|address| address.to_string());
        assert_eq!(shown("127.0.0.1:80").unwrap(), "127.0.0.1:80");
        assert_eq!(shown("[::1]:80").unwrap(), "[::1]:80");
        assert_eq!(shown(":80").unwrap(), ":80");
        assert_eq!(shown("").unwrap(), ":0");
        assert_eq!(shown("unix:/tmp/a").unwrap(), "unix:/tmp/a");
        assert_eq!(shown("unix:///tmp/a").unwrap(), "unix:/tmp/a");
        assert_eq!(shown("/tmp/a").unwrap(), "unix:/tmp/a");
        let message = |text| Address::parse(text).unwrap_err().to_string();
        assert_eq!(
            message("local373"),
            "address local373: missing port in address"
        );
        assert_eq!(
            message("::1:80"),
            "address ::1:80: too many colons in address"
        );
        assert_eq!(message("a:99999"), "address 99999: invalid port");
        assert_eq!(message("a:+1"), "address +1: invalid port");
    }

    #[test]
    fn localhost_is_ipv4_first_and_no_host_is_every_interface() {
        let first = |text: &str| Address::parse(text).unwrap().resolve().unwrap()[0].to_string();
        assert_eq!(first("localhost:1"), "127.0.0.1:1");
        assert_eq!(first(":1"), "[::]:1");
    }
}
