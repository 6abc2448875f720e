//! The loss of a network: services and containers are taken off it, it is removed, made anew, and they are back on it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::{Found, Loss, Thing, in_use};
use super::lost::kind;
use crate::docker::models::{
    EndpointSettings, NetworkCreateRequest, NetworkDisconnectRequest, ServiceSpec,
};
use crate::docker::parameters::ListContainersOptionsBuilder;
use crate::docker::{Engine, EngineError};
use crate::fault::docker::disconnect::{connect, networks, settings};
use crate::fault::docker::trouble::{ANSWER, precondition, trouble};
use crate::fault::{Kind, Trouble};

/// The label by which the container of a task is known.
const TASK: &str = "com.docker.swarm.task.id";

/// Of a loss: the containers of this engine that are on it, but for those of tasks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NetworkLoss {
    #[serde(default)]
    members: Vec<Member>,
}

/// A container, and how it was connected.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    id: String,
    name: String,
    settings: EndpointSettings,
}

/// The kind of a loss.
pub const LOSS: Kind = kind::<NetworkLoss>();

/// What is in a description of a network but not in the order to make it.
const ONLY_READ: [&str; 7] = [
    "Id",
    "Created",
    "Peers",
    "Containers",
    "Services",
    "Status",
    "EnableIPv4",
];

impl Thing for NetworkLoss {
    const NAME: &'static str = "docker.network_loss";
    const WORD: &'static str = "network";
    const KEY: &'static str = "Target";

    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError> {
        let all = engine.call(
            ANSWER,
            |docker| async move { docker.list_networks(None).await },
        )?;
        let by_id = all.iter().find(|one| one.id.as_deref() == Some(name));
        // A node keeps a copy of a swarm's network for a while after that was removed; there may be a new one by then.
        let named = all.iter().filter(|one| one.name.as_deref() == Some(name));
        let newest = || named.max_by_key(|one| one.created.clone());
        let found = by_id.or_else(newest).cloned();
        let missing = || EngineError::Missing(format!("there is no network {name}"));
        let found = found.ok_or_else(missing)?;
        let mut definition = json!(found);
        if let Some(fields) = definition.as_object_mut() {
            fields.retain(|key, _| !ONLY_READ.contains(&key.as_str()));
        }
        Ok(Found {
            id: found.id.unwrap_or_default(),
            name: found.name.unwrap_or_default(),
            definition,
        })
    }

    fn check(&mut self, engine: &Engine, found: &Found) -> Result<(), Trouble> {
        let fixed = ["bridge", "host", "none", "docker_gwbridge"];
        if fixed.contains(&found.name.as_str()) || found.definition["Ingress"] == true {
            return Err(Trouble::Precondition(format!(
                "{}: network {} is the engine's own",
                Self::NAME,
                found.name
            )));
        }
        self.members = members(engine, &found.id, &found.name).map_err(precondition)?;
        Ok(())
    }

    fn make(&self, engine: &Engine, found: &Found) -> Result<String, Trouble> {
        let what = format!("network {} could not be made anew", found.name);
        let request: NetworkCreateRequest = serde_json::from_value(found.definition.clone())
            .map_err(|error| Trouble::Failed(format!("{what}: {error}")))?;
        let made = engine.call(ANSWER, |docker| async move {
            docker.create_network(request).await
        });
        made.map(|made| made.id)
            .map_err(|error| trouble(&what, error))
    }

    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        let id = id.to_owned();
        engine.call(
            ANSWER,
            |docker| async move { docker.remove_network(&id).await },
        )
    }

    fn of_swarm(found: &Found) -> bool {
        found.definition["Scope"] == "swarm"
    }

    fn there(&self, engine: &Engine, found: &Found) -> Result<bool, EngineError> {
        if !Self::of_swarm(found) {
            return Ok(true);
        }
        // What is told may be the copy of a node. Only the swarm itself knows, and it tells when it is asked to remove it,
        // which it does not while somebody uses it.
        match self.remove(engine, &found.id) {
            Ok(()) | Err(EngineError::Missing(_)) => Ok(false),
            Err(error) if in_use(&error.to_string()) => Ok(true),
            Err(EngineError::Refused { text, .. }) if text.contains("not found") => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn references(spec: &ServiceSpec) -> Vec<Value> {
        let task = spec.task_template.as_ref();
        let all = task.and_then(|task| task.networks.as_ref());
        all.into_iter().flatten().map(|one| json!(one)).collect()
    }

    fn refer(spec: &mut ServiceSpec, references: Vec<Value>) {
        let all = references.into_iter().map(serde_json::from_value);
        let task = spec.task_template.get_or_insert_default();
        task.networks = all.collect::<Result<_, _>>().ok();
    }

    fn part(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        for member in &self.members {
            let (id, container) = (id.to_owned(), member.id.clone());
            let request = NetworkDisconnectRequest {
                container,
                force: Some(false),
            };
            engine.call(ANSWER, |docker| async move {
                docker.disconnect_network(&id, request).await
            })?;
        }
        Ok(())
    }

    fn join(&self, engine: &Engine, id: &str) -> Result<(), Trouble> {
        for member in &self.members {
            let what = format!("container {} could not be connected again", member.name);
            let wrong = |error| trouble(&what, error);
            let container = member.id.clone();
            let now = engine.call(ANSWER, |docker| async move {
                docker.inspect_container(&container, None).await
            });
            let now = match now {
                // It is gone: there is nobody to connect.
                Err(EngineError::Missing(_)) => continue,
                now => networks(&now.map_err(wrong)?),
            };
            if !now
                .values()
                .any(|one| one.network_id.as_deref() == Some(id))
            {
                let settings = settings(&member.settings, &member.id);
                connect(engine, &member.id, id, &settings).map_err(wrong)?;
            }
        }
        Ok(())
    }
}

/// Containers of the engine that are on a network, running or not.
fn members(engine: &Engine, id: &str, network: &str) -> Result<Vec<Member>, EngineError> {
    let filters = HashMap::from([("network".to_owned(), vec![id.to_owned()])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let options = options.build();
    let all = engine.call(ANSWER, |docker| async move {
        docker.list_containers(Some(options)).await
    })?;
    let mut members = Vec::new();
    for one in all {
        if one.labels.is_some_and(|labels| labels.contains_key(TASK)) {
            continue;
        }
        let id = one.id.unwrap_or_default();
        let asked = id.clone();
        let now = engine.call(ANSWER, |docker| async move {
            docker.inspect_container(&asked, None).await
        })?;
        if let Some(settings) = networks(&now).remove(network) {
            let name = now.name.unwrap_or_default();
            let name = name.trim_start_matches('/').to_owned();
            members.push(Member { id, name, settings });
        }
    }
    Ok(members)
}

/// A loss, as scripts ask for it.
pub type LostNetwork = Loss<NetworkLoss>;
