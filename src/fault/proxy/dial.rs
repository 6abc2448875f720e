//! Sockets made by hand, so that they never block: listening, and calling the upstream.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, getsockname, listen,
    socket_with, sockopt,
};

use super::address::Target;
use super::protocol::Protocol;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);
const BACKLOG: i32 = 4096;

/// A call under way, or through already.
pub struct Call {
    pub fd: OwnedFd,
    pub connected: bool,
}

/// Starts calling a target.
pub fn call(target: &Target) -> Result<Call, Errno> {
    let fd = open(target, SocketType::STREAM)?;
    let started = match target {
        Target::Ip(address) => {
            sockopt::set_tcp_nodelay(&fd, true)?;
            connect(&fd, &reachable(*address))
        }
        Target::Unix(path) => connect(&fd, &SocketAddrUnix::new(path)?),
    };
    match started {
        Ok(()) => Ok(Call {
            fd,
            connected: true,
        }),
        Err(Errno::INPROGRESS) => Ok(Call {
            fd,
            connected: false,
        }),
        Err(error) => Err(error),
    }
}

/// A UDP socket that speaks to a target only.
pub fn talk(target: &Target) -> Result<OwnedFd, Errno> {
    let Target::Ip(address) = target else {
        return Err(Errno::PROTONOSUPPORT);
    };
    let fd = open(target, SocketType::DGRAM)?;
    connect(&fd, &reachable(*address))?;
    Ok(fd)
}

/// "Every interface" cannot be called; this machine is meant.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Opens a listener, or the socket that UDP clients send to; gives it with the address it
/// really has.
pub fn listener(target: &Target, protocol: Protocol) -> Result<(OwnedFd, Target), Errno> {
    let kind = match (protocol, target) {
        (Protocol::Tcp, _) => SocketType::STREAM,
        (Protocol::Udp, Target::Ip(_)) => SocketType::DGRAM,
        (Protocol::Udp, Target::Unix(_)) => return Err(Errno::PROTONOSUPPORT),
    };
    let fd = open(target, kind)?;
    match target {
        Target::Ip(address) => {
            // Two UDP sockets with it would share a port, and one of them hear nothing.
            sockopt::set_socket_reuseaddr(&fd, protocol == Protocol::Tcp)?;
            if address.is_ipv6() && address.ip().is_unspecified() {
                sockopt::set_ipv6_v6only(&fd, false)?;
            }
            bind(&fd, address)?;
        }
        Target::Unix(path) => bind_unix(&fd, path)?,
    }
    if protocol == Protocol::Tcp {
        listen(&fd, BACKLOG)?;
    }
    let bound = match target {
        Target::Ip(_) => SocketAddr::try_from(getsockname(&fd)?).map(Target::Ip)?,
        Target::Unix(_) => target.clone(),
    };
    Ok((fd, bound))
}

/// Binds a path; a socket that nobody listens on any more is removed first.
fn bind_unix(fd: &OwnedFd, path: &Path) -> Result<(), Errno> {
    let address = SocketAddrUnix::new(path)?;
    match bind(fd, &address) {
        Err(Errno::ADDRINUSE) if is_stale(path) => {
            std::fs::remove_file(path).map_err(|_| Errno::ADDRINUSE)?;
            bind(fd, &address)
        }
        other => other,
    }
}

fn is_stale(path: &Path) -> bool {
    let is_socket = path
        .symlink_metadata()
        .is_ok_and(|found| found.file_type().is_socket());
    let target = Target::Unix(path.to_owned());
    is_socket && matches!(call(&target), Err(Errno::CONNREFUSED))
}

fn open(target: &Target, kind: SocketType) -> Result<OwnedFd, Errno> {
    let family = match target {
        Target::Ip(address) if address.is_ipv6() => AddressFamily::INET6,
        Target::Ip(_) => AddressFamily::INET,
        Target::Unix(_) => AddressFamily::UNIX,
    };
    socket_with(family, kind, FLAGS, None)
}
