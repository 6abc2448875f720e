//! Links, addresses, routes and queueing disciplines of the network namespace that this thread is in.

mod address;
mod link;
pub mod traffic;

pub use address::{Address, add_address, addresses};
pub use link::{
    Link, add_bridge, add_route, add_veth, delete_link, link, links, set_master, set_up,
};
pub use traffic::ClassPace;

use super::netlink::{Family, NetlinkError, Socket};

/// A socket to ask the kernel with; it belongs to the namespace of this thread.
///
/// # Errors
///
/// The system has no descriptor left.
pub fn open() -> Result<Socket, NetlinkError> {
    Socket::open(Family::Route).map_err(|source| NetlinkError::Socket {
        action: "open a netlink socket".to_owned(),
        source,
    })
}
