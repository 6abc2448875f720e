//! `netfault.network`: namespaces on a bridge, for scripts that bring their own hosts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attachment::{trouble_entering, trouble_with_kernel};
use super::filter::Network;
use super::namespace::{Named, Namespace, NamespaceError, Place, Scratch};
use super::netlink::NetlinkError;
use super::route;
use crate::base::rng::stream;
use crate::base::wait::within;
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Survives, Tier, Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkOf {
    /// The names of the hosts, which are names of network namespaces.
    pub hosts: Vec<String>,
    /// Their addresses count up from its first; the agent's host gets the last.
    pub subnet: Network,
    /// As `subnet`, for IPv6.
    pub subnet6: Network,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "netfault.network",
    tier: Tier::Journal,
    fixture: true,
    build: |spec, context| {
        Ok(Box::new(Hosts {
            options: spec.read()?,
            context: context.clone(),
            made: Vec::new(),
            own: None,
            switch: None,
        }))
    },
    recover,
    probe: super::probe::network,
};

/// Inside a host, its only interface besides the loopback.
const INTERFACE: &str = "eth0";
/// Inside the switch.
const BRIDGE: &str = "br0";

/// What a journal keeps of a host.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    name: String,
    /// Unknown until the namespace is there.
    cookie: Option<u64>,
}

struct Hosts {
    options: NetworkOf,
    context: Context,
    made: Vec<Record>,
    /// The name of this host's own link.
    own: Option<String>,
    /// Holds the bridge: it, and the host's link to it, go with this process.
    switch: Option<Scratch>,
}

impl NetworkOf {
    /// The addresses of the host with this number, from 1.
    fn addresses(&self, number: usize) -> (IpAddr, IpAddr) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        (
            nth(self.subnet, number.into()),
            nth(self.subnet6, number.into()),
        )
    }

    /// The agent's own addresses: the last ones.
    fn own_addresses(&self) -> (IpAddr, IpAddr) {
        let last = |network: Network| {
            let bits = if network.address.is_ipv4() { 32 } else { 128 };
            let free = u32::from(bits - network.prefix).min(16);
            // The very last IPv4 address is the broadcast's.
            nth(network, (1 << free) - 2)
        };
        (last(self.subnet), last(self.subnet6))
    }

    /// How many hosts the subnet has room for, besides the agent's own address.
    #[must_use]
    pub fn room(&self) -> usize {
        let free = u32::from(32_u8.saturating_sub(self.subnet.prefix)).min(16);
        (1_usize << free).saturating_sub(3)
    }

    fn check(&self) -> Result<(), Trouble> {
        let room = self.room();
        if self.hosts.len() > room {
            return Err(Trouble::Misuse(format!(
                "subnet {} has room for {room} hosts, not for {}",
                self.subnet,
                self.hosts.len()
            )));
        }
        for name in &self.hosts {
            if Place::Named(name.clone()).path().exists() {
                return Err(Trouble::Precondition(format!(
                    "there is a namespace {name} already; choose another name, or remove it with \
                     `ip netns del {name}`"
                )));
            }
        }
        let mut found = Ok(None);
        // The kernel takes its time to remove the link of a network whose holder was killed.
        within(Duration::from_secs(2), || {
            found = self.overlapping();
            !matches!(found, Ok(Some(_)))
        });
        match found.map_err(trouble_with_kernel)? {
            None => Ok(()),
            Some(other) => Err(Trouble::Precondition(format!(
                "subnet {} overlaps the network of this host's address {}/{}; choose another",
                self.subnet, other.address, other.prefix
            ))),
        }
    }

    /// An address of this host in the same network.
    fn overlapping(&self) -> Result<Option<route::Address>, NetlinkError> {
        let addresses = route::addresses(&route::open()?)?;
        let mut all = addresses.into_iter();
        Ok(all.find(|other| self.overlaps(other.address, other.prefix)))
    }

    fn overlaps(&self, address: IpAddr, prefix: u8) -> bool {
        let own = if address.is_ipv4() {
            self.subnet
        } else {
            self.subnet6
        };
        let other = Network { address, prefix };
        let ((first, last), (other_first, other_last)) = (own.range(), other.range());
        first <= other_last && other_first <= last
    }
}

/// The address at a place in a network.
fn nth(network: Network, number: u64) -> IpAddr {
    let (first, _) = network.range();
    match <[u8; 4]>::try_from(&*first) {
        Ok(first) => {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            Ipv4Addr::from(u32::from(Ipv4Addr::from(first)).saturating_add(number)).into()
        }
        Err(_) => {
            let first: [u8; 16] = first.try_into().unwrap_or_default();
            Ipv6Addr::from(u128::from(Ipv6Addr::from(first)).saturating_add(number.into())).into()
        }
    }
}

impl Hosts {
    fn make(&mut self) -> Result<(), Trouble> {
        let switch = Scratch::create()
            .map_err(|error| Trouble::system("cannot make a network namespace", error))?;
        inside(&switch, |socket| {
            route::add_bridge(socket, BRIDGE)?;
            route::set_up(socket, BRIDGE)
        })?;
        let fd = switch.fd();
        for index in 0..self.options.hosts.len() {
            let name = self.options.hosts[index].clone();
            let named = Named::create(&name)
                .map_err(|error| Trouble::system(format!("cannot make namespace {name}"), error))?;
            let made = Namespace::find(named.place()).map_err(trouble_entering)?;
            self.made.push(Record {
                name,
                cookie: Some(made.cookie),
            });
            let addresses = self.options.addresses(index + 1);
            let port = format!("p{}", index + 1);
            let joined = made.enter(|| self.join(INTERFACE, &port, fd, addresses));
            joined
                .map_err(trouble_entering)?
                .map_err(trouble_with_kernel)?;
            plug(&switch, &port)?;
        }
        // Unique among agents, in the fifteen characters that an interface's name may have.
        let unique = stream(self.context.id, &self.context.agent);
        let own = format!("rc{:012x}", unique >> 16);
        self.own = Some(own.clone());
        self.join(&own, "p0", fd, self.options.own_addresses())
            .map_err(trouble_with_kernel)?;
        plug(&switch, "p0")?;
        // A port passes nothing until the kernel has taken note of its other end, which it does later; an address
        // that is asked for before that is only asked for again after a second.
        within(Duration::from_secs(2), || inside(&switch, all_run).is_ok());
        self.switch = Some(switch);
        Ok(())
    }

    /// Makes the link from the namespace of this thread to the switch.
    fn join(
        &self,
        name: &str,
        port: &str,
        switch: i32,
        (v4, v6): (IpAddr, IpAddr),
    ) -> Result<(), NetlinkError> {
        let socket = route::open()?;
        route::set_up(&socket, "lo")?;
        route::add_veth(&socket, name, port, switch)?;
        route::add_address(&socket, name, v4, self.options.subnet.prefix)?;
        match route::add_address(&socket, name, v6, self.options.subnet6.prefix) {
            Err(error) if !ipv6_is_there() => tracing::debug!("without IPv6: {error}"),
            result => result?,
        }
        route::set_up(&socket, name)
    }
}

fn ipv6_is_there() -> bool {
    std::path::Path::new("/proc/net/if_inet6").exists()
}

fn inside(
    switch: &Scratch,
    work: impl FnOnce(&super::netlink::Socket) -> Result<(), NetlinkError> + Send,
) -> Result<(), Trouble> {
    let done = switch.enter(|| work(&route::open()?));
    done.map_err(|error| Trouble::system("cannot enter a network namespace", error))?
        .map_err(trouble_with_kernel)
}

/// An error while a port does not run yet.
fn all_run(socket: &super::netlink::Socket) -> Result<(), NetlinkError> {
    let links = route::links(socket)?;
    let waiting = links.iter().find(|link| link.up && !link.running);
    waiting.map_or(Ok(()), |link| {
        Err(NetlinkError::Truncated {
            action: format!("wait for {}", link.name),
        })
    })
}

fn plug(switch: &Scratch, port: &str) -> Result<(), Trouble> {
    inside(switch, |socket| {
        route::set_master(socket, port, BRIDGE)?;
        route::set_up(socket, port)
    })
}

impl Fault for Hosts {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        self.options.check()?;
        let hosts = &self.options.hosts;
        Ok(Preflight {
            targets: hosts
                .iter()
                .map(|name| format!("namespace {name}"))
                .collect(),
            effect: format!("made, on one bridge, in {}", self.options.subnet),
            undo: "the namespaces are removed".to_owned(),
            tier: Tier::Journal,
            survives: Survives::Process,
            resources: hosts
                .iter()
                .map(|name| Resource::new(format!("namespace {name}"), Sharing::Alone))
                .collect(),
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        let planned = |name: &String| {
            let made = self.made.iter().find(|record| record.name == *name);
            made.cloned().unwrap_or(Record {
                name: name.clone(),
                cookie: None,
            })
        };
        json!(self.options.hosts.iter().map(planned).collect::<Vec<_>>())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        self.make()
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let there = |record: &&Record| find(&record.name).ok().flatten() == record.cookie;
        let count = self.made.iter().filter(there).count();
        if count == 0 {
            return Err(Trouble::Vanished("the namespaces are gone".to_owned()));
        }
        Ok(Sight {
            installed: count == self.options.hosts.len(),
            hits: None,
            detail: format!("{count} namespaces"),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        // It would go with the switch, but some time later.
        if let Some(own) = self.own.take() {
            match route::open().and_then(|socket| route::delete_link(&socket, &own)) {
                Err(error) if !error.is_missing() => return Err(trouble_with_kernel(error)),
                _ => {}
            }
        }
        self.switch = None;
        let healed = recover(&json!(self.made))?;
        self.made.clear();
        Ok(healed)
    }

    fn facts(&self) -> Value {
        let hosts = self.options.hosts.iter().zip(1..).map(|(name, number)| {
            let (v4, v6) = self.options.addresses(number);
            json!({ "name": name, "address": v4, "address6": v6 })
        });
        let (v4, v6) = self.options.own_addresses();
        json!({ "hosts": hosts.collect::<Vec<_>>(), "address": v4, "address6": v6 })
    }
}

/// The cookie of the namespace of this name.
fn find(name: &str) -> Result<Option<u64>, Trouble> {
    match Namespace::find(Place::Named(name.to_owned())) {
        Ok(found) => Ok(Some(found.cookie)),
        Err(NamespaceError::Gone(_)) => Ok(None),
        Err(error) => Err(trouble_entering(error)),
    }
}

fn recover(undo: &Value) -> Result<Healed, Trouble> {
    let records: Vec<Record> = serde_json::from_value(undo.clone())
        .map_err(|error| Trouble::Failed(format!("the journal's record is unreadable: {error}")))?;
    let mut healed = Healed::Unchanged;
    for record in records {
        if let (Some(made), Ok(Some(found))) = (record.cookie, find(&record.name))
            && made != found
        {
            healed = Healed::Drifted(format!(
                "namespace {} was replaced by another, which is left alone",
                record.name
            ));
            continue;
        }
        let removed = Named::remove(&record.name).map_err(|error| {
            let name = &record.name;
            Trouble::Failed(format!(
                "cannot remove namespace {name}: {error}; run `ip netns del {name}`"
            ))
        })?;
        if removed && healed == Healed::Unchanged {
            healed = Healed::Restored;
        }
    }
    Ok(healed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_count_up_and_the_last_is_the_hosts() {
        let network = NetworkOf {
            hosts: vec!["a".to_owned(); 3],
            subnet: "10.66.0.0/24".parse().unwrap(),
            subnet6: "fd66::/64".parse().unwrap(),
        };
        let (v4, v6) = network.addresses(2);
        assert_eq!(
            (v4.to_string(), v6.to_string()),
            ("10.66.0.2".into(), "fd66::2".into())
        );
        assert_eq!(network.own_addresses().0.to_string(), "10.66.0.254");
        assert!(network.overlaps("10.0.0.1".parse().unwrap(), 8));
        assert!(!network.overlaps("10.66.1.1".parse().unwrap(), 24));
    }
}
