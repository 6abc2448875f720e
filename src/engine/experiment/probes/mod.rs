//! Probes: each asks one question about the system, within a time-out, and holds the answer to a tolerance.

mod command;
mod http;
mod metric;
mod promql;
mod read;
mod tcp;

use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use self::command::CommandProbe;
use self::http::HttpProbe;
use self::metric::MetricProbe;
use self::promql::PromqlProbe;
use self::tcp::TcpProbe;
use super::tolerance::{Tolerance, text};
use crate::base::clock::Clock;
use crate::base::units::show_duration;
use crate::engine::director::Ask;
use crate::metrics::Aggregator;

pub use read::Declaring;
use read::Read;

/// One question about the system.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its name, unique in its steady state.
    pub name: String,
    /// What it asks.
    pub kind: Kind,
    /// How long the answer may take; default one second.
    pub within: Duration,
}

/// What a probe asks.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A request.
    Http(HttpProbe),
    /// A connection.
    Tcp(TcpProbe),
    /// The run's own figures.
    Metric(MetricProbe),
    /// A Prometheus server.
    Promql(PromqlProbe),
    /// A program.
    Command(CommandProbe),
    /// The script: a function's number, and a tolerance for what it returns.
    Function(usize, Option<Tolerance>),
}

/// What came of one look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was seen.
    pub value: Option<String>,
    /// What should be seen.
    pub expected: Option<String>,
    /// Why nothing was seen.
    pub error: Option<String>,
}

/// The most of a value that reports show.
const SHOWN: usize = 120;

impl Answer {
    fn of(ok: bool, value: impl Into<String>, expected: impl Into<String>) -> Self {
        let mut value = value.into();
        if value.chars().count() > SHOWN {
            value = value.chars().take(SHOWN).chain(['…']).collect();
        }
        Self {
            ok,
            value: Some(value),
            expected: Some(expected.into()),
            error: None,
        }
    }

    fn failed(error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    /// What is wrong, in words: `got 503, expected 200`.
    #[must_use]
    pub fn problem(&self) -> String {
        match (&self.error, &self.value, &self.expected) {
            (Some(error), _, _) => error.clone(),
            (None, Some(value), Some(expected)) => format!("got {value}, expected {expected}"),
            (None, Some(value), None) => format!("got {value}"),
            (None, None, _) => "no answer".to_owned(),
        }
    }
}

/// What probes need at hand on the thread that asks them.
#[derive(Clone)]
pub struct Kit {
    http: Rc<crate::http::Shared>,
    aggregator: Arc<Mutex<Aggregator>>,
    /// The run's clock.
    pub clock: Clock,
    asks: mpsc::Sender<Ask>,
}

/// What the main VM says of a function: its verdict, or what it returned.
pub type Said = std::result::Result<Json, String>;

impl Kit {
    /// A kit for one thread.
    #[must_use]
    pub fn new(aggregator: Arc<Mutex<Aggregator>>, clock: Clock, asks: mpsc::Sender<Ask>) -> Self {
        Self {
            http: crate::http::Shared::new(),
            aggregator,
            clock,
            asks,
        }
    }

    fn figures(&self) -> MutexGuard<'_, Aggregator> {
        self.aggregator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one probe.
    pub async fn ask(&self, probe: &Probe) -> Answer {
        let asking = async {
            match &probe.kind {
                Kind::Http(one) => one.ask(self).await,
                Kind::Tcp(one) => one.ask().await,
                Kind::Metric(one) => one.ask(self),
                Kind::Promql(one) => one.ask(self).await,
                Kind::Command(one) => one.ask(self).await,
                Kind::Function(number, tolerance) => {
                    self.ask_function(*number, tolerance.as_ref()).await
                }
            }
        };
        match tokio::time::timeout(probe.within, asking).await {
            Ok(answer) => answer,
            Err(_) => Answer::failed(format!("no answer within {}", show_duration(probe.within))),
        }
    }

    /// Asks all at once.
    pub async fn ask_all(&self, probes: &[Probe]) -> Vec<Answer> {
        futures_util::future::join_all(probes.iter().map(|probe| self.ask(probe))).await
    }

    async fn ask_function(&self, number: usize, tolerance: Option<&Tolerance>) -> Answer {
        match (self.call(number, None).await, tolerance) {
            (Err(error), _) => Answer::failed(error),
            (Ok(value), Some(tolerance)) => self.judge("result", tolerance, value).await,
            (Ok(value), None) => {
                let ok = !matches!(value, Json::Null | Json::Bool(false));
                Answer::of(ok, text(&value), "true")
            }
        }
    }

    /// Holds an answer to its tolerance.
    async fn judge(&self, part: &str, tolerance: &Tolerance, answer: Json) -> Answer {
        let named = |text: String| match part {
            "value" | "result" => text,
            part => format!("{part} {text}"),
        };
        if let Tolerance::Function(number) = tolerance {
            let value = named(text(&answer));
            return match self.call(*number, Some(answer)).await {
                Err(error) => Answer::failed(error),
                Ok(said) => {
                    let ok = !matches!(said, Json::Null | Json::Bool(false));
                    Answer::of(ok, value, named(tolerance.describe()))
                }
            };
        }
        Answer::of(
            tolerance.holds(&answer),
            named(text(&answer)),
            named(tolerance.describe()),
        )
    }

    /// Calls a function of the script in the main VM.
    async fn call(&self, number: usize, argument: Option<Json>) -> Said {
        let (reply, answer) = oneshot::channel();
        let gone = "the script has ended".to_owned();
        let asked = Ask::Probe {
            number,
            argument,
            reply,
        };
        if self.asks.send(asked).await.is_err() {
            return Err(gone);
        }
        answer.await.unwrap_or(Err(gone))
    }
}
