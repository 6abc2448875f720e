//! Questions about a swarm: its services, their tasks, its nodes.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::docker::parameters::ListTasksOptionsBuilder;
use crate::docker::{Endpoint, Engine};
use crate::fault::docker::list::asked;
use crate::fault::docker::trouble::{ANSWER, precondition};
use crate::fault::{Query, Trouble};

#[derive(Deserialize)]
pub(super) struct About {
    engine: Option<String>,
    /// The name of one; all where left out.
    pub(super) name: Option<String>,
}

pub(super) fn open(what: &str, options: &Value) -> Result<(About, Engine), Trouble> {
    let about: About = asked(what, options)?;
    let endpoint = Endpoint::find(about.engine.as_deref()).map_err(precondition)?;
    let engine = Engine::connect(&endpoint).map_err(precondition)?;
    Ok((about, engine))
}

/// What is asked about, or all; one that is not there is an error.
pub(super) fn only(what: &str, name: Option<&String>, all: Vec<Value>) -> Result<Value, Trouble> {
    let Some(name) = name else {
        return Ok(json!(all));
    };
    let wanted = |one: &Value| [&one["name"], &one["id"]].contains(&&json!(name));
    let found = all.into_iter().find(wanted);
    found.ok_or_else(|| {
        let name = crate::base::text::quoted(name);
        Trouble::Precondition(format!("there is no {what} {name}"))
    })
}

/// Whether a task was made as its service says now. Left aside are the placement, since a task that may stay where it
/// is stays, and the runtime, which engines tell of services only. The state of an update does not tell, since a swarm
/// takes a moment to begin it.
fn is_current(task: &Value, template: &Value) -> bool {
    let without = |spec: &Value| {
        let mut fields = spec.as_object().cloned().unwrap_or_default();
        fields.retain(|key, value| !value.is_null() && key != "Placement" && key != "Runtime");
        fields
    };
    without(task) == without(template)
}

/// Seen by the agent's protocol as `docker.services`.
pub(in crate::fault::docker) const SERVICES: Query = Query {
    name: "docker.services",
    ask: |options, _| {
        let (about, engine) = open("docker.services", options)?;
        let (services, tasks, networks) = engine
            .call(ANSWER, |docker| async move {
                let services = docker.list_services(None).await?;
                let tasks = docker.list_tasks(None).await?;
                Ok((services, tasks, docker.list_networks(None).await?))
            })
            .map_err(precondition)?;
        let tasks = json!(tasks);
        // By name, as scripts know them.
        let network = |id: &Value| {
            let mut all = networks.iter();
            let found = all.find(|one| one.id.as_deref() == id.as_str());
            json!(found.and_then(|one| one.name.clone()))
        };
        let all = services.into_iter().map(|service| {
            let service = json!(service);
            let of = |path: &str| service.pointer(path).cloned().unwrap_or_default();
            let own = tasks.as_array().into_iter().flatten();
            let own = own.filter(|task| task["ServiceID"] == service["ID"]);
            let wanted: Vec<&Value> = own.filter(|one| one["DesiredState"] == "running").collect();
            let image = of("/Spec/TaskTemplate/ContainerSpec/Image");
            let template = of("/Spec/TaskTemplate");
            let current = |task: &&&Value| {
                task["Status"]["State"] == "running" && is_current(&task["Spec"], &template)
            };
            let running = wanted.iter().filter(current).count();
            let replicas = of("/Spec/Mode/Replicated/Replicas");
            let expected = replicas.as_u64().unwrap_or(wanted.len() as u64);
            let nano = of("/Spec/TaskTemplate/Resources/Limits/NanoCPUs").as_f64();
            let cpus = nano.map(|nano| nano / 1e9);
            let container = of("/Spec/TaskTemplate/ContainerSpec");
            let names = |list: &str, key: &str| {
                let all = container[list].as_array().cloned().unwrap_or_default();
                all.into_iter().map(|one| one[key].clone()).collect::<Vec<_>>()
            };
            let attached = of("/Spec/TaskTemplate/Networks");
            let attached = attached.as_array().cloned().unwrap_or_default();
            let attached: Vec<Value> = attached.iter().map(|one| network(&one["Target"])).collect();
            let updating = of("/UpdateStatus/State") == "updating";
            json!({
                "id": of("/ID"),
                "name": of("/Spec/Name"),
                "image": image,
                "replicas": replicas,
                "running": running,
                "converged": running as u64 == expected && wanted.len() as u64 == expected && !updating,
                "update": of("/UpdateStatus/State"),
                "memory": of("/Spec/TaskTemplate/Resources/Limits/MemoryBytes"),
                "cpus": cpus,
                "secrets": names("Secrets", "SecretName"),
                "configs": names("Configs", "ConfigName"),
                "networks": attached,
                "labels": of("/Spec/Labels"),
            })
        });
        only("service", about.name.as_ref(), all.collect())
    },
};

/// Seen by the agent's protocol as `docker.tasks`: of one service, those that are to run first.
pub(in crate::fault::docker) const TASKS: Query = Query {
    name: "docker.tasks",
    ask: |options, _| {
        let (about, engine) = open("docker.tasks", options)?;
        let names = about.name.into_iter().collect();
        let filters = HashMap::from([("service".to_owned(), names)]);
        let options = ListTasksOptionsBuilder::new().filters(&filters).build();
        let (tasks, nodes) = engine
            .call(ANSWER, |docker| async move {
                let tasks = docker.list_tasks(Some(options)).await?;
                Ok((tasks, docker.list_nodes(None).await?))
            })
            .map_err(precondition)?;
        let (tasks, nodes) = (json!(tasks), json!(nodes));
        let host = |id: &Value| {
            let mut all = nodes.as_array().into_iter().flatten();
            let node = all.find(|node| &node["ID"] == id);
            node.map(|node| node["Description"]["Hostname"].clone())
        };
        let all = tasks.as_array().into_iter().flatten().map(|task| {
            json!({
                "id": task["ID"],
                "slot": task["Slot"],
                "node": host(&task["NodeID"]),
                "state": task["Status"]["State"],
                "desired": task["DesiredState"],
                "error": task["Status"]["Err"],
                "container": task["Status"]["ContainerStatus"]["ContainerID"],
                "image": task["Spec"]["ContainerSpec"]["Image"],
            })
        });
        let mut all: Vec<Value> = all.collect();
        all.sort_by_key(|task| task["desired"] != "running");
        Ok(json!(all))
    },
};

/// Seen by the agent's protocol as `docker.nodes`.
pub(in crate::fault::docker) const NODES: Query = Query {
    name: "docker.nodes",
    ask: |options, _| {
        let (about, engine) = open("docker.nodes", options)?;
        let nodes = engine
            .call(
                ANSWER,
                |docker| async move { docker.list_nodes(None).await },
            )
            .map_err(precondition)?;
        let all = nodes.into_iter().map(|node| {
            let node = json!(node);
            json!({
                "id": node["ID"],
                "name": node["Description"]["Hostname"],
                "status": node["Status"]["State"],
                "address": node["Status"]["Addr"],
                "availability": node["Spec"]["Availability"],
                "role": node["Spec"]["Role"],
                "leader": node["ManagerStatus"]["Leader"] == true,
                "reachability": node["ManagerStatus"]["Reachability"],
                "labels": node["Spec"]["Labels"],
            })
        });
        only("node", about.name.as_ref(), all.collect())
    },
};
