//! `docker.disconnect`: takes a container off its networks, and connects it again as it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::part::{self, Act, Part};
use super::select::Container;
use super::trouble::ANSWER;
use crate::base::text::{nearest, quoted};
use crate::docker::models::{
    ContainerInspectResponse, EndpointIpamConfig, EndpointSettings, NetworkConnectRequest,
    NetworkDisconnectRequest,
};
use crate::docker::{Engine, EngineError};
use crate::fault::outcome::worst;
use crate::fault::{Context, Healed, Kind, Resource, Sharing, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Disconnect {
    /// From which network; from all where left out.
    pub network: Option<String>,
}

/// The kind.
pub const KIND: Kind = part::kind::<Disconnect>();

/// The networks of a container, by name.
pub(super) fn networks(now: &ContainerInspectResponse) -> BTreeMap<String, EndpointSettings> {
    let settings = now.network_settings.as_ref();
    let networks = settings.and_then(|one| one.networks.clone());
    networks.unwrap_or_default().into_iter().collect()
}

impl Act for Disconnect {
    type Before = BTreeMap<String, EndpointSettings>;

    const NAME: &'static str = "docker.disconnect";

    fn look(
        &self,
        container: &Container,
        now: &ContainerInspectResponse,
        _: &Context,
    ) -> Result<Self::Before, Trouble> {
        let label = container.label();
        let refuse = |text: String| {
            let text = format!("{}: {label} {text}", Self::NAME);
            Err(Trouble::Precondition(text))
        };
        let mut all = networks(now);
        if let Some(shared) = all
            .keys()
            .find(|name| ["host", "none"].contains(&name.as_str()))
        {
            return refuse(format!(
                "has no network to be taken off: it is on \"{shared}\""
            ));
        }
        if let Some(wanted) = &self.network {
            if !all.contains_key(wanted) {
                let hint = nearest(wanted, all.keys().map(String::as_str));
                let hint =
                    hint.map_or_else(String::new, |near| format!("; the nearest is \"{near}\""));
                return refuse(format!("is not on network {}{hint}", quoted(wanted)));
            }
            all.retain(|name, _| name == wanted);
        }
        if all.is_empty() {
            return refuse("is on no network".to_owned());
        }
        Ok(all)
    }

    fn effect(&self) -> String {
        match &self.network {
            Some(network) => format!("taken off network {network}"),
            None => "taken off all its networks".to_owned(),
        }
    }

    fn undo(&self) -> String {
        "connected again, with its aliases; with its address where the network's subnet was chosen"
            .to_owned()
    }

    fn resources(&self, container: &Container) -> Vec<Resource> {
        let key = format!("networks of container {}", container.id);
        vec![Resource::new(key, Sharing::Alone)]
    }

    fn inject(part: &mut Part<Self>, _: &Context) -> Result<(), Trouble> {
        for network in part.before.keys() {
            leave(part, network)?;
        }
        Ok(())
    }

    fn see(part: &Part<Self>) -> Result<(bool, String), Trouble> {
        let now = networks(&part.glance()?);
        let left: Vec<_> = now.into_keys().collect();
        let off = part.before.keys().all(|network| !left.contains(network));
        let detail = match left.is_empty() {
            true => "is on no network".to_owned(),
            false => format!("is on {}", left.join(", ")),
        };
        Ok((off, detail))
    }

    fn heal(part: &Part<Self>, _: Option<&Context>) -> Result<Healed, Trouble> {
        let now = networks(&part.now()?);
        worst(part.before.iter().map(|(network, before)| {
            if now.contains_key(network) {
                return Ok(Healed::Unchanged);
            }
            match join(part, network, &settings(before, &part.id())) {
                Ok(()) => Ok(Healed::Restored),
                Err(Trouble::Vanished(text)) if text.contains("network") => {
                    Ok(Healed::Drifted(format!(
                        "network {network} of {} is gone, which somebody else removed",
                        part.label()
                    )))
                }
                Err(error) => Err(error),
            }
        }))
    }
}

/// What is asked for to be connected as before: the names it was known by, and its address.
pub(super) fn settings(before: &EndpointSettings, id: &str) -> EndpointSettings {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let own = id.get(..12).unwrap_or_default();
    // The engine adds the id by itself.
    let aliases = before.aliases.clone().map(|mut all| {
        all.retain(|one| one != own);
        all
    });
    EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: filled(&before.ip_address),
            ipv6_address: filled(&before.global_ipv6_address),
            link_local_ips: None,
        }),
        links: before.links.clone(),
        aliases,
        driver_opts: before.driver_opts.clone(),
        ..EndpointSettings::default()
    }
}

/// Takes a container off a network.
pub(super) fn leave<A: Act>(part: &Part<A>, network: &str) -> Result<(), Trouble> {
    let (id, network) = (part.id(), network.to_owned());
    part.ask(|engine| {
        engine.call(ANSWER, |docker| async move {
            let request = NetworkDisconnectRequest {
                container: id,
                force: Some(false),
            };
            docker.disconnect_network(&network, request).await
        })
    })
}

/// Connects a container; without the address where the network lets none be chosen, or others have it.
pub(super) fn join<A: Act>(
    part: &Part<A>,
    network: &str,
    settings: &EndpointSettings,
) -> Result<(), Trouble> {
    let id = part.id();
    part.patient(A::NAME, |engine| connect(engine, &id, network, settings))
}

/// As [`join`], of any container, tried once.
pub(super) fn connect(
    engine: &Engine,
    id: &str,
    network: &str,
    settings: &EndpointSettings,
) -> Result<(), EngineError> {
    let connect = |settings: EndpointSettings| {
        let (id, network) = (id.to_owned(), network.to_owned());
        engine.call(ANSWER, |docker| async move {
            let request = NetworkConnectRequest {
                container: id,
                endpoint_config: Some(settings),
            };
            docker.connect_network(&network, request).await
        })
    };
    match connect(settings.clone()) {
        Err(error) if no_such_address(&error.to_string()) => connect(EndpointSettings {
            ipam_config: None,
            ..settings.clone()
        }),
        done => done,
    }
}

/// Engines tell this only in words.
fn no_such_address(text: &str) -> bool {
    [
        "user configured subnets",
        "Address already in use",
        "user specified IP address",
    ]
    .iter()
    .any(|one| text.contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_and_the_address_of_before_are_asked_for() {
        let id = "3f".repeat(32);
        let before = EndpointSettings {
            aliases: Some(vec!["web".to_owned(), id[..12].to_owned()]),
            ip_address: Some("10.9.0.7".to_owned()),
            global_ipv6_address: Some(String::new()),
            ..EndpointSettings::default()
        };
        let again = settings(&before, &id);
        assert_eq!(again.aliases, Some(vec!["web".to_owned()]));
        let address = again.ipam_config.unwrap();
        assert_eq!(address.ipv4_address.as_deref(), Some("10.9.0.7"));
        assert_eq!(address.ipv6_address, None);
    }
}
