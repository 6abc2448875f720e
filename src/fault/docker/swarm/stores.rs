//! Questions about what a swarm keeps for its services: secrets, configs and networks.

use serde_json::{Value, json};

use super::config::ConfigLoss;
use super::loss::Thing;
use super::reads::{About, only, open};
use super::secret::SecretLoss;
use crate::docker::Engine;
use crate::fault::docker::trouble::{ANSWER, precondition};
use crate::fault::{Query, Trouble};

/// Seen by the agent's protocol as `docker.secrets`.
pub(in crate::fault::docker) const SECRETS: Query = Query {
    name: "docker.secrets",
    ask: |options, _| {
        let (about, engine) = open("docker.secrets", options)?;
        let all = engine.call(
            ANSWER,
            |docker| async move { docker.list_secrets(None).await },
        );
        told::<SecretLoss>(&about, &engine, json!(all.map_err(precondition)?))
    },
};

/// Seen by the agent's protocol as `docker.configs`.
pub(in crate::fault::docker) const CONFIGS: Query = Query {
    name: "docker.configs",
    ask: |options, _| {
        let (about, engine) = open("docker.configs", options)?;
        let all = engine.call(
            ANSWER,
            |docker| async move { docker.list_configs(None).await },
        );
        told::<ConfigLoss>(&about, &engine, json!(all.map_err(precondition)?))
    },
};

/// Seen by the agent's protocol as `docker.networks`: those of an engine, and of its swarm if it is in one.
pub(in crate::fault::docker) const NETWORKS: Query = Query {
    name: "docker.networks",
    ask: |options, _| {
        let (about, engine) = open("docker.networks", options)?;
        let all = engine.call(
            ANSWER,
            |docker| async move { docker.list_networks(None).await },
        );
        let all = all.map_err(precondition)?.into_iter().map(|network| {
            let ipam = network.ipam.and_then(|ipam| ipam.config);
            let first = ipam.unwrap_or_default().into_iter().next();
            let first = first.unwrap_or_default();
            json!({
                "id": network.id,
                "name": network.name,
                "driver": network.driver,
                "scope": network.scope,
                "subnet": first.subnet,
                "gateway": first.gateway,
                "internal": network.internal,
                "attachable": network.attachable,
                "labels": network.labels.unwrap_or_default(),
            })
        });
        let mut all: Vec<Value> = all.collect();
        all.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
        only("network", about.name.as_ref(), all)
    },
};

fn told<T: Thing>(about: &About, engine: &Engine, all: Value) -> Result<Value, Trouble> {
    let services = engine.call(
        ANSWER,
        |docker| async move { docker.list_services(None).await },
    );
    let services = services.map_err(precondition)?;
    let users = |id: &Value| {
        let uses = |spec: &_| T::references(spec).iter().any(|one| &one[T::KEY] == id);
        let mut names: Vec<String> = services
            .iter()
            .filter_map(|service| service.spec.as_ref())
            .filter(|spec| uses(spec))
            .filter_map(|spec| spec.name.clone())
            .collect();
        names.sort();
        names
    };
    let all = all.as_array().into_iter().flatten().map(|one| {
        json!({
            "id": one["ID"],
            "name": one["Spec"]["Name"],
            "labels": one["Spec"]["Labels"].as_object().cloned().unwrap_or_default(),
            "created_at": one["CreatedAt"],
            "services": users(&one["ID"]),
            // Of configs, in base64; engines do not tell what secrets say.
            "data": one["Spec"]["Data"],
        })
    });
    let mut all: Vec<Value> = all.collect();
    all.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    only(T::WORD, about.name.as_ref(), all)
}
