//! A Prometheus server and its HTTP API.

use std::sync::Arc;

use mlua::{Lua, Value};
use serde_json::Value as Json;
use url::Url;
use url::form_urlencoded::Serializer;

use super::channel::{self, Channel, Clients};
use super::trouble::Trouble;
use crate::script::{Options, current};

pub(super) const KEYS: [&str; 5] = ["url", "auth", "tls", "headers", "timeout"];
/// Where the default URL is looked for.
const VARIABLE: &str = "PROMETHEUS_URL";
const DEFAULT: &str = "http://127.0.0.1:9090";

/// One server. Nothing is opened before the first question.
#[derive(Debug)]
pub(super) struct Connection {
    url: Url,
    channel: Channel,
}

impl Connection {
    /// Reads the options of `prometheus.connect`.
    ///
    /// # Errors
    ///
    /// Misuse: options that cannot be.
    pub(super) fn read(
        lua: &Lua,
        clients: &Arc<Clients>,
        what: &'static str,
        options: Value,
    ) -> mlua::Result<Self> {
        Self::of(clients, &Options::read(what, &KEYS, lua, options)?)
    }

    /// As [`Connection::read`], from options that were taken already.
    ///
    /// # Errors
    ///
    /// Misuse: options that cannot be.
    pub(super) fn of(clients: &Arc<Clients>, options: &Options) -> mlua::Result<Self> {
        let written: Option<String> = options.optional("url")?;
        let mut url = match written {
            Some(text) => channel::url(&text).map_err(|problem| options.invalid("url", problem))?,
            None => channel::url(&default_url()?)
                .map_err(|problem| options.wrong(format!("{VARIABLE}: {problem}")))?,
        };
        let channel = Channel::read(clients, options, &mut url)?;
        if url
            .path_segments()
            .is_some_and(|mut parts| parts.any(|part| part == "api"))
        {
            let problem = format!(
                "{} leads into the API; write the part before \"/api\"",
                crate::base::text::quoted(url.as_str())
            );
            return Err(options.invalid("url", problem));
        }
        Ok(Self { url, channel })
    }

    /// Asks with GET and returns the answer's `data`.
    ///
    /// # Errors
    ///
    /// No answer, or what Prometheus says against it.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Json, Trouble> {
        let mut url = self.endpoint(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.ask(url, None).await
    }

    /// Asks with POST, since queries may be longer than a URL.
    ///
    /// # Errors
    ///
    /// As [`Connection::get`].
    pub(super) async fn post(&self, path: &[&str], form: &[(&str, &str)]) -> Result<Json, Trouble> {
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        self.ask(self.endpoint(path), Some(form)).await
    }

    fn endpoint(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn ask(&self, url: Url, form: Option<String>) -> Result<Json, Trouble> {
        let answer = self.channel.send(&url, form, "application/json").await?;
        let url = || self.url.to_string();
        let success = (200..300).contains(&answer.status);
        let parsed = serde_json::from_slice::<Json>(&answer.body);
        let mut envelope = match parsed {
            Ok(Json::Object(envelope)) if envelope.contains_key("status") => envelope,
            Err(error) if success => {
                let problem = format!("no JSON: {error}");
                return Err(Trouble::Foreign {
                    url: url(),
                    problem,
                });
            }
            _ if success => {
                let problem = "no `status` in the answer".to_owned();
                return Err(Trouble::Foreign {
                    url: url(),
                    problem,
                });
            }
            _ => {
                return Err(Trouble::Status {
                    url: url(),
                    status: answer.status,
                    text: String::from_utf8_lossy(&answer.body).into_owned(),
                });
            }
        };
        if envelope["status"] == "success" && success {
            return Ok(envelope.remove("data").unwrap_or(Json::Null));
        }
        let text = |key: &str| {
            let text = envelope.get(key).and_then(Json::as_str);
            text.unwrap_or_default().to_owned()
        };
        Err(Trouble::Api {
            kind: text("errorType"),
            message: text("error"),
        })
    }
}

/// The server of whoever names none.
pub(super) fn default_url() -> mlua::Result<String> {
    let task = current()?;
    let named = task.vu.env.get(VARIABLE).filter(|url| !url.is_empty());
    Ok(named.cloned().unwrap_or_else(|| DEFAULT.to_owned()))
}
