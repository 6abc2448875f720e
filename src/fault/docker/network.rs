//! `docker.network`: a network of a script's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fixture::{self, Labels, Make};
use super::trouble::ANSWER;
use crate::docker::models::{Ipam, IpamConfig, NetworkCreateRequest};
use crate::docker::{Engine, EngineError};
use crate::fault::Kind;

/// Its options.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Network {
    /// The engine; the usual one where left out.
    pub engine: Option<String>,
    /// Its name; empty for one that the agent gives.
    pub name: String,
    /// Its driver; `bridge` where left out.
    pub driver: Option<String>,
    /// Its addresses, as `10.77.0.0/24`; where left out the engine's choice, and none can be asked for.
    pub subnet: Option<String>,
    /// The address of its gateway.
    pub gateway: Option<String>,
    /// Whether there is no way out of it.
    pub internal: bool,
    /// Options of its driver.
    pub options: BTreeMap<String, String>,
}

/// The kind.
pub const KIND: Kind = fixture::kind::<Network>();

impl Make for Network {
    const NAME: &'static str = "docker.network";
    const WORD: &'static str = "network";

    fn engine(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn make(&self, engine: &Engine, labels: Labels) -> Result<(), EngineError> {
        let ipam = self.subnet.clone().map(|subnet| Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(subnet),
                gateway: self.gateway.clone(),
                ..IpamConfig::default()
            }]),
            ..Ipam::default()
        });
        let request = NetworkCreateRequest {
            name: self.name.clone(),
            driver: Some(self.driver.clone().unwrap_or_else(|| "bridge".to_owned())),
            internal: Some(self.internal),
            attachable: Some(true),
            options: Some(self.options.clone().into_iter().collect()),
            labels: Some(labels),
            ipam,
            ..NetworkCreateRequest::default()
        };
        engine.call(ANSWER, |docker| async move {
            docker.create_network(request).await
        })?;
        Ok(())
    }

    fn there(&self, engine: &Engine) -> Result<Option<Labels>, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_network(&name, None).await
        });
        match found {
            Ok(found) => Ok(Some(found.labels.unwrap_or_default())),
            Err(EngineError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, engine: &Engine) -> Result<(), EngineError> {
        let name = self.name.clone();
        // Containers that scripts did not make here would keep it.
        engine.call(ANSWER, |docker| async move {
            use crate::docker::models::NetworkDisconnectRequest;
            let found = docker.inspect_network(&name, None).await?;
            for container in found.containers.unwrap_or_default().into_keys() {
                let request = NetworkDisconnectRequest {
                    container,
                    force: Some(true),
                };
                let _ = docker.disconnect_network(&name, request).await;
            }
            docker.remove_network(&name).await
        })
    }

    fn facts(&self, engine: &Engine) -> Result<Value, EngineError> {
        let name = self.name.clone();
        let found = engine.call(ANSWER, |docker| async move {
            docker.inspect_network(&name, None).await
        })?;
        let all = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let first = all.into_iter().next().unwrap_or_default();
        Ok(json!({
            "name": self.name,
            "id": found.id,
            "subnet": first.subnet,
            "gateway": first.gateway,
        }))
    }
}
