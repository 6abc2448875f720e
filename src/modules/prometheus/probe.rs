//! What probes of experiments ask a server, from another thread than the script's.

use std::sync::Arc;

use serde_json::Value as Json;

use super::channel::Clients;
use super::connection::{self, Connection};
use super::{query, state};
use crate::script::Options;

/// The options that say which server, and how it is reached.
pub const KEYS: [&str; 5] = connection::KEYS;

/// A server to ask, with connections of its own.
#[derive(Debug)]
pub struct Server(Connection);

impl Server {
    /// Reads [`KEYS`] of a probe's options; nothing is opened.
    ///
    /// # Errors
    ///
    /// Misuse: options that cannot be.
    pub fn read(options: &Options) -> mlua::Result<Self> {
        Connection::of(&Arc::new(Clients::default()), options).map(Self)
    }

    /// The one value of an expression; `None` if its answer is empty.
    ///
    /// # Errors
    ///
    /// No answer, several series, or what Prometheus says against the query.
    pub async fn scalar(&self, text: &str) -> Result<Option<f64>, String> {
        let asked = query::instant(&self.0, text, None).await;
        asked
            .and_then(|all| query::only(text, &all))
            .map_err(|error| error.to_string())
    }

    /// Whether an alert of this name fires.
    ///
    /// # Errors
    ///
    /// No answer.
    pub async fn fires(&self, alert: &str) -> Result<bool, String> {
        let data = self.0.get(&["alerts"], &[]).await;
        let data = data.map_err(|error| error.to_string())?;
        let fires = |one: &Json| one["state"] == "firing" && one["labels"]["alertname"] == alert;
        Ok(state::list(&data, "alerts").iter().any(fires))
    }
}
