//! Which packets of a target are meant, as scripts say it: peers, ports, protocol, direction.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Target;

/// Which packets; all that is given must hold.
///
/// `to` describes what the target sends to a peer, and the answers to it; `from` what a peer sends to the
/// target, and the answers to that. `port` is the port of the one who is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The peers that the target talks to; empty for all.
    pub to: Vec<Peer>,
    /// The peers that talk to the target; with `to`, the target's own addresses.
    pub from: Vec<Peer>,
    /// Peers that are left alone.
    pub except: Vec<Peer>,
    /// Ports of the service, whoever offers it.
    pub port: Vec<Ports>,
    /// Ports of the one who uses the service.
    pub source_port: Vec<Ports>,
    /// The transport; none for all, or, with ports, for all that have them.
    pub protocol: Option<Protocol>,
    /// The name of the interface; none for all.
    pub interface: Option<String>,
    /// As the target sees it; none for egress, or ingress where only `from` is given.
    pub direction: Option<Direction>,
    /// Whether the whole loopback may be hit.
    pub force: bool,
    /// Whether what the target's namespace only passes on is hit too.
    pub forwarded: bool,
}

/// Where packets go, as the target sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// What it sends.
    Egress,
    /// What it receives.
    Ingress,
    /// Both.
    Both,
}

/// A transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP, of either family.
    Icmp,
}

/// Whom the target talks with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Peer {
    /// All addresses of a target.
    Target(Target),
    /// A network, or one address.
    Network(Network),
    /// A host name; all its addresses.
    Name(String),
}

/// The addresses that share a prefix: `10.66.0.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// Any address of it.
    pub address: IpAddr,
    /// The length of the prefix in bits.
    pub prefix: u8,
}

/// Ports, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

/// Why a text is not what was asked for; reads well after ``option `to`: ``.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(pub String);

impl Filter {
    /// The direction that is meant.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self.direction {
            Some(direction) => direction,
            None if self.to.is_empty() && !self.from.is_empty() => Direction::Ingress,
            None => Direction::Egress,
        }
    }

    /// Whether it hits all of the loopback: by its interface or its addresses, whatever the port.
    #[must_use]
    pub fn covers_loopback(&self) -> bool {
        let whole = self.port.is_empty() && self.source_port.is_empty();
        let named = self.interface.as_deref() == Some("lo");
        let addressed = self.to.iter().chain(&self.from).any(|peer| match peer {
            Peer::Network(network) => network.address.is_loopback(),
            Peer::Name(name) => name == "localhost",
            Peer::Target(_) => false,
        });
        whole && (named || addressed)
    }

    /// Whether packets on the loopback are meant: only where they are named in some way.
    #[must_use]
    pub fn includes_loopback(&self) -> bool {
        let narrow = !(self.port.is_empty() && self.source_port.is_empty());
        self.force || narrow || self.covers_loopback()
    }

    /// As messages say it: `to n2, port 5432, both directions`.
    #[must_use]
    pub fn label(&self) -> String {
        let direction = match self.direction() {
            Direction::Egress => "egress",
            Direction::Ingress => "ingress",
            Direction::Both => "both directions",
        };
        let mut parts = self.parts();
        parts.push(direction.to_owned());
        parts.join(", ")
    }

    /// As `label`, for faults that know no direction: `to n2, port 5432`; `all` where nothing is said.
    #[must_use]
    pub fn label_without_direction(&self) -> String {
        match self.parts().join(", ") {
            parts if parts.is_empty() => "all".to_owned(),
            parts => parts,
        }
    }

    fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        for (word, peers) in [
            ("to", &self.to),
            ("from", &self.from),
            ("except", &self.except),
        ] {
            if !peers.is_empty() {
                let peers: Vec<_> = peers.iter().map(Peer::to_string).collect();
                parts.push(format!("{word} {}", peers.join(" and ")));
            }
        }
        for (word, ports) in [("port", &self.port), ("source port", &self.source_port)] {
            if !ports.is_empty() {
                let ports: Vec<_> = ports.iter().map(Ports::to_string).collect();
                parts.push(format!("{word} {}", ports.join(" and ")));
            }
        }
        parts.extend(self.protocol.map(|protocol| protocol.word().to_owned()));
        parts.extend(self.interface.as_ref().map(|name| format!("on {name}")));
        parts
    }
}

impl Protocol {
    /// The name, and those there are.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("tcp", Self::Tcp),
        ("udp", Self::Udp),
        ("sctp", Self::Sctp),
        ("icmp", Self::Icmp),
    ];

    fn word(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, one)| *one == self)
            .map_or("", |(name, _)| name)
    }

    /// The numbers in the IP header.
    pub(super) fn numbers(self) -> &'static [u8] {
        match self {
            Self::Tcp => &[6],
            Self::Udp => &[17],
            Self::Sctp => &[132],
            Self::Icmp => &[1, 58],
        }
    }
}

impl Direction {
    /// The names.
    pub const NAMES: [(&'static str, Self); 3] = [
        ("egress", Self::Egress),
        ("ingress", Self::Ingress),
        ("both", Self::Both),
    ];
}

impl Network {
    /// One address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Self { address, prefix }
    }

    /// Whether an address belongs to it.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        let (first, last) = self.range();
        let (bytes, _) = Self::of(address).range();
        bytes.len() == first.len() && first <= bytes && bytes <= last
    }

    /// First and last address, in network order.
    pub(super) fn range(&self) -> (Vec<u8>, Vec<u8>) {
        let bytes = match self.address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let mask = |index: usize| -> u8 {
            let covered = usize::from(self.prefix).saturating_sub(index * 8).min(8);
            u8::try_from(0xff00_u16 >> covered & 0xff).unwrap_or(0xff)
        };
        let first = bytes.iter().enumerate().map(|(i, byte)| byte & mask(i));
        let last = bytes.iter().enumerate().map(|(i, byte)| byte | !mask(i));
        (first.collect(), last.collect())
    }
}

impl FromStr for Network {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let wrong = || {
            FilterError(format!(
                "\"{text}\" is no address and no network; write \"10.0.0.7\" or \"10.0.0.0/8\""
            ))
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let mut network = Self::of(address.parse().map_err(|_| wrong())?);
        if let Some(prefix) = prefix {
            let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
            if prefix > network.prefix {
                return Err(wrong());
            }
            network.prefix = prefix;
        }
        Ok(network)
    }
}

impl FromStr for Peer {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        // A name has a letter outside hexadecimal notation, or no separator of addresses at all.
        let numeric = text.contains('/')
            || text.contains(':')
            || text.chars().all(|c| c.is_ascii_digit() || c == '.');
        if numeric {
            return text.parse().map(Self::Network);
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if text.is_empty() || !text.chars().all(fits) {
            return Err(FilterError(format!(
                "\"{text}\" is no address, network or host name"
            )));
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl FromStr for Ports {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(FilterError(format!(
                "\"{text}\" is no port and no range; write 5432 or \"8000-8010\""
            ))),
        }
    }
}

impl TryFrom<String> for Network {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::of(self.address) {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => f.write_str(&target.label()),
            Self::Network(network) => write!(f, "{network}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_and_ports_are_read() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        assert_eq!(
            network("10.1.2.3/8").range(),
            (vec![10, 0, 0, 0], vec![10, 255, 255, 255])
        );
        assert_eq!(
            network("10.1.2.3/30").range(),
            (vec![10, 1, 2, 0], vec![10, 1, 2, 3])
        );
        assert!(network("10.1.2.3/30").holds([10, 1, 2, 0].into()));
        assert!(!network("10.1.2.3/30").holds([10, 1, 2, 4].into()));
        assert!(!network("::/0").holds([10, 1, 2, 4].into()));
        assert_eq!(network("::1").range().0, network("::1").range().1);
        assert_eq!(network("0.0.0.0/0").range().1, [255; 4]);
        assert_eq!(
            "db.example".parse::<Peer>().unwrap(),
            Peer::Name("db.example".to_owned())
        );
        for wrong in ["10.0.0.1/33", "10.0.0.256", "::1/129", "", "a b", "1.2.3"] {
            assert!(wrong.parse::<Peer>().is_err(), "{wrong}");
        }
        assert_eq!(
            "80-90".parse(),
            Ok(Ports {
                first: 80,
                last: 90
            })
        );
        for wrong in ["0", "65536", "90-80", "http", "1-2-3"] {
            assert!(wrong.parse::<Ports>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_named_reaches_the_loopback() {
        let mut filter = Filter::default();
        assert!(!filter.includes_loopback());
        filter.to = vec!["127.0.0.0/8".parse().unwrap()];
        assert!(filter.covers_loopback() && filter.includes_loopback());
        filter.port = vec!["80".parse().unwrap()];
        assert!(!filter.covers_loopback() && filter.includes_loopback());
    }
}
