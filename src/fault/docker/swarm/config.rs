//! `docker.config`: a config of a script's own, and the loss of one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::{Found, Loss, Thing};
use super::lost::kind;
use super::store::{self, Store, Stored};
use crate::docker::models::{ConfigSpec, SecretSpec, ServiceSpec};
use crate::docker::{Engine, EngineError};
use crate::fault::docker::trouble::ANSWER;
use crate::fault::{Kind, Trouble};

/// The configs of a swarm.
#[derive(Debug, Clone)]
pub struct Configs;

impl Store for Configs {
    const FIXTURE: &'static str = "docker.config";
    const WORD: &'static str = "config";
    const LIST: &'static str = "Configs";
    const OPEN: bool = true;

    fn get(engine: &Engine, name: &str) -> Result<Value, EngineError> {
        let name = name.to_owned();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_config(&name).await
        })?;
        Ok(json!(found))
    }

    fn create(engine: &Engine, definition: SecretSpec) -> Result<String, EngineError> {
        let spec = ConfigSpec {
            name: definition.name,
            labels: definition.labels,
            data: definition.data,
            templating: definition.templating,
        };
        let made = engine.call(
            ANSWER,
            |docker| async move { docker.create_config(spec).await },
        );
        made.map(|made| made.id)
    }

    fn delete(engine: &Engine, name: &str) -> Result<(), EngineError> {
        let name = name.to_owned();
        engine.call(
            ANSWER,
            |docker| async move { docker.delete_config(&name).await },
        )
    }
}

/// One that a script makes.
pub type Config = Stored<Configs>;

/// The kind of one that a script makes.
pub const KIND: Kind = store::kind::<Configs>();

/// Of a loss: nothing, since engines tell all of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfigLoss {}

/// A loss, as scripts ask for it.
pub type LostConfig = Loss<ConfigLoss>;

/// The kind of a loss.
pub const LOSS: Kind = kind::<ConfigLoss>();

impl Thing for ConfigLoss {
    const NAME: &'static str = "docker.config_loss";
    const WORD: &'static str = Configs::WORD;
    const KEY: &'static str = "ConfigID";

    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError> {
        store::find::<Configs>(engine, name)
    }

    fn make(&self, engine: &Engine, found: &Found) -> Result<String, Trouble> {
        store::remake::<Configs>(engine, found, |_| Ok(()))
    }

    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        Configs::delete(engine, id)
    }

    fn references(spec: &ServiceSpec) -> Vec<Value> {
        store::references::<Configs>(spec)
    }

    fn refer(spec: &mut ServiceSpec, references: Vec<Value>) {
        store::refer::<Configs>(spec, references);
    }
}
