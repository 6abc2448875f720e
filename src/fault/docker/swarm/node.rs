//! `docker.node`: whether a node of a swarm takes tasks, and whether it is one of the managers.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::edit::again;
use super::setting::{self, Setting};
use crate::docker::models::{self, NodeSpecAvailabilityEnum, NodeSpecRoleEnum};
use crate::docker::parameters::UpdateNodeOptionsBuilder;
use crate::docker::{Engine, EngineError};
use crate::fault::docker::trouble::{ANSWER, precondition};
use crate::fault::{Kind, Trouble};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Node {
    /// A manager's engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its host name or id.
    pub name: String,
    /// What is changed.
    pub change: NodeChange,
}

/// What is changed of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeChange {
    /// Whether it takes tasks.
    Availability(Availability),
    /// What it is in the swarm.
    Role(Role),
}

/// Whether a node takes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// It does.
    Active,
    /// No new ones.
    Pause,
    /// None: those that it has move.
    Drain,
}

/// What a node is in a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// One of those that decide.
    Manager,
    /// One that only runs tasks.
    Worker,
}

/// The kind.
pub const KIND: Kind = setting::kind::<Node>();

/// How long it may take to become, or no longer be, a manager.
const ROLE: Duration = Duration::from_secs(25);

fn nodes(engine: &Engine) -> Result<Vec<models::Node>, EngineError> {
    engine.call(
        ANSWER,
        |docker| async move { docker.list_nodes(None).await },
    )
}

fn find(engine: &Engine, name: &str) -> Result<models::Node, EngineError> {
    // Engines find nodes by id only.
    let mut found = nodes(engine)?;
    found.retain(|node| {
        let about = node.description.as_ref();
        let host = about.and_then(|one| one.hostname.as_deref());
        host == Some(name) || node.id.as_deref() == Some(name)
    });
    if found.len() > 1 {
        let text = format!(
            "{} nodes are called {name}; say which by its id",
            found.len()
        );
        return Err(EngineError::Denied(text));
    }
    let missing = || EngineError::Missing(format!("no node {name}"));
    found.pop().ok_or_else(missing)
}

fn role(value: &Value) -> NodeSpecRoleEnum {
    match value.as_str() {
        Some("manager") => NodeSpecRoleEnum::MANAGER,
        _ => NodeSpecRoleEnum::WORKER,
    }
}

fn availability(value: &Value) -> NodeSpecAvailabilityEnum {
    match value.as_str() {
        Some("drain") => NodeSpecAvailabilityEnum::DRAIN,
        Some("pause") => NodeSpecAvailabilityEnum::PAUSE,
        _ => NodeSpecAvailabilityEnum::ACTIVE,
    }
}

/// Waits until a node is what it has been told to be.
fn arrived(engine: &Engine, id: &str, wanted: &Value) -> Result<(), EngineError> {
    let end = Instant::now() + ROLE;
    loop {
        // The managers may be choosing a leader, and answer nobody meanwhile.
        let seen = find(engine, id).map(|node| node.manager_status.is_some());
        if seen == Ok(wanted == "manager") {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(EngineError::Late(format!(
                "node {id} is told to be a {}, and is none after {ROLE:?}",
                wanted.as_str().unwrap_or_default()
            )));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Node {
    fn tell(&self, engine: &Engine, id: &str, value: &Value) -> Result<(), EngineError> {
        again(|| {
            let id = id.to_owned();
            let (change, value) = (self.change, value.clone());
            engine.call(ANSWER, |docker| async move {
                let node = docker.inspect_node(&id).await?;
                let mut spec = node.spec.unwrap_or_default();
                match change {
                    NodeChange::Availability(_) => spec.availability = Some(availability(&value)),
                    NodeChange::Role(_) => spec.role = Some(role(&value)),
                }
                let version = node.version.and_then(|one| one.index).unwrap_or_default();
                let version = i64::try_from(version).unwrap_or(i64::MAX);
                let options = UpdateNodeOptionsBuilder::new().version(version).build();
                docker.update_node(&id, spec, options).await
            })
        })
    }
}

impl Setting for Node {
    const NAME: &'static str = "docker.node";
    const WORD: &'static str = "node";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn part(&self) -> &'static str {
        match self.change {
            NodeChange::Availability(_) => "availability",
            NodeChange::Role(_) => "role",
        }
    }

    fn get(&self, engine: &Engine, name: &str) -> Result<(String, Value), EngineError> {
        let found = find(engine, name)?;
        let spec = found.spec.unwrap_or_default();
        let value = match self.change {
            NodeChange::Availability(_) => json!(spec.availability.map(|one| one.to_string())),
            NodeChange::Role(_) => json!(spec.role.map(|one| one.to_string())),
        };
        Ok((found.id.unwrap_or_default(), value))
    }

    fn check(&self, engine: &Engine, id: &str, before: &Value) -> Result<(), Trouble> {
        if self.change != NodeChange::Role(Role::Worker) || before != "manager" {
            return Ok(());
        }
        let refuse = |text: &str| {
            let text = format!("{}: node {} {text}", Self::NAME, self.name);
            Err(Trouble::Precondition(text))
        };
        let all = nodes(engine).map_err(precondition)?;
        if all
            .iter()
            .filter(|node| node.manager_status.is_some())
            .count()
            < 2
        {
            return refuse("is the only manager");
        }
        let info = engine.call(ANSWER, |docker| async move { docker.info().await });
        let own = info
            .map_err(precondition)?
            .swarm
            .and_then(|one| one.node_id);
        if own.as_deref() == Some(id) {
            return refuse(
                "is the one that is asked, and could not promote itself again; ask another manager by `engine`",
            );
        }
        Ok(())
    }

    fn wanted(&self, _: &Value) -> Value {
        match self.change {
            NodeChange::Availability(availability) => json!(availability),
            NodeChange::Role(role) => json!(role),
        }
    }

    fn set(&self, engine: &Engine, id: &str, value: &Value) -> Result<(), EngineError> {
        let end = Instant::now() + ROLE;
        let told = |text: &str| text.contains("raft memberlist") && Instant::now() < end;
        loop {
            match self.tell(engine, id, value) {
                // It is about to become a manager, and can be told otherwise only when it is one.
                Err(EngineError::Refused { text, .. }) if told(&text) => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                done => return done,
            }
        }
    }

    fn begin(&self, engine: &Engine, id: &str, wanted: &Value) -> Result<(), EngineError> {
        self.set(engine, id, wanted)?;
        match self.change {
            NodeChange::Availability(_) => Ok(()),
            NodeChange::Role(_) => arrived(engine, id, wanted),
        }
    }

    fn longest(&self) -> Duration {
        match self.change {
            NodeChange::Availability(_) => Duration::from_secs(5),
            NodeChange::Role(_) => ROLE + Duration::from_secs(5),
        }
    }

    fn effect(&self) -> String {
        let text = match self.change {
            NodeChange::Availability(Availability::Active) => "takes tasks",
            NodeChange::Availability(Availability::Pause) => "takes no new tasks",
            NodeChange::Availability(Availability::Drain) => {
                "takes no tasks; those that it has move"
            }
            NodeChange::Role(Role::Manager) => "made a manager",
            NodeChange::Role(Role::Worker) => "made a worker",
        };
        text.to_owned()
    }
}
