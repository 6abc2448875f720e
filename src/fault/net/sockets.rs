//! Sockets of a network namespace as the kernel lists them, and how they are destroyed (`sock_diag`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::netlink::{Family, Message, NetlinkError, Reply, Socket, whole};

const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;
/// The numbers of IPv4 and IPv6.
const FAMILIES: [u8; 2] = [2, 10];
/// `struct inet_diag_sockid`, behind four bytes of the answer.
const ID: std::ops::Range<usize> = 4..52;
/// States of connections that can carry data: established, both of "we have said goodbye", "the other has".
const CONNECTED: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8;
/// States of sockets that wait to be spoken to: a TCP listener, a UDP socket without a peer.
const WAITING: u32 = 1 << 10 | 1 << 7;

/// A socket of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Address and port of this end. IPv4 addresses are shown as such, also those of IPv6 sockets.
    pub local: SocketAddr,
    /// Address and port of the other end; all zero for a socket that has none.
    pub remote: SocketAddr,
    /// Its inode, as links of descriptors name it; 0 if no process has it open.
    pub inode: u32,
    protocol: u8,
    family: u8,
    /// What the kernel knows it by, cookie included: never another socket.
    id: [u8; 48],
}

/// A socket to ask the kernel with; it belongs to the namespace of this thread.
///
/// # Errors
///
/// The system has no descriptor left.
pub fn open() -> Result<Socket, NetlinkError> {
    Socket::open(Family::SockDiag).map_err(|source| NetlinkError::Socket {
        action: "ask for sockets".to_owned(),
        source,
    })
}

/// All connections of a transport (6 is TCP, 17 is UDP).
///
/// # Errors
///
/// What the kernel objects to.
pub fn connections(socket: &Socket, protocol: u8) -> Result<Vec<Entry>, NetlinkError> {
    list(socket, protocol, CONNECTED)
}

/// All sockets of a transport that have a port: those that wait and those that are connected.
///
/// # Errors
///
/// What the kernel objects to.
pub fn bound(socket: &Socket, protocol: u8) -> Result<Vec<Entry>, NetlinkError> {
    // With connections on their way in and out.
    list(
        socket,
        protocol,
        WAITING | CONNECTED | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11,
    )
}

fn list(socket: &Socket, protocol: u8, states: u32) -> Result<Vec<Entry>, NetlinkError> {
    let mut found = Vec::new();
    for family in FAMILIES {
        let request = request(family, protocol, states, &[0; 48]);
        let ask = Message::new(BY_FAMILY, 0, "list connections").raw(&request);
        match socket.dump(&ask) {
            Ok(replies) => found.extend(replies.iter().filter_map(|one| read(one, protocol))),
            // A kernel without IPv6 has none of it to list.
            Err(error) if error.is_missing() && family == 10 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Ends a connection at once: both ends see an error. `false` if it was gone.
///
/// # Errors
///
/// What the kernel objects to; `OPNOTSUPP` without `CONFIG_INET_DIAG_DESTROY`.
pub fn destroy(socket: &Socket, entry: &Entry) -> Result<bool, NetlinkError> {
    let action = format!(
        "cut the connection from {} to {}",
        entry.local, entry.remote
    );
    let request = request(entry.family, entry.protocol, u32::MAX, &entry.id);
    match socket.request(&Message::new(DESTROY, 0, action).raw(&request)) {
        Ok(()) => Ok(true),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

/// `struct inet_diag_req_v2`.
fn request(family: u8, protocol: u8, states: u32, id: &[u8; 48]) -> Vec<u8> {
    let mut bytes = vec![family, protocol, 0, 0];
    bytes.extend_from_slice(&states.to_ne_bytes());
    bytes.extend_from_slice(id);
    bytes
}

fn read(reply: &Reply, protocol: u8) -> Option<Entry> {
    let body = reply.body.as_slice();
    let (family, id) = (*body.first()?, <[u8; 48]>::try_from(body.get(ID)?).ok()?);
    let port = |at: usize| u16::from_be_bytes([id[at], id[at + 1]]);
    let address = |at: usize| -> Option<IpAddr> {
        match family {
            2 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(&id[at..at + 4]).ok()?).into()),
            _ => {
                let address = Ipv6Addr::from(<[u8; 16]>::try_from(&id[at..at + 16]).ok()?);
                Some(IpAddr::from(address).to_canonical())
            }
        }
    };
    Some(Entry {
        local: SocketAddr::new(address(4)?, port(0)),
        remote: SocketAddr::new(address(20)?, port(2)),
        inode: whole(body.get(68..72)?)?,
        protocol,
        family,
        id,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn connections_are_listed_with_both_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = open().unwrap();
        let (local, remote) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let all = connections(&socket, 6).unwrap();
        let found = |from, to| all.iter().any(|one| one.local == from && one.remote == to);
        assert!(found(local, remote) && found(remote, local));
        let waiting = bound(&socket, 6).unwrap();
        assert!(
            waiting
                .iter()
                .any(|one| one.local == remote && one.remote.port() == 0)
        );
        let datagrams = UdpSocket::bind("[::1]:0").unwrap();
        let own = datagrams.local_addr().unwrap();
        assert!(
            bound(&socket, 17)
                .unwrap()
                .iter()
                .any(|one| one.local == own)
        );
    }
}
