//! `docker.service`: how many tasks a service has, what they may use, which image they run, starting them anew, and going
//! back to what it was before its last update.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::edit;
use super::setting::{self, Setting};
use crate::docker::models::{Limit, ServiceSpec, TaskSpec};
use crate::docker::{Engine, EngineError};
use crate::fault::Kind;

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    /// A manager's engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name or id.
    pub name: String,
    /// What is changed.
    pub change: Change,
}

/// What is changed of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// How many tasks.
    Replicas(i64),
    /// What each task may use: billionths of a processor, and bytes.
    Limits {
        /// Left as it is where left out.
        nano_cpus: Option<i64>,
        /// Left as it is where left out.
        memory: Option<i64>,
    },
    /// Which image.
    Image(String),
    /// Nothing but that all tasks are started anew.
    Restart,
    /// All of it, to what it was before its last update.
    Rollback,
}

/// The kind.
pub const KIND: Kind = setting::kind::<Service>();

impl Service {
    fn read(&self, spec: &ServiceSpec) -> Value {
        let task = spec.task_template.clone().unwrap_or_default();
        match &self.change {
            Change::Replicas(_) => {
                let mode = spec.mode.as_ref().and_then(|mode| mode.replicated.as_ref());
                json!(mode.and_then(|mode| mode.replicas))
            }
            Change::Limits { .. } => {
                let limits = task
                    .resources
                    .and_then(|one| one.limits)
                    .unwrap_or_default();
                let set = |number: Option<i64>| number.filter(|number| *number > 0);
                json!({"nano_cpus": set(limits.nano_cpus), "memory": set(limits.memory_bytes)})
            }
            Change::Image(_) => json!(task.container_spec.and_then(|one| one.image)),
            Change::Restart => json!(task.force_update.unwrap_or_default()),
            Change::Rollback => json!(spec),
        }
    }

    fn write(&self, spec: &mut ServiceSpec, value: &Value) {
        if let Change::Rollback = self.change {
            if let Ok(whole) = serde_json::from_value(value.clone()) {
                *spec = whole;
            }
            return;
        }
        let task: &mut TaskSpec = spec.task_template.get_or_insert_default();
        match &self.change {
            Change::Replicas(_) => {
                let mode = spec.mode.get_or_insert_default();
                mode.replicated.get_or_insert_default().replicas = value.as_i64();
            }
            Change::Limits { .. } => {
                let limits: &mut Limit = task
                    .resources
                    .get_or_insert_default()
                    .limits
                    .get_or_insert_default();
                limits.nano_cpus = value["nano_cpus"].as_i64();
                limits.memory_bytes = value["memory"].as_i64();
            }
            Change::Image(_) => {
                let container = task.container_spec.get_or_insert_default();
                container.image = value.as_str().map(str::to_owned);
            }
            Change::Restart => task.force_update = value.as_u64(),
            Change::Rollback => {}
        }
    }
}

impl Setting for Service {
    const NAME: &'static str = "docker.service";
    const WORD: &'static str = "service";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn part(&self) -> &'static str {
        match self.change {
            Change::Replicas(_) => "replicas",
            Change::Limits { .. } => "limits",
            Change::Image(_) => "image",
            Change::Restart => "forced update",
            Change::Rollback => "definition",
        }
    }

    fn get(&self, engine: &Engine, name: &str) -> Result<(String, Value), EngineError> {
        let found = edit::service(engine, name)?;
        let spec = found.spec.unwrap_or_default();
        let value = self.read(&spec);
        if matches!(self.change, Change::Replicas(_)) && value.is_null() {
            return Err(EngineError::Garbled(format!(
                "service {} has a task on every node, and no number of replicas",
                self.name
            )));
        }
        Ok((found.id.unwrap_or_default(), value))
    }

    fn wanted(&self, before: &Value) -> Value {
        match &self.change {
            Change::Replicas(replicas) => json!(replicas),
            Change::Limits { nano_cpus, memory } => {
                let or = |wanted: &Option<i64>, key: &str| {
                    wanted.map_or_else(|| before[key].clone(), |wanted| json!(wanted))
                };
                json!({"nano_cpus": or(nano_cpus, "nano_cpus"), "memory": or(memory, "memory")})
            }
            Change::Image(image) => json!(image),
            Change::Restart => json!(before.as_u64().unwrap_or_default() + 1),
            // Only the swarm knows what it was.
            Change::Rollback => Value::Null,
        }
    }

    fn set(&self, engine: &Engine, id: &str, value: &Value) -> Result<(), EngineError> {
        edit::change(engine, id, |spec| self.write(spec, value))
    }

    fn begin(&self, engine: &Engine, id: &str, wanted: &Value) -> Result<(), EngineError> {
        match self.change {
            Change::Rollback => edit::roll_back(engine, id).map_err(|error| match error {
                EngineError::Refused { text, .. } if text.contains("previous spec") => {
                    let text = format!("service {} was never updated", self.name);
                    EngineError::Denied(text)
                }
                error => error,
            }),
            _ => self.set(engine, id, wanted),
        }
    }

    fn begun(&self, engine: &Engine, id: &str) -> Result<bool, EngineError> {
        let update = edit::service(engine, id)?.update_status;
        let state = update.and_then(|update| update.state);
        Ok(state.is_some_and(|state| state.to_string().starts_with("rollback")))
    }

    fn effect(&self) -> String {
        match &self.change {
            Change::Replicas(replicas) => format!("scaled to {replicas} replicas"),
            Change::Limits { .. } => "limits of its tasks are changed".to_owned(),
            Change::Image(image) => format!("updated to image {image}"),
            Change::Restart => "all its tasks are started anew".to_owned(),
            Change::Rollback => "rolled back to what it was before its last update".to_owned(),
        }
    }

    fn stays(&self) -> bool {
        !matches!(self.change, Change::Restart)
    }
}
