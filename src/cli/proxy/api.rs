//! From a route and a body to the answer.

use serde_json::{Map, Value, json};

use super::decode;
use super::error::ApiError;
use super::metrics;
use super::registry::{Registry, Shown};
use super::render;
use super::route::{Route, VERSION};

const JSON: &str = "application/json";
const JSON_UTF8: &str = "application/json;charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The API over its proxies.
pub struct Api {
    pub registry: Registry,
    pub proxy_metrics: bool,
    pub runtime_metrics: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The content type; none for an answer without a body.
    pub kind: Option<&'static str>,
    pub body: String,
}

impl Reply {
    /// A text for people, as Go's `http.Error` writes it: such a reply forbids sniffing.
    pub fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            kind: Some(TEXT),
            body: format!("{text}\n"),
        }
    }

    fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            kind: Some(JSON),
            body: render::written(value),
        }
    }

    fn empty(status: u16) -> Self {
        Self {
            status,
            kind: None,
            body: String::new(),
        }
    }

    /// Whether the reply is a text for people.
    pub fn is_text(&self) -> bool {
        self.kind == Some(TEXT)
    }
}

impl Api {
    /// Answers a request. Blocks for as long as a name lookup takes.
    pub fn answer(&self, route: &Route, body: &[u8]) -> Reply {
        self.act(route, body).unwrap_or_else(|error| {
            let status = error.status();
            // Labelled as text although it is JSON: clients have learnt to live with it.
            let body = json!({"error": error.to_string(), "status": status});
            Reply::text(status, &render::written(&body))
        })
    }

    fn act(&self, route: &Route, body: &[u8]) -> Result<Reply, ApiError> {
        let all = &self.registry;
        let shown = |status, shown: &Shown| Reply::json(status, &render::proxy(shown));
        Ok(match route {
            Route::Reset => {
                all.reset()?;
                Reply::empty(204)
            }
            Route::Proxies => {
                let proxies = all.all();
                let named = proxies
                    .iter()
                    .map(|shown| (shown.name.clone(), render::proxy(shown)));
                Reply::json(200, &Value::Object(named.collect::<Map<_, _>>()))
            }
            Route::CreateProxy => {
                let input = decode::proxy(&decode::value(body)?)?;
                shown(201, &all.create(&input, Vec::new())?)
            }
            Route::Populate => self.populate(body),
            Route::Proxy(name) => shown(200, &all.show(name)?),
            Route::UpdateProxy(name) => {
                all.show(name)?;
                let input = decode::proxy(&decode::value(body)?)?;
                shown(200, &all.update(name, &input)?)
            }
            Route::DeleteProxy(name) => {
                all.delete(name)?;
                Reply::empty(204)
            }
            Route::Toxics(name) => Reply::json(200, &render::toxics(&all.show(name)?.toxics)),
            Route::CreateToxic(name) => {
                Reply::json(200, &render::toxic(&all.add_toxic(name, body)?))
            }
            Route::Toxic(name, toxic) => Reply::json(200, &render::toxic(&all.toxic(name, toxic)?)),
            Route::UpdateToxic(name, toxic) => {
                Reply::json(200, &render::toxic(&all.update_toxic(name, toxic, body)?))
            }
            Route::DeleteToxic(name, toxic) => {
                all.remove_toxic(name, toxic)?;
                Reply::empty(204)
            }
            Route::Version => Reply {
                status: 200,
                kind: Some(JSON_UTF8),
                body: format!("{{\"version\": \"{VERSION}\"}}\n"),
            },
            Route::Metrics => self.metrics(),
            Route::Faults => {
                let faults = all.faults();
                let list = faults.iter().map(|(of, status)| render::fault(of, status));
                Reply::json(200, &list.collect())
            }
            Route::CreateFaultyProxy => shown(201, &self.create_faulty(body)?),
        })
    }

    /// Toxiproxy answers errors here with the proxies that were done before.
    fn populate(&self, body: &[u8]) -> Reply {
        let (done, failed) = self.registry.populate(body);
        let proxies = match done.as_slice() {
            [] => Value::Null,
            done => done.iter().map(render::proxy).collect(),
        };
        match failed {
            None => Reply::json(201, &json!({ "proxies": proxies })),
            Some(error) => {
                let status = error.status();
                let text = error.to_string();
                Reply::json(
                    status,
                    &json!({"error": text, "status": status, "proxies": proxies}),
                )
            }
        }
    }

    /// A proxy with its toxics, or neither.
    fn create_faulty(&self, body: &[u8]) -> Result<Shown, ApiError> {
        let input = decode::proxy(&decode::value(body)?)?;
        input.complete("")?;
        let mut toxics: Vec<crate::fault::proxy::Toxic> = Vec::new();
        for value in input.toxics()? {
            let taken = |name: &str| toxics.iter().any(|toxic| toxic.name == name);
            let toxic = decode::toxic(value, taken)?;
            toxics.push(toxic);
            if toxics.len() > crate::fault::proxy::MOST_TOXICS {
                return Err(crate::fault::proxy::ToxicError::TooMany.into());
            }
        }
        self.registry.create(&input, toxics)
    }

    /// Whether there is something to read under `/metrics`.
    pub fn has_metrics(&self) -> bool {
        self.proxy_metrics || self.runtime_metrics
    }

    fn metrics(&self) -> Reply {
        let mut body = String::new();
        if self.runtime_metrics {
            metrics::runtime(&mut body);
        }
        if self.proxy_metrics {
            metrics::proxies(&mut body, &self.registry.traffic());
        }
        Reply {
            status: 200,
            kind: Some(metrics::KIND),
            body,
        }
    }
}
