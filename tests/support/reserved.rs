//! A port that refuses connections for as long as it is held.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

/// Bound, never listening: the kernel refuses, and gives the port to nobody else.
pub struct Refusing {
    _socket: OwnedFd,
    /// Where connections are refused.
    pub address: SocketAddr,
}

impl Refusing {
    /// Reserves a port of loopback.
    pub fn new() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = getsockname(&socket).unwrap().try_into().unwrap();
        Self {
            _socket: socket,
            address,
        }
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
