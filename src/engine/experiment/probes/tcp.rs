//! `probe:tcp`: whether a port takes a connection.

use mlua::Result;
use tokio::net::TcpStream;

use super::{Answer, Read};
use crate::base::text::quoted;

/// `host:port`.
#[derive(Debug, Clone)]
pub struct TcpProbe(String);

impl TcpProbe {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// Misuse: no `host:port`.
    pub(super) fn read(read: &Read, address: &str) -> Result<Self> {
        let parts = address.rsplit_once(':');
        let good = parts.is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if good {
            return Ok(Self(address.to_owned()));
        }
        let shown = quoted(address);
        Err(read
            .options
            .wrong(format!("{shown} is no address; write \"127.0.0.1:6379\"")))
    }

    /// Connects once.
    pub(super) async fn ask(&self) -> Answer {
        match TcpStream::connect(&self.0).await {
            Ok(_) => Answer::of(true, "connected", "connected"),
            Err(error) => Answer::failed(format!("{}: {error}", self.0)),
        }
    }
}
