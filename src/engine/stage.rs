//! The run around its scenarios: the main VM, its hooks, and the controller.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::agent::client::{Agents, AgentsConfig};
use crate::base::clock::Clock;
use crate::base::rng::fresh_id;
use crate::metrics::{Aggregator, Catalog};
use crate::script::{Kind, ScriptError, Stall, Watchdog};

use super::control::{Control, Ending, Notice};
use super::director::{Ask, Director, ask};
use super::experiment::{Harness, Prober};
use super::gameday::{Desk, GamedayConfig};
use super::holds::Holds;
use super::plan::{MethodKind, Plan};
use super::run::{RunConfig, RunError};
use super::site::{Report, SiteSetup};
use super::walk::Walk;

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
    /// Who injects and heals.
    pub agents: Agents,
    /// What experiments work with, if there are any.
    pub harness: Option<Arc<Harness>>,
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
        let (notices, notes) = mpsc::unbounded_channel();
        let agents = Agents::new(AgentsConfig {
            run: fresh_id(),
            script: config.source.name.to_string(),
            seed: config.seed,
            lease: config.agents.lease,
            clock,
            dry_run: config.agents.dry_run,
            deadman: config.agents.deadman,
            guard_rails: config.agents.guard_rails.clone(),
            commands: config.agents.commands.clone(),
            notices,
        });
        if let Some(seen) = &config.agents.seen {
            seen.follow(&agents);
        }
        let holds = Holds::new(agents.clone(), notes);
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
            time_scale: config.overrides.time_scale,
            alerts: config.alerts.clone(),
            workers: config.workers,
            agents: agents.clone(),
            memory_limit: usize::try_from(config.memory_limit.0).ok(),
            cpu_limit: DIRECTOR_LIMIT,
            walk: (check && config.agents.dry_run).then(Walk::default),
            reports,
        };
        Ok(Self {
            control: Control::new(
                clock,
                aggregator,
                inbox,
                config.memory_limit,
                holds,
                config.feed.clone(),
            )
            .map_err(internal)?,
            director: Director::start(setup.clone(), check).map_err(internal)?,
            setup,
            catalog,
            agents,
            harness: None,
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

impl Stage {
    /// What experiments work with, made when the first is there.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn arm(&mut self, plan: &Plan, gameday: GamedayConfig) -> Result<(), RunError> {
        if plan.methods.is_empty() {
            return Ok(());
        }
        let gamedays = plan
            .methods
            .iter()
            .any(|one| one.kind == MethodKind::Gameday);
        if gamedays && !Desk::is_manned(&gameday) {
            let text =
                "a gameday asks people, and there is no terminal; use --answers FILE or --yes";
            return Err(RunError::Usage(text.to_owned()));
        }
        let asks = self.director.asks();
        let (aggregator, clock) = (self.setup.aggregator.clone(), self.setup.clock);
        let prober = Prober::start(aggregator, clock, asks.clone())
            .map_err(|error| RunError::Internal(format!("no thread for probes: {error}")))?;
        let (agents, reports) = (self.agents.clone(), self.setup.reports.clone());
        self.harness = Some(Harness::new(
            agents,
            clock,
            prober,
            asks,
            reports,
            Desk::new(gameday),
        ));
        Ok(())
    }

    /// Runs the experiments of a plan, one after the other.
    pub fn methods(&self, plan: &Plan) -> impl Future<Output = ()> + use<> {
        let (asks, harness) = (self.director.asks(), self.harness.clone());
        let reports = self.setup.reports.clone();
        let count = plan.methods.len();
        async move {
            let Some(harness) = harness else {
                return;
            };
            for index in 0..count {
                if harness.halted().is_some() {
                    return;
                }
                let harness = harness.clone();
                let ended = ask(asks.clone(), |reply| Ask::Method(index, harness, reply)).await;
                let report = match ended {
                    Some(Ok(())) => continue,
                    Some(Err(error)) => Report::Fatal(error),
                    None => Report::Defect,
                };
                // The controller is there: it polls this.
                let _ = reports.send(report).await;
                return;
            }
        }
    }

    /// Cuts the experiment under way, whose faults are healed as it unwinds.
    pub async fn stop_methods(&self) {
        if let Some(harness) = &self.harness {
            let why = self
                .control
                .ending
                .as_ref()
                .map_or("the run ends", Ending::why);
            harness.halt(why);
            self.director.tell(Ask::Stop).await;
        }
    }
}
