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
    /// A bracket that is not closed.
    #[error("address {0}: missing ']' in address")]
    MissingBracket(String),
    /// The port is neither a number nor the name of a service.
    #[error("address tcp/{0}: unknown port")]
    UnknownPort(String),
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
            Some(_) if text.starts_with('[') && !text.contains(']') => {
                return Err(AddressError::MissingBracket(text.to_owned()));
            }
            Some(parts) => parts,
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(AddressError::TooManyColons(text.to_owned()));
        }
        let port = if port.is_empty() { "0" } else { port };
        Ok(Self::Tcp {
            host: bare.unwrap_or(host).to_owned(),
            port: port_number(port)?,
        })
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

/// A port by its number, or by the name that `/etc/services` has for it.
fn port_number(port: &str) -> Result<u16, AddressError> {
    let signless = port.strip_prefix(['+', '-']).unwrap_or(port);
    if signless.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = port.parse().ok().filter(|_| signless == port);
        return number.ok_or_else(|| AddressError::InvalidPort(port.to_owned()));
    }
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let found = services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (name, number) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        let named = std::iter::once(name).chain(words).any(|name| name == port);
        number.parse().ok().filter(|_| named)
    });
    found.ok_or_else(|| AddressError::UnknownPort(port.to_owned()))
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
        assert_eq!(message("a:1x"), "address tcp/1x: unknown port");
        assert_eq!(message("[::1"), "address [::1: missing ']' in address");
    }

    #[test]
    fn localhost_is_ipv4_first_and_no_host_is_every_interface() {
        let first = |text: &str| Address::parse(text).unwrap().resolve().unwrap()[0].to_string();
        assert_eq!(first("localhost:1"), "127.0.0.1:1");
        assert_eq!(first(":1"), "[::]:1");
    }
}
