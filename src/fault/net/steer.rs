//! Packets that the kernel itself slows: rules steer them into a class of their interface's queueing discipline.
//!
//! The rules are leased as all others are: without them nobody is in the class, and a discipline that is left over slows
//! nothing.

use serde::{Deserialize, Serialize};

use super::attachment::{trouble_entering, trouble_with_kernel};
use super::filter::Filter;
use super::namespace::{Namespace, NamespaceError};
use super::netem::Netem;
use super::netlink::NetlinkError;
use super::queue::{Impairment, Pace};
use super::resolve::Site;
use super::route::{self, ClassPace, traffic};
use crate::fault::outcome::worst;
use crate::fault::{Healed, Trouble};

/// A class at the interfaces of one namespace; what a journal keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Steer {
    /// The interfaces: number and name.
    pub(super) interfaces: Vec<(u32, String)>,
    /// The class's number at each.
    pub(super) class: u32,
}

impl Steer {
    /// How the kernel would impair packets, in a word; none where it cannot, or not in the same way as the agent.
    pub(super) fn way(impairment: &Impairment) -> Option<&'static str> {
        if impairment.only_pace().is_some() {
            return super::probe::classes().then_some("htb");
        }
        let fits = Netem::of(impairment, 0).is_some();
        (fits && super::probe::netem()).then_some("netem")
    }

    /// A class for the fault with this number, if the site's packets can be slowed there: it is not the host, whose
    /// interfaces are many, has one interface, and nobody else has set up its queueing or has a class there.
    pub(super) fn of(site: &Site, filter: &Filter, fault: u32) -> Result<Option<Self>, Trouble> {
        if site.host || filter.forwarded {
            return Ok(None);
        }
        let class = traffic::OURS | ((fault & 0x7fff) + 1);
        let look = || -> Result<Option<Vec<(u32, String)>>, NetlinkError> {
            let socket = route::open()?;
            let named = |name: &str| filter.interface.as_deref().is_none_or(|one| one == name);
            let links = route::links(&socket)?.into_iter();
            let links = links.filter(|link| link.up && named(&link.name));
            let links: Vec<_> = links
                .filter(|link| !link.loopback || filter.includes_loopback())
                .collect();
            if links.iter().filter(|link| !link.loopback).count() != 1 {
                return Ok(None);
            }
            for link in &links {
                let root = traffic::root(&socket, link.index)?;
                if root.is_some_and(|root| !root.is_default() && !root.is_ours()) {
                    return Ok(None);
                }
                let mut classes = traffic::classes(&socket, link.index)?.into_iter();
                if classes.any(|one| one != class) {
                    return Ok(None);
                }
            }
            let both = links.into_iter().map(|link| (link.index, link.name));
            Ok(Some(both.collect()))
        };
        let entered = site.namespace.enter(look).map_err(trouble_entering)?;
        let interfaces = entered.map_err(trouble_with_kernel)?;
        Ok(interfaces.map(|interfaces| Self { interfaces, class }))
    }

    /// Makes the class, and the discipline around it where there is none of rchaos yet.
    pub(super) fn install(
        &self,
        namespace: &Namespace,
        impairment: &Impairment,
        seed: u64,
    ) -> Result<(), Trouble> {
        let pace = impairment
            .pace
            .map(|Pace { rate, burst, .. }| ClassPace { rate, burst });
        let netem = Netem::of(impairment, seed);
        let make = || -> Result<(), NetlinkError> {
            let socket = route::open()?;
            for (interface, _) in &self.interfaces {
                let root = traffic::root(&socket, *interface)?;
                if !root.is_some_and(|root| root.is_ours()) {
                    traffic::add_root(&socket, *interface)?;
                }
                let pace = pace.unwrap_or(ClassPace::FREE);
                traffic::add_class(&socket, *interface, self.class, pace)?;
                match (impairment.only_pace(), &netem) {
                    (Some(pace), _) => {
                        let fifo = |message| traffic::fifo(message, pace.queue);
                        traffic::add_leaf(&socket, *interface, self.class, "bfifo", fifo)?;
                    }
                    (None, Some(netem)) => netem.add(&socket, *interface, self.class)?,
                    (None, None) => {}
                }
            }
            Ok(())
        };
        let entered = namespace.enter(make).map_err(trouble_entering)?;
        entered.map_err(trouble_with_kernel)
    }

    /// Whether the class is at each interface.
    pub(super) fn is_there(&self, namespace: &Namespace) -> Result<bool, Trouble> {
        let look = || -> Result<bool, NetlinkError> {
            let socket = route::open()?;
            for (interface, _) in &self.interfaces {
                if !traffic::classes(&socket, *interface)?.contains(&self.class) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let entered = namespace.enter(look).map_err(trouble_entering)?;
        entered.map_err(trouble_with_kernel)
    }

    /// Removes the class, and the discipline where it was the last one.
    pub(super) fn remove(&self, namespace: &Namespace) -> Result<Healed, Trouble> {
        let all = || {
            let each = self.interfaces.iter();
            worst(each.map(|(interface, name)| self.remove_at(*interface, name)))
        };
        match namespace.enter(all) {
            Err(NamespaceError::Gone(_)) => Ok(Healed::Vanished),
            entered => entered.map_err(trouble_entering)?,
        }
    }

    fn remove_at(&self, interface: u32, name: &str) -> Result<Healed, Trouble> {
        let gone = |result: Result<(), NetlinkError>| match result {
            Err(error) if error.is_missing() => Ok(()),
            result => result.map_err(trouble_with_kernel),
        };
        let socket = route::open().map_err(trouble_with_kernel)?;
        match traffic::root(&socket, interface).map_err(trouble_with_kernel)? {
            Some(root) if root.is_ours() => {}
            Some(root) if !root.is_default() => {
                return Ok(Healed::Drifted(format!(
                    "{name} has another queueing discipline now ({}); it was left as it is",
                    root.kind
                )));
            }
            _ => return Ok(Healed::Unchanged),
        }
        let classes = || traffic::classes(&socket, interface).map_err(trouble_with_kernel);
        let was_there = classes()?.contains(&self.class);
        if was_there {
            gone(traffic::delete_class(&socket, interface, self.class))?;
        }
        if classes()?.is_empty() {
            gone(traffic::delete_root(&socket, interface))?;
            let after = traffic::root(&socket, interface).map_err(trouble_with_kernel)?;
            if after.is_some_and(|root| root.is_ours()) {
                return Err(Trouble::Failed(format!(
                    "the queueing discipline of {name} is still there; remove it with \
                     `tc qdisc del dev {name} root`"
                )));
            }
            return Ok(Healed::Restored);
        }
        Ok(if was_there {
            Healed::Restored
        } else {
            Healed::Unchanged
        })
    }
}
