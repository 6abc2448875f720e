//! From what scripts name to what the kernel knows: targets to namespaces, peers to networks.

use std::collections::{HashMap, HashSet};
use std::net::ToSocketAddrs;

use super::attachment::{trouble_entering, trouble_with_kernel};
use super::filter::{Network, Peer};
use super::namespace::{Namespace, NamespaceError, Place};
use super::route;
use crate::fault::docker::Container;
use crate::fault::process::{Find, Identity};
use crate::fault::{Context, Target, Trouble};

/// A target's network namespace, and how messages name it.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The target.
    pub(super) label: String,
    /// Where its packets are.
    pub(super) namespace: Namespace,
    /// Whether that is the one the agent runs in.
    pub(super) host: bool,
    /// The processes that are meant where they share the host's network; empty for all that is in the namespace.
    pub(super) owners: Vec<Identity>,
}

/// The namespaces of a target that has them to itself: one, or several where it is several processes.
pub(super) fn sites(target: &Target, context: &Context) -> Result<Vec<Site>, Trouble> {
    let found = shared_sites(target, context)?;
    match found.iter().find(|site| !site.owners.is_empty()) {
        None => Ok(found),
        Some(site) => Err(Trouble::Precondition(format!(
            "{} has no network of its own but shares this host's; \
             target netfault.host() and say which `port` is meant",
            site.label
        ))),
    }
}

/// The namespaces of a target, with the processes that are meant where it shares the host's.
pub(super) fn shared_sites(target: &Target, context: &Context) -> Result<Vec<Site>, Trouble> {
    let host = Namespace::find(Place::Host).map_err(trouble_entering)?;
    let mut sites: Vec<Site> = Vec::new();
    // Entered once each, however many processes are there.
    let mut known: HashMap<(u64, u64), Namespace> = HashMap::new();
    let (mut there, mut ended) = (HashSet::new(), Vec::new());
    for (label, place) in places(target, context)? {
        let owner = match &place {
            Place::Process(identity) => Some(identity.clone()),
            Place::Host | Place::Named(_) => None,
        };
        let namespace = match place {
            Place::Host => host.clone(),
            place => match place.inode().ok().and_then(|inode| known.get(&inode)) {
                Some(namespace) => namespace.clone(),
                None => match Namespace::find(place) {
                    // Processes end at any time, also between being listed and being looked at: one of
                    // a container's, or of those that match, may be missing if there are others.
                    Err(error @ NamespaceError::Gone(_)) if owner.is_some() => {
                        ended.push((label, error));
                        continue;
                    }
                    found => found.map_err(|error| missing(&label, error))?,
                },
            },
        };
        there.insert(label.clone());
        if let Ok(inode) = namespace.place.inode() {
            known.insert(inode, namespace.clone());
        }
        let is_host = namespace.cookie == host.cookie;
        let owner = owner.filter(|_| is_host);
        let same = |site: &&mut Site| site.namespace.cookie == namespace.cookie;
        match sites.iter_mut().find(same) {
            Some(site) if owner.is_some() => {
                if site.label != label {
                    site.label = format!("{} and {label}", site.label);
                }
                site.owners.extend(owner);
            }
            Some(_) => {}
            None => sites.push(Site {
                label,
                // Not by a process that may end: the host's network stays.
                namespace: if is_host { host.clone() } else { namespace },
                host: is_host,
                owners: owner.into_iter().collect(),
            }),
        }
    }
    let by_itself = matches!(target, Target::Process { .. });
    let lost = ended.into_iter().find(|(label, _)| match by_itself {
        true => there.is_empty(),
        false => !there.contains(label),
    });
    match lost {
        Some((label, error)) => Err(missing(&label, error)),
        None => Ok(sites),
    }
}

fn missing(label: &str, error: NamespaceError) -> Trouble {
    match error {
        NamespaceError::Gone(_) => Trouble::Precondition(format!("there is no {label}")),
        error => trouble_entering(error),
    }
}

fn places(target: &Target, context: &Context) -> Result<Vec<(String, Place)>, Trouble> {
    let label = target.label();
    match target {
        Target::Host => Ok(vec![(label, Place::Host)]),
        Target::Namespace { name } => Ok(vec![(label, Place::Named(name.clone()))]),
        Target::Process { find } => {
            let found = find.targets(context)?;
            let place = |identity: &Identity| Place::Process(identity.clone());
            Ok(found
                .iter()
                .map(|one| (one.label(), place(&one.identity)))
                .collect())
        }
        Target::Container { id, .. } => processes_of(&label, id),
        Target::Containers { which } => {
            let found = which.targets(context)?;
            let all = found
                .iter()
                .map(|one: &Container| processes_of(&one.label(), &one.id));
            Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
        }
    }
}

/// All processes of a container: which of them share the host's network is found out for each.
fn processes_of(label: &str, id: &str) -> Result<Vec<(String, Place)>, Trouble> {
    let find = Find {
        container: Some(id.to_owned()),
        ..Find::default()
    };
    let mut found = find.all()?;
    // What holds the namespace open for us should last: whoever began it rather than what it has just forked.
    found.sort_by_key(|one| one.identity.start);
    if found.is_empty() {
        return Err(Trouble::Precondition(format!(
            "{label} has no process here; is it running?"
        )));
    }
    let all = found.iter();
    Ok(all
        .map(|one| (label.to_owned(), Place::Process(one.identity.clone())))
        .collect())
}

/// All networks that the peers stand for, now.
pub(super) fn networks(peers: &[Peer], context: &Context) -> Result<Vec<Network>, Trouble> {
    let mut found = Vec::new();
    for peer in peers {
        match peer {
            Peer::Network(network) => found.push(*network),
            Peer::Name(name) => found.extend(look_up(name)?),
            Peer::Target(target) => {
                for site in sites(target, context)? {
                    found.extend(addresses(&site)?);
                }
            }
        }
    }
    Ok(found)
}

fn look_up(name: &str) -> Result<Vec<Network>, Trouble> {
    let found = (name, 0).to_socket_addrs().map_err(|error| {
        Trouble::Precondition(format!("cannot find the address of \"{name}\": {error}"))
    })?;
    Ok(found.map(|address| Network::of(address.ip())).collect())
}

/// The addresses that others reach a target at: all but the loopback's.
pub(super) fn addresses(site: &Site) -> Result<Vec<Network>, Trouble> {
    let read = || {
        let socket = route::open()?;
        let links = route::links(&socket)?;
        let lo = |index| {
            links
                .iter()
                .any(|link| link.index == index && link.loopback)
        };
        let all = route::addresses(&socket)?.into_iter();
        let all = all.filter(|one| !lo(one.interface) && !one.address.is_loopback());
        Ok(all.map(|one| Network::of(one.address)).collect())
    };
    let found: Vec<_> = site
        .namespace
        .enter(read)
        .map_err(trouble_entering)?
        .map_err(trouble_with_kernel)?;
    if found.is_empty() {
        return Err(Trouble::Precondition(format!(
            "{} has no address that others could reach",
            site.label
        )));
    }
    Ok(found)
}
