//! What secrets and configs have in common: a name, labels and data that a swarm keeps, and services refer to.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::Found;
use crate::docker::models::{SecretSpec, ServiceSpec};
use crate::docker::{Engine, EngineError};
use crate::fault::docker::fixture::{self, Labels, Make};
use crate::fault::docker::trouble::trouble;
use crate::fault::{Kind, Tier, Trouble};

/// What an engine calls secrets, or configs.
pub trait Store: Clone + Send + 'static {
    /// The name of the fixture's kind.
    const FIXTURE: &'static str;
    /// What it is, in a word: `secret`.
    const WORD: &'static str;
    /// Where a service's definition has its references: `Secrets`.
    const LIST: &'static str;
    /// Whether its data may stand in records.
    const OPEN: bool;

    /// The engine's answer about one, by name or id.
    ///
    /// # Errors
    ///
    /// What the engine says.
    fn get(engine: &Engine, name: &str) -> Result<Value, EngineError>;

    /// Makes one from a definition of the engine's own form; returns its id.
    ///
    /// # Errors
    ///
    /// What the engine says.
    fn create(engine: &Engine, definition: SecretSpec) -> Result<String, EngineError>;

    /// Removes one, by name or id.
    ///
    /// # Errors
    ///
    /// What the engine says.
    fn delete(engine: &Engine, name: &str) -> Result<(), EngineError>;
}

/// By name or id, as losses know it.
pub(super) fn find<S: Store>(engine: &Engine, name: &str) -> Result<Found, EngineError> {
    let found = S::get(engine, name)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Found {
        id: text(&found["ID"]),
        name: text(&found["Spec"]["Name"]),
        definition: found["Spec"].clone(),
    })
}

/// Makes it anew, from its definition after `complete`; returns its id.
pub(super) fn remake<S: Store>(
    engine: &Engine,
    found: &Found,
    complete: impl FnOnce(&mut SecretSpec) -> Result<(), String>,
) -> Result<String, Trouble> {
    let what = format!("{} {} could not be made anew", S::WORD, found.name);
    let failed = |text: String| Trouble::Failed(format!("{what}: {text}"));
    let mut definition: SecretSpec = serde_json::from_value(found.definition.clone())
        .map_err(|error| failed(error.to_string()))?;
    complete(&mut definition).map_err(failed)?;
    S::create(engine, definition).map_err(|error| trouble(&what, error))
}

/// What a service refers to.
pub(super) fn references<S: Store>(spec: &ServiceSpec) -> Vec<Value> {
    let task = spec.task_template.as_ref();
    let container = task.and_then(|task| task.container_spec.as_ref());
    let container = json!(container);
    container[S::LIST].as_array().cloned().unwrap_or_default()
}

/// Lets a service refer to these.
pub(super) fn refer<S: Store>(spec: &mut ServiceSpec, references: Vec<Value>) {
    let task = spec.task_template.get_or_insert_default();
    let mut container = json!(task.container_spec.take().unwrap_or_default());
    container[S::LIST] = Value::Array(references);
    // It is the definition that was just written out.
    task.container_spec = serde_json::from_value(container).ok();
}

/// Options of one that a script makes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Stored<S> {
    /// A manager's engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name; empty for one that the agent gives.
    pub name: String,
    /// What it says, in base64; a secret's is empty in records.
    pub data: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) store: PhantomData<S>,
}

impl<S> Stored<S> {
    /// Of these options.
    #[must_use]
    pub const fn new(
        engine: Option<String>,
        name: String,
        data: String,
        labels: BTreeMap<String, String>,
    ) -> Self {
        Self {
            engine,
            name,
            data,
            labels,
            store: PhantomData,
        }
    }
}

/// The kind of one that a script makes.
pub(super) const fn kind<S: Store>() -> Kind {
    Kind {
        name: S::FIXTURE,
        tier: Tier::Journal,
        fixture: true,
        build: fixture::build::<Stored<S>>,
        recover: fixture::recover::<Stored<S>>,
        probe: crate::fault::docker::part::probe,
    }
}

impl<S: Store> Make for Stored<S> {
    const NAME: &'static str = S::FIXTURE;
    const WORD: &'static str = S::WORD;

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn make(&self, engine: &Engine, ours: Labels) -> Result<(), EngineError> {
        let mut labels: Labels = self.labels.clone().into_iter().collect();
        labels.extend(ours);
        let definition = SecretSpec {
            name: Some(self.name.clone()),
            labels: Some(labels),
            data: Some(self.data.clone()),
            ..SecretSpec::default()
        };
        S::create(engine, definition).map(|_| ())
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        match find::<S>(engine, &self.name) {
            Ok(found) => {
                let labels = found.definition["Labels"].clone();
                Ok(Some(serde_json::from_value(labels).unwrap_or_default()))
            }
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        S::delete(engine, &self.name)
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let found = find::<S>(engine, &self.name)?;
        Ok(json!({"name": found.name, "id": found.id}))
    }

    fn recorded(&self) -> Self {
        let mut recorded = self.clone();
        if !S::OPEN {
            recorded.data.clear();
        }
        recorded
    }
}
