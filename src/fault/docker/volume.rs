//! `docker.volume`: a volume of a script's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fixture::{self, Labels, Make};
use super::trouble::ANSWER;
use crate::docker::models::VolumeCreateRequest;
use crate::docker::parameters::RemoveVolumeOptions;
use crate::docker::{Engine, EngineError};
use crate::fault::Kind;

/// Its options.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Volume {
    /// The engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name; empty for one that the agent gives.
    pub name: String,
    /// Its driver; `local` where left out.
    pub driver: Option<String>,
    /// Options of its driver.
    pub options: BTreeMap<String, String>,
}

/// The kind.
pub const KIND: Kind = fixture::kind::<Volume>();

impl Make for Volume {
    const NAME: &'static str = "docker.volume";
    const WORD: &'static str = "volume";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn make(&self, engine: &Engine, labels: Labels) -> Result<(), EngineError> {
        let request = VolumeCreateRequest {
            name: Some(self.name.clone()),
            driver: Some(self.driver.clone().unwrap_or_else(|| "local".to_owned())),
            driver_opts: Some(self.options.clone().into_iter().collect()),
            labels: Some(labels),
            ..VolumeCreateRequest::default()
        };
        engine.call(ANSWER, |docker| async move {
            docker.create_volume(request).await
        })?;
        Ok(())
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_volume(&name).await
        });
        match found {
            Ok(found) => Ok(Some(found.labels)),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        let name = self.name.clone();
        engine.call(ANSWER, |docker| async move {
            docker
                .remove_volume(&name, None::<RemoveVolumeOptions>)
                .await
        })
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_volume(&name).await
        })?;
        Ok(json!({"name": found.name, "path": found.mountpoint}))
    }
}
