//! `docker.config`: a config of a script's own, and the loss of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::loss::{Found, Loss, Thing};
use super::lost;
use crate::docker::models::{ConfigSpec, ServiceSpec};
use crate::docker::{Engine, EngineError};
use crate::fault::docker::fixture::{self, Labels, Make};
use crate::fault::docker::trouble::{ANSWER, trouble};
use crate::fault::{Kind, Tier, Trouble};

/// Of a loss: nothing, since engines tell all of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfigLoss {}

/// The kind of a loss.
pub const LOSS: Kind = Kind {
    name: ConfigLoss::NAME,
    tier: Tier::Journal,
    fixture: false,
    build: lost::build::<ConfigLoss>,
    recover: lost::recover::<ConfigLoss>,
    probe: crate::fault::docker::part::probe,
};

impl Thing for ConfigLoss {
    const NAME: &'static str = "docker.config_loss";
    const WORD: &'static str = "config";
    const KEY: &'static str = "ConfigID";

    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError> {
        let wanted = name.to_owned();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_config(&wanted).await
        })?;
        let spec = found.spec.unwrap_or_default();
        Ok(Found {
            id: found.id.unwrap_or_default(),
            name: spec.name.clone().unwrap_or_default(),
            definition: json!(spec),
        })
    }

    fn make(&self, engine: &Engine, found: &Found) -> Result<String, Trouble> {
        let what = format!("config {} could not be made anew", found.name);
        let spec: ConfigSpec = serde_json::from_value(found.definition.clone())
            .map_err(|error| Trouble::Failed(format!("{what}: {error}")))?;
        let made = engine.call(
            ANSWER,
            |docker| async move { docker.create_config(spec).await },
        );
        made.map(|made| made.id)
            .map_err(|error| trouble(&what, error))
    }

    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        remove(engine, id)
    }

    fn references(spec: &ServiceSpec) -> Vec<Value> {
        let task = spec.task_template.as_ref();
        let container = task.and_then(|task| task.container_spec.as_ref());
        let all = container.and_then(|one| one.configs.as_ref());
        all.into_iter().flatten().map(|one| json!(one)).collect()
    }

    fn refer(spec: &mut ServiceSpec, references: Vec<Value>) {
        let all = references.into_iter().map(serde_json::from_value);
        let container = spec.task_template.get_or_insert_default();
        let container = container.container_spec.get_or_insert_default();
        container.configs = all.collect::<Result<_, _>>().ok();
    }
}

fn remove(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let name = name.to_owned();
    engine.call(
        ANSWER,
        |docker| async move { docker.delete_config(&name).await },
    )
}

/// Options of one that a script makes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Config {
    /// A manager's engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name; empty for one that the agent gives.
    pub name: String,
    /// What it says, in base64.
    pub data: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The kind of one that a script makes.
pub const KIND: Kind = Kind {
    name: Config::NAME,
    tier: Tier::Journal,
    fixture: true,
    build: fixture::build::<Config>,
    recover: fixture::recover::<Config>,
    probe: crate::fault::docker::part::probe,
};

impl Make for Config {
    const NAME: &'static str = "docker.config";
    const WORD: &'static str = "config";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn make(&self, engine: &Engine, ours: Labels) -> Result<(), EngineError> {
        let mut labels: Labels = self.labels.clone().into_iter().collect();
        labels.extend(ours);
        let spec = ConfigSpec {
            name: Some(self.name.clone()),
            labels: Some(labels),
            data: Some(self.data.clone()),
            ..ConfigSpec::default()
        };
        let made = engine.call(
            ANSWER,
            |docker| async move { docker.create_config(spec).await },
        );
        made.map(|_| ())
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_config(&name).await
        });
        match found {
            Ok(found) => Ok(Some(
                found.spec.and_then(|it| it.labels).unwrap_or_default(),
            )),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        remove(engine, &self.name)
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let found = ConfigLoss::find(engine, &self.name)?;
        Ok(json!({"name": found.name, "id": found.id}))
    }
}

/// A loss, as scripts ask for it.
pub type LostConfig = Loss<ConfigLoss>;
