//! Network interfaces: listed, made in pairs, joined to bridges, brought up.

use std::net::IpAddr;

use crate::fault::net::netlink::{Message, NetlinkError, Reply, Socket, text, whole};

const NEW_LINK: u16 = 16;
const DEL_LINK: u16 = 17;
const GET_LINK: u16 = 18;
const NEW_ROUTE: u16 = 24;
const CREATE: u16 = 0x400;
const EXCLUSIVE: u16 = 0x200;
const UP: u32 = 1;
const LOOPBACK: u32 = 8;
const RUNNING: u32 = 0x40;
/// The length of `struct ifinfomsg`.
const FIXED: usize = 16;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number in its namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is a loopback.
    pub loopback: bool,
    /// Whether it is up.
    pub up: bool,
    /// Whether packets can pass: it is up, its other end too, and the kernel has taken note.
    pub running: bool,
    /// How many bytes a packet may have.
    pub mtu: u32,
}

/// `struct ifinfomsg`.
fn fixed(index: u32, flags: u32, change: u32) -> [u8; FIXED] {
    let mut bytes = [0; FIXED];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

fn read(reply: &Reply) -> Option<Link> {
    let index = whole(reply.body.get(4..8)?)?;
    let flags = whole(reply.body.get(8..12)?)?;
    Some(Link {
        index,
        name: reply.attributes(FIXED).get(3).map(text)?,
        loopback: flags & LOOPBACK != 0,
        up: flags & UP != 0,
        running: flags & RUNNING != 0,
        mtu: reply
            .attributes(FIXED)
            .get(4)
            .and_then(whole)
            .unwrap_or(1500),
    })
}

/// All interfaces.
///
/// # Errors
///
/// What the kernel objects to.
pub fn links(socket: &Socket) -> Result<Vec<Link>, NetlinkError> {
    let get = Message::new(GET_LINK, 0, "list interfaces").raw(&fixed(0, 0, 0));
    Ok(socket.dump(&get)?.iter().filter_map(read).collect())
}

/// The interface of this name.
///
/// # Errors
///
/// [`NetlinkError::is_missing`]: there is none.
pub fn link(socket: &Socket, name: &str) -> Result<Link, NetlinkError> {
    let action = format!("find interface {name}");
    let get = Message::new(GET_LINK, 0, action.clone())
        .raw(&fixed(0, 0, 0))
        .with_text(3, name);
    read(&socket.get(&get)?).ok_or(NetlinkError::Truncated { action })
}

/// A pair of interfaces, the second in the namespace of another descriptor.
///
/// # Errors
///
/// A name is taken, or no right to.
pub fn add_veth(socket: &Socket, name: &str, peer: &str, peer_in: i32) -> Result<(), NetlinkError> {
    let new = CREATE | EXCLUSIVE;
    let message = Message::new(NEW_LINK, new, format!("add interface {name}"))
        .raw(&fixed(0, 0, 0))
        .with_text(3, name)
        .with_nested(18, |info| {
            info.put_text(1, "veth");
            info.nest(2, |data| {
                data.nest(1, |other| {
                    other.append(&fixed(0, 0, 0));
                    other.put_text(3, peer);
                    other.put(28, &peer_in.to_ne_bytes());
                });
            });
        });
    socket.request(&message)
}

/// A bridge.
///
/// # Errors
///
/// The name is taken, or no right to.
pub fn add_bridge(socket: &Socket, name: &str) -> Result<(), NetlinkError> {
    let new = CREATE | EXCLUSIVE;
    let message = Message::new(NEW_LINK, new, format!("add bridge {name}"))
        .raw(&fixed(0, 0, 0))
        .with_text(3, name)
        .with_nested(18, |info| info.put_text(1, "bridge"));
    socket.request(&message)
}

/// Joins an interface to a bridge.
///
/// # Errors
///
/// What the kernel objects to.
pub fn set_master(socket: &Socket, name: &str, bridge: &str) -> Result<(), NetlinkError> {
    let (port, master) = (link(socket, name)?, link(socket, bridge)?);
    let message = Message::new(NEW_LINK, 0, format!("join {name} to {bridge}"))
        .raw(&fixed(port.index, 0, 0))
        .with(10, &master.index.to_ne_bytes());
    socket.request(&message)
}

/// Brings an interface up.
///
/// # Errors
///
/// There is no such interface, or no right to.
pub fn set_up(socket: &Socket, name: &str) -> Result<(), NetlinkError> {
    let found = link(socket, name)?;
    let message = Message::new(NEW_LINK, 0, format!("bring {name} up"));
    socket.request(&message.raw(&fixed(found.index, UP, UP)))
}

/// Removes an interface, and its other half with it.
///
/// # Errors
///
/// [`NetlinkError::is_missing`]: there is none.
pub fn delete_link(socket: &Socket, name: &str) -> Result<(), NetlinkError> {
    let found = link(socket, name)?;
    let message = Message::new(DEL_LINK, 0, format!("remove interface {name}"));
    socket.request(&message.raw(&fixed(found.index, 0, 0)))
}

/// A default route through a gateway.
///
/// # Errors
///
/// The gateway cannot be reached from here, or there is such a route.
pub fn add_route(socket: &Socket, gateway: IpAddr) -> Result<(), NetlinkError> {
    let (family, bytes) = super::address::wire(gateway);
    // struct rtmsg: family, lengths, tos, table main, protocol static, scope universe, unicast.
    let fixed = [family, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0];
    let action = format!("add a default route through {gateway}");
    let message = Message::new(NEW_ROUTE, CREATE | EXCLUSIVE, action);
    socket.request(&message.raw(&fixed).with(5, &bytes))
}
