//! The run around its scenarios: the main VM, its hooks, and the controller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::base::clock::Clock;
use crate::metrics::{Aggregator, Catalog};
use crate::script::{Kind, ScriptError, Stall, Watchdog};

use super::control::{Control, Notice};
use super::director::{Ask, Director, ask};
use super::run::{RunConfig, RunError};
use super::site::SiteSetup;

/// The run before its script is loaded.
pub struct Stage {
    /// The controller.
    pub control: Control,
    /// The main VM's thread.
    pub director: Director,
    /// What every thread is given.
    pub setup: SiteSetup,
    /// Metric names and tag sets.
    pub catalog: Arc<Catalog>,
}

impl Stage {
    /// Starts the main VM's thread and the watchdog.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn open(config: &RunConfig, check: bool) -> Result<Self, RunError> {
        let internal = |error: std::io::Error| RunError::Internal(error.to_string());
        let catalog = Catalog::new(config.max_series);
        let aggregator = Arc::new(Mutex::new(Aggregator::new(catalog.clone())));
        let (reports, inbox) = mpsc::channel(256);
        let clock = Clock::start();
        let setup = SiteSetup {
            source: config.source.clone(),
            sources: config.sources.clone(),
            modules: config.modules,
            verbs: config.verbs,
            catalog: catalog.clone(),
            aggregator: aggregator.clone(),
            clock,
            watchdog: Arc::new(Watchdog::start(warn_of_stall).map_err(internal)?),
            seed: config.seed,
            env: Arc::new(config.env.clone()),
            tags: config.tags.clone(),
            workers: config.workers,
            memory_limit: usize::try_from(config.memory_limit.0).ok(),
            cpu_limit: DIRECTOR_LIMIT,
            reports,
        };
        Ok(Self {
            control: Control::new(clock, aggregator, inbox, config.memory_limit)
                .map_err(internal)?,
            director: Director::start(setup.clone(), check).map_err(internal)?,
            setup,
            catalog,
        })
    }
}

/// How long the main VM may compute without a pause.
const DIRECTOR_LIMIT: Duration = Duration::from_secs(5);

fn warn_of_stall(stall: Stall) {
    if stall.first && !stall.condemned {
        let place = stall.place.as_ref().map_or_else(String::new, |place| {
            format!("{}:{}: ", place.file, place.line)
        });
        tracing::warn!(
            "{place}computes for more than {} ms without a pause; others on this worker wait",
            stall.duration.as_millis()
        );
    }
}

impl Stage {
    /// Calls one of the script's hooks within a time limit; `None` when it failed.
    pub async fn hook<T>(
        &mut self,
        name: &'static str,
        limit: Duration,
        question: impl FnOnce(oneshot::Sender<Result<T, ScriptError>>) -> Ask,
    ) -> Option<T> {
        let asks = self.director.asks();
        let watchdog = self.setup.watchdog.clone();
        let call = tokio::time::timeout(limit, ask(asks.clone(), question));
        let stop = || {
            watchdog.kill_all();
            let _ = asks.try_send(Ask::Stop);
        };
        let answer = self
            .control
            .during(call, limit, |_, notice| {
                if matches!(notice, Notice::Stop) {
                    stop();
                }
            })
            .await?;
        match answer {
            Ok(Some(Ok(value))) => Some(value),
            Ok(Some(Err(error))) => {
                if self.control.ending.is_none() || error.kind != Kind::Interrupted {
                    self.control.script_error(error);
                }
                None
            }
            Ok(None) => None,
            Err(_elapsed) => {
                stop();
                self.control.too_slow(name, limit);
                None
            }
        }
    }
}
