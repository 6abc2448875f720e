//! `netfault.cut`: connections that exist end at once, at both ends; new ones are not hindered.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attachment::{trouble_entering, trouble_with_kernel};
use super::compile::exempt;
use super::filter::{Filter, Network, Ports, Protocol};
use super::netlink::NetlinkError;
use super::packets::refuse_loopback;
use super::resolve::{Site, networks, shared_sites};
use super::shaped::peers;
use super::sockets::{self, Entry};
use crate::fault::outcome::within;
use crate::fault::process::inodes_of;
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Survives, Target, Tier,
    Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cut {
    /// Whose connections.
    pub target: Target,
    /// Which of them; direction, interface and forwarding mean nothing here.
    #[serde(flatten)]
    pub filter: Filter,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "netfault.cut",
    tier: Tier::Kernel,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Cutting {
            options: spec.read()?,
            context: context.clone(),
            cuts: Vec::new(),
            cut: 0,
            left: 0,
        }))
    },
    // What was cut stays cut: its owners connect again.
    recover: |_| Ok(Healed::Unchanged),
    probe: super::probe::destroy,
};

struct Cutting {
    options: Cut,
    context: Context,
    cuts: Vec<(Site, Wanted)>,
    cut: u64,
    left: usize,
}

/// Which connections of a namespace are meant.
#[derive(Debug, Clone)]
struct Wanted {
    protocol: u8,
    remote: Option<Vec<Network>>,
    local: Option<Vec<Network>>,
    except: Vec<Network>,
    loopback: bool,
    /// The service's port and the port of who uses it, and at which end they may be.
    port: Vec<Ports>,
    source_port: Vec<Ports>,
    peer_is_asked: bool,
    target_is_asked: bool,
}

impl Wanted {
    fn has(&self, entry: &Entry) -> bool {
        let named = |networks: &Option<Vec<Network>>, address: IpAddr| match networks {
            None => true,
            Some(all) => any(all, address),
        };
        let ports = |asked: u16, asking: u16| {
            within_ports(&self.port, asked) && within_ports(&self.source_port, asking)
        };
        let (local, remote) = (entry.local, entry.remote);
        named(&self.remote, remote.ip())
            && named(&self.local, local.ip())
            && !any(&self.except, remote.ip())
            && (self.loopback || !remote.ip().is_loopback())
            && (self.peer_is_asked && ports(remote.port(), local.port())
                || self.target_is_asked && ports(local.port(), remote.port()))
    }
}

fn any(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.holds(address))
}

fn within_ports(wanted: &[Ports], port: u16) -> bool {
    wanted.is_empty()
        || wanted
            .iter()
            .any(|one| (one.first..=one.last).contains(&port))
}

impl Cutting {
    fn wanted(&self) -> Result<Wanted, Trouble> {
        let filter = &self.options.filter;
        refuse_loopback(filter)?;
        let protocol = match filter.protocol {
            None | Some(Protocol::Tcp) => 6,
            Some(Protocol::Udp) => 17,
            Some(Protocol::Sctp | Protocol::Icmp) => {
                return Err(Trouble::Misuse(
                    "netfault.cut: option `protocol`: only \"tcp\" and \"udp\" have connections \
                     that can be cut"
                        .to_owned(),
                ));
            }
        };
        let (remote, local) = peers(filter, &self.context)?;
        let mut except = networks(&filter.except, &self.context)?;
        except.extend(exempt(&self.context.exempt));
        let (to, from) = (!filter.to.is_empty(), !filter.from.is_empty());
        Ok(Wanted {
            protocol,
            remote,
            local,
            except,
            loopback: filter.includes_loopback(),
            port: filter.port.clone(),
            source_port: filter.source_port.clone(),
            peer_is_asked: to || !from,
            target_is_asked: !to,
        })
    }

    fn effect(&self) -> String {
        format!(
            "connections are cut: {}",
            self.options.filter.label_without_direction()
        )
    }
}

/// The connections that are meant, in the namespace of this thread.
fn matching(site: &Site, wanted: &Wanted) -> Result<Vec<Entry>, NetlinkError> {
    let socket = sockets::open()?;
    let mut all = sockets::connections(&socket, wanted.protocol)?;
    let owners = site.owners.iter().filter(|one| one.alive());
    let inodes: HashSet<u32> = owners.flat_map(|one| inodes_of(one.pid)).collect();
    all.retain(|entry| {
        wanted.has(entry) && (site.owners.is_empty() || inodes.contains(&entry.inode))
    });
    Ok(all)
}

/// Cuts them; how many there were, and how many of those are there still.
fn cut(site: &Site, wanted: &Wanted) -> Result<(u64, usize), NetlinkError> {
    let found = matching(site, wanted)?;
    let socket = sockets::open()?;
    let mut cut = 0;
    for entry in &found {
        // One that has ended by itself in the meantime was not cut.
        cut += u64::from(sockets::destroy(&socket, entry)?);
    }
    let left = || -> usize {
        let now = sockets::connections(&socket, wanted.protocol).unwrap_or_default();
        found.iter().filter(|one| now.contains(one)).count()
    };
    within(Duration::from_secs(2), || left() == 0);
    Ok((cut, left()))
}

fn in_site<R: Send>(
    site: &Site,
    work: impl FnOnce() -> Result<R, NetlinkError> + Send,
) -> Result<R, Trouble> {
    let done = site.namespace.enter(work).map_err(trouble_entering)?;
    done.map_err(trouble_with_kernel)
}

impl Fault for Cutting {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let wanted = self.wanted()?;
        let found = shared_sites(&self.options.target, &self.context)?;
        let mut now = 0;
        for site in &found {
            now += in_site(site, || matching(site, &wanted))?.len();
        }
        let key = |site: &Site| {
            let cookie = site.namespace.cookie;
            Resource::new(
                format!("connections of network namespace {cookie}"),
                Sharing::Free,
            )
        };
        let preflight = Preflight {
            targets: found.iter().map(|site| site.label.clone()).collect(),
            effect: format!("{} ({now} now)", self.effect()),
            undo: "none: whoever wants to connects again".to_owned(),
            tier: Tier::Kernel,
            survives: Survives::Process,
            resources: found.iter().map(key).collect(),
            provisional: found.iter().any(|site| site.host && site.owners.is_empty()),
        };
        let both = found.into_iter().map(|site| (site, wanted.clone()));
        self.cuts = both.collect();
        Ok(preflight)
    }

    fn undo(&self) -> Value {
        json!({ "cut": self.cut })
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        for (site, wanted) in &self.cuts {
            let (cut, left) = in_site(site, || cut(site, wanted))?;
            self.cut += cut;
            self.left += left;
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        Ok(Sight {
            installed: self.left == 0,
            hits: Some(self.cut),
            detail: match self.left {
                0 => format!("{} connections cut", self.cut),
                left => format!("{} connections cut, {left} of them there still", self.cut),
            },
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        Ok(Healed::Unchanged)
    }

    fn facts(&self) -> Value {
        json!({ "cut": self.cut })
    }
}
