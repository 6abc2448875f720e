//! Packets that are sent once more, as they were: through raw sockets, marked so that no fault takes
//! them for new ones.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;

use rustix::net::sockopt::set_socket_send_buffer_size_force;
use rustix::net::{
    AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with,
};

use crate::fault::net::sockopt::set_mark;

/// What waits to be sent counts against the sender, not against the packets' own socket.
const ROOM: usize = 16 << 20;

/// Sends whole packets in the network namespace it was opened in.
#[derive(Debug)]
pub(super) struct Emitter {
    v4: OwnedFd,
    /// Not on machines without IPv6.
    v6: Option<OwnedFd>,
}

impl Emitter {
    pub(super) fn open(mark: u32) -> io::Result<Self> {
        Ok(Self {
            v4: raw(AddressFamily::INET, mark)?,
            v6: raw(AddressFamily::INET6, mark).ok(),
        })
    }

    /// Sends a packet, from its IP header on. `interface` is where it was to go out.
    pub(super) fn send(&self, packet: &[u8], interface: u32) -> io::Result<()> {
        let flags = SendFlags::DONTWAIT;
        match packet.first().map(|byte| byte >> 4) {
            Some(4) => {
                let to = packet
                    .get(16..20)
                    .and_then(|to| <[u8; 4]>::try_from(to).ok());
                let to = SocketAddrV4::new(Ipv4Addr::from(to.unwrap_or_default()), 0);
                sendto(&self.v4, packet, flags, &to)?;
            }
            Some(6) => {
                let to = packet
                    .get(24..40)
                    .and_then(|to| <[u8; 16]>::try_from(to).ok());
                let to = Ipv6Addr::from(to.unwrap_or_default());
                let local = to.is_unicast_link_local() || to.is_multicast();
                let scope = if local { interface } else { 0 };
                let socket = self.v6.as_ref().ok_or(io::ErrorKind::Unsupported)?;
                sendto(socket, packet, flags, &SocketAddrV6::new(to, 0, 0, scope))?;
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(())
    }
}

/// The protocol "raw" stands for packets that bring their own header.
fn raw(family: AddressFamily, mark: u32) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::RAW, flags, Some(ipproto::RAW))?;
    set_mark(&socket, mark)?;
    set_socket_send_buffer_size_force(&socket, ROOM)?;
    Ok(socket)
}
