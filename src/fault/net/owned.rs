//! Processes that share the host's network: what tells their packets from those of others.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::attachment::{trouble_entering, trouble_with_kernel};
use super::netlink::NetlinkError;
use super::resolve::Site;
use super::rules::Piece;
use super::sockets;
use crate::fault::Trouble;
use crate::fault::control_group::{Group, groups};
use crate::fault::process::inodes_of;

/// How the packets of processes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owned {
    /// By the control group (version 2) that they have to themselves.
    Group {
        /// How deep it is.
        level: u32,
        /// Its inode.
        number: u64,
    },
    /// By the ports of this end that they have open now.
    Ports {
        /// Those of TCP, sorted.
        tcp: Vec<u16>,
        /// Those of UDP, sorted.
        udp: Vec<u16>,
    },
}

impl Owned {
    /// How to know the packets of those whose packets are meant; none where all in the namespace are.
    pub(super) fn of(site: &Site) -> Result<Option<Self>, Trouble> {
        let alive = site.owners.iter().filter(|one| one.alive());
        let pids: Vec<i32> = alive.map(|one| one.pid).collect();
        if site.owners.is_empty() {
            return Ok(None);
        }
        if let Some(group) = group_of(&pids)
            && super::probe::control_groups()
        {
            return Ok(Some(group));
        }
        let inodes: HashSet<u32> = pids.iter().flat_map(|pid| inodes_of(*pid)).collect();
        let read = || -> Result<Self, NetlinkError> {
            let socket = sockets::open()?;
            let ports = |protocol: u8| -> Result<Vec<u16>, NetlinkError> {
                let all = sockets::bound(&socket, protocol)?.into_iter();
                let own = all.filter(|entry| entry.inode != 0 && inodes.contains(&entry.inode));
                let mut ports: Vec<u16> = own.map(|entry| entry.local.port()).collect();
                ports.sort_unstable();
                ports.dedup();
                Ok(ports)
            };
            Ok(Self::Ports {
                tcp: ports(6)?,
                udp: ports(17)?,
            })
        };
        let entered = site.namespace.enter(read).map_err(trouble_entering)?;
        entered.map(Some).map_err(trouble_with_kernel)
    }
}

/// The control group of version 2 that these processes have to themselves.
fn group_of(pids: &[i32]) -> Option<Owned> {
    let mut found: Option<Group> = None;
    for pid in pids {
        let mut all = groups(&pid.to_string()).into_iter();
        let own = all.find(|group| group.controllers.is_empty())?;
        if found.as_ref().is_some_and(|other| *other != own) {
            return None;
        }
        found = Some(own);
    }
    let Group { folder, mount, .. } = found?;
    let level = folder.strip_prefix(&mount).ok()?.components().count();
    let members = fs::read_to_string(folder.join("cgroup.procs")).ok()?;
    let is_theirs = |line: &str| line.parse().is_ok_and(|pid: i32| pids.contains(&pid));
    if level == 0 || !members.lines().all(is_theirs) {
        return None;
    }
    Some(Owned::Group {
        level: u32::try_from(level).ok()?,
        number: fs::metadata(&folder).ok()?.ino(),
    })
}

/// What a plan adds about processes that share the host's network.
pub(super) fn label(pieces: &[Piece]) -> String {
    let shared = |piece: &&Piece| !piece.site.owners.is_empty();
    let Some(piece) = pieces.iter().find(shared) else {
        return String::new();
    };
    let by_ports = |(_, set): &(usize, &super::nft::Set)| set.name.contains("own-");
    match piece
        .ruleset
        .sets
        .iter()
        .enumerate()
        .any(|one| by_ports(&one))
    {
        true => "; best effort: by the ports that it has open, looked at a few times a second",
        false => "; by its control group",
    }
    .to_owned()
}
