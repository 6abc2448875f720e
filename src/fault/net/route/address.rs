//! Addresses of interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::link::link;
use crate::fault::net::netlink::{Message, NetlinkError, Reply, Socket, whole};

const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const CREATE: u16 = 0x400;
const EXCLUSIVE: u16 = 0x200;
/// The length of `struct ifaddrmsg`.
const FIXED: usize = 8;
/// Usable at once: nobody else on a network of our own could have it.
const NO_DUPLICATE_DETECTION: u8 = 2;

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface's number.
    pub interface: u32,
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix in bits.
    pub prefix: u8,
}

/// The kernel's number of a family, and the address in network order.
pub(super) fn wire(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (2, address.octets().to_vec()),
        IpAddr::V6(address) => (10, address.octets().to_vec()),
    }
}

fn read(reply: &Reply) -> Option<Address> {
    let attributes = reply.attributes(FIXED);
    // The local address differs from the other only where an interface has a peer's.
    let bytes = attributes.get(2).or_else(|| attributes.get(1))?;
    let address = match bytes.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(Address {
        interface: whole(reply.body.get(4..8)?)?,
        address,
        prefix: *reply.body.get(1)?,
    })
}

/// All addresses of all interfaces.
///
/// # Errors
///
/// What the kernel objects to.
pub fn addresses(socket: &Socket) -> Result<Vec<Address>, NetlinkError> {
    let get = Message::new(GET_ADDRESS, 0, "list addresses").raw(&[0; FIXED]);
    Ok(socket.dump(&get)?.iter().filter_map(read).collect())
}

/// Gives an interface an address.
///
/// # Errors
///
/// It has it already, there is no such interface, or no right to.
pub fn add_address(
    socket: &Socket,
    interface: &str,
    address: IpAddr,
    prefix: u8,
) -> Result<(), NetlinkError> {
    let index = link(socket, interface)?.index.to_ne_bytes();
    let (family, bytes) = wire(address);
    let mut fixed = [family, prefix, NO_DUPLICATE_DETECTION, 0, 0, 0, 0, 0];
    fixed[4..8].copy_from_slice(&index);
    let action = format!("give {interface} the address {address}/{prefix}");
    let message = Message::new(NEW_ADDRESS, CREATE | EXCLUSIVE, action).raw(&fixed);
    socket.request(&message.with(2, &bytes).with(1, &bytes))
}
