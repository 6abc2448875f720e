//! `probe:promql`: one number of a Prometheus server.

use std::sync::Arc;

use mlua::{Result, Value};
use serde_json::Value as Json;

use super::{Answer, Kit, Read};
use crate::engine::experiment::tolerance::Tolerance;
use crate::modules::prometheus::Server;

/// A question in PromQL and what its answer is held to.
#[derive(Debug, Clone)]
pub struct PromqlProbe {
    server: Arc<Server>,
    query: String,
    tolerance: Tolerance,
}

impl PromqlProbe {
    /// Reads a query and its tolerance.
    ///
    /// # Errors
    ///
    /// Misuse: a tolerance or server that cannot be.
    pub(super) fn read(read: &mut Read, query: &str, tolerance: Value) -> Result<Self> {
        if query.trim().is_empty() {
            return Err(read.options.wrong("the query is empty"));
        }
        let tolerance = Tolerance::read(tolerance, read.functions)
            .map_err(|problem| read.options.wrong(format!("the tolerance: {problem}")))?;
        Ok(Self {
            server: Arc::new(Server::read(&read.options)?),
            query: query.to_owned(),
            tolerance,
        })
    }

    /// Asks once. An empty answer is a breach, since it has no number.
    pub(super) async fn ask(&self, kit: &Kit) -> Answer {
        match self.server.scalar(&self.query).await {
            Err(error) => Answer::failed(error),
            Ok(None) => Answer {
                expected: Some(self.tolerance.describe()),
                ..Answer::failed("the answer is empty".to_owned())
            },
            Ok(Some(number)) => {
                let json = serde_json::Number::from_f64(number).map(Json::Number);
                let json = json.unwrap_or_else(|| Json::String(number.to_string()));
                kit.judge("value", &self.tolerance, json).await
            }
        }
    }
}
