//! The loss of a service: its definition is removed with all its tasks, and made anew.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::edit;
use super::loss::{Found, Loss, Thing};
use super::lost::kind;
use crate::docker::models::ServiceSpec;
use crate::docker::{Engine, EngineError};
use crate::fault::docker::trouble::{ANSWER, trouble};
use crate::fault::{Kind, Trouble};

/// Of a loss: nothing, since engines tell all of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceLoss {}

/// The kind of a loss.
pub const LOSS: Kind = kind::<ServiceLoss>();

impl Thing for ServiceLoss {
    const NAME: &'static str = "docker.service_loss";
    const WORD: &'static str = "service";
    const KEY: &'static str = "ID";

    fn find(engine: &Engine, name: &str) -> Result<Found, EngineError> {
        let found = edit::service(engine, name)?;
        let spec = found.spec.unwrap_or_default();
        Ok(Found {
            id: found.id.unwrap_or_default(),
            name: spec.name.clone().unwrap_or_default(),
            definition: json!(spec),
        })
    }

    fn make(&self, engine: &Engine, found: &Found) -> Result<String, Trouble> {
        let what = format!("service {} could not be made anew", found.name);
        let spec: ServiceSpec = serde_json::from_value(found.definition.clone())
            .map_err(|error| Trouble::Failed(format!("{what}: {error}")))?;
        let made = engine.call(ANSWER, |docker| async move {
            docker.create_service(spec, None).await
        });
        let made = made.map_err(|error| trouble(&what, error))?;
        Ok(made.id.unwrap_or_default())
    }

    fn remove(&self, engine: &Engine, id: &str) -> Result<(), EngineError> {
        let id = id.to_owned();
        engine.call(
            ANSWER,
            |docker| async move { docker.delete_service(&id).await },
        )
    }
}

/// A loss, as scripts ask for it.
pub type LostService = Loss<ServiceLoss>;
