//! What a proxy carries: connections, or datagrams.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The transport between a proxy, its clients and its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Connections; also over Unix sockets.
    #[default]
    Tcp,
    /// Datagrams, in one session per client.
    Udp,
}

impl Protocol {
    /// Every protocol's name.
    pub const NAMES: &[&str] = &["tcp", "udp"];

    /// The protocol of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            _ => None,
        }
    }

    /// `tcp` or `udp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
