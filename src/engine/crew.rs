//! The load workers of a run: started, told what to do, and ended together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::text::{nearest, quoted};
use crate::output::EventKind;

use super::control::{Control, Ending, Notice};
use super::executors::Executor;
use super::judge::Judge;
use super::plan::{Plan, ScenarioPlan};
use super::pool::Pool;
use super::progress::Follower;
use super::run::{OnProgress, RunError};
use super::schedule::{Load, Schedule};
use super::site::number;
use super::stage::Stage;
use super::worker::{Command, Part, Worker};

/// The workers of a run.
pub struct Crew {
    /// In the order of their numbers.
    pub workers: Vec<Worker>,
    /// One for each scenario of the plan.
    pub pools: Vec<Arc<Pool>>,
}

/// How long past its end a scenario may unwind before whatever still computes is killed.
const RUNAWAY_MARGIN: Duration = Duration::from_millis(50);

impl Crew {
    /// Starts `count` workers; they wait to be told what to do.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(stage: &Stage, plan: &Plan, count: usize) -> Result<Self, RunError> {
        let windows = stage.control.judge.as_ref().is_some_and(Judge::has_windows);
        let flush_every = if windows || !plan.methods.is_empty() {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(1)
        };
        let mut parts: Vec<Vec<Part>> = (0..count).map(|_| Vec::new()).collect();
        let mut pools = Vec::new();
        for (scenario, first_id) in plan.scenarios.iter().zip(plan.first_ids()) {
            let (pool, handed) = Pool::new(count);
            let (pool, scenario) = (Arc::new(pool), Arc::new(scenario.clone()));
            for (parts, handed) in parts.iter_mut().zip(handed) {
                parts.push(Part {
                    plan: scenario.clone(),
                    first_id,
                    pool: pool.clone(),
                    handed: Some(handed),
                });
            }
            pools.push(pool);
        }
        let mut setup = stage.setup.clone();
        setup.workers = count;
        setup.memory_limit = None;
        setup.cpu_limit = plan.options.cpu_limit;
        setup.tags.extend(plan.options.tags.iter().cloned());
        let workers = parts
            .into_iter()
            .enumerate()
            .map(|(index, parts)| Worker::start(setup.clone(), index, parts, flush_every))
            .collect::<Result<_, _>>()
            .map_err(|error| RunError::Internal(format!("no thread for a worker: {error}")))?;
        Ok(Self { workers, pools })
    }

    /// Runs all scenarios to their end, and experiments beside them.
    pub async fn run(
        &mut self,
        stage: &mut Stage,
        plan: &Plan,
        live_view: bool,
        on_progress: OnProgress<'_>,
    ) {
        let methods = stage.methods(plan);
        tokio::pin!(methods);
        let mut busy = true;
        let mut schedule = Schedule::new(plan, self.workers.len());
        let mut follower = Follower::new(plan, &mut stage.control.figures(), live_view);
        let begin = Instant::now();
        for (scenario, offset) in schedule.begin() {
            follower.begun[scenario] = Some(begin + offset);
            self.begin(stage, plan, scenario, begin + offset).await;
        }
        while busy || !schedule.ended() {
            let notice = tokio::select! {
                biased;
                () = &mut methods, if busy => {
                    busy = false;
                    self.unload(stage, plan, &mut schedule).await;
                    continue;
                }
                notice = stage.control.next() => notice,
            };
            match notice {
                Notice::Ready => {}
                Notice::Load(name, reply) => {
                    let result = self.load(stage, plan, &mut schedule, &name).await;
                    if let Ok(Some(scenario)) = result {
                        follower.begun[scenario] = Some(Instant::now());
                    }
                    // Who asked may have been interrupted.
                    let _ = reply.send(result.map(|_| ()));
                }
                Notice::Done(scenario) => {
                    for next in schedule.worker_done(scenario) {
                        let now = Instant::now();
                        follower.begun[next] = Some(now);
                        self.begin(stage, plan, next, now).await;
                    }
                    if schedule.has_ended(scenario) {
                        self.ended(stage, plan, scenario);
                    }
                }
                Notice::Stop => {
                    self.interrupt(stage, plan, &mut schedule).await;
                }
                Notice::Leave => return,
                Notice::Tick => {
                    self.gauge(&mut stage.control);
                    on_progress(&follower.look(plan, &self.pools, &schedule, &stage.control));
                    // Its scenarios will never be reported as done; why it ended, mostly is.
                    if self.workers.iter().any(Worker::ended) {
                        stage.control.drain();
                        stage.control.ending.get_or_insert(Ending::Defect);
                        return;
                    }
                }
            }
        }
    }

    /// Ends everything now: nothing begins any more, and what is under way is interrupted.
    async fn interrupt(&self, stage: &Stage, plan: &Plan, schedule: &mut Schedule) {
        schedule.cancel_waiting();
        stage.stop_methods().await;
        // Again and again until each has ended: a worker that computes hears nothing.
        for scenario in 0..plan.scenarios.len() {
            let watchdog = &stage.setup.watchdog;
            watchdog.kill_scenario(number(scenario), Instant::now());
        }
        stage.setup.watchdog.kill_all();
        for worker in &self.workers {
            worker.tell(Command::Stop).await;
        }
    }

    /// Starts a scenario that an experiment loads; returns which, if it began now.
    async fn load(
        &self,
        stage: &mut Stage,
        plan: &Plan,
        schedule: &mut Schedule,
        name: &str,
    ) -> Result<Option<usize>, String> {
        let names = plan.scenarios.iter().map(|scenario| &*scenario.name);
        let Some(scenario) = names.clone().position(|known| known == name) else {
            let hint = nearest(name, names).map_or_else(
                || "declare it with scenario(…)".to_owned(),
                |near| format!("did you mean \"{near}\"?"),
            );
            return Err(format!("no scenario is called {}; {hint}", quoted(name)));
        };
        match schedule.load(scenario) {
            Load::Begin => {
                self.begin(stage, plan, scenario, Instant::now()).await;
                Ok(Some(scenario))
            }
            Load::Running => Ok(None),
            Load::Ended => Err(format!(
                "scenario {} has ended already; it runs once, so give it a longer duration",
                quoted(name)
            )),
        }
    }

    /// The experiments are over: ends what they loaded, gracefully.
    async fn unload(&self, stage: &mut Stage, plan: &Plan, schedule: &mut Schedule) {
        let (running, never) = schedule.unload();
        for scenario in running {
            let graceful_stop = plan.scenarios[scenario].graceful_stop;
            let end = Instant::now() + graceful_stop + RUNAWAY_MARGIN;
            stage.setup.watchdog.kill_scenario(number(scenario), end);
            for worker in &self.workers {
                worker.tell(Command::Retire(scenario)).await;
            }
        }
        // What was stopped on the way has not been loaded either, and nobody wonders.
        if stage.control.ending.is_some() {
            return;
        }
        for scenario in never {
            let name = &plan.scenarios[scenario].name;
            let text = format!("scenario \"{name}\" was never loaded, so it did not run");
            stage.control.note(EventKind::Warning, text);
        }
    }

    /// Counts what nobody started of a scenario's shared iterations, and notes its end.
    fn ended(&self, stage: &mut Stage, plan: &Plan, scenario: usize) {
        let name = &plan.scenarios[scenario].name;
        if let Executor::SharedIterations(profile) = &plan.scenarios[scenario].executor {
            let left = self.pools[scenario].unclaimed(profile.iterations);
            self.pools[scenario].drop_unclaimed(left);
            stage.control.count_dropped(name, left);
        }
        let text = format!("scenario \"{name}\" ended");
        stage.control.note(EventKind::Scenario, text);
    }

    /// Records how many users there are.
    fn gauge(&self, control: &mut Control) {
        let vus: u32 = self.pools.iter().map(|pool| pool.totals().vus).sum();
        control.gauge_users(vus);
    }

    async fn begin(&self, stage: &mut Stage, plan: &Plan, scenario: usize, begin: Instant) {
        let text = format!("scenario \"{}\" begins", plan.scenarios[scenario].name);
        stage.control.note(EventKind::Scenario, text);
        // A worker that computes cannot end its own scenario; the margin lets one that can do so.
        let ScenarioPlan {
            executor,
            graceful_stop,
            ..
        } = &plan.scenarios[scenario];
        let end = begin + executor.length() + *graceful_stop + RUNAWAY_MARGIN;
        stage.setup.watchdog.kill_scenario(number(scenario), end);
        for worker in &self.workers {
            worker.tell(Command::Start { scenario, begin }).await;
        }
    }

    /// Lets the workers send their last figures and ends them.
    pub async fn finish(&mut self, stage: &mut Stage) {
        for worker in &self.workers {
            worker.tell(Command::Finish).await;
        }
        // A worker may wait for room to report, so reports are taken while it ends.
        let limit = Instant::now() + Duration::from_secs(5);
        while !self.workers.iter().all(Worker::ended) && Instant::now() < limit {
            let _ = tokio::time::timeout(Duration::from_millis(10), stage.control.next()).await;
        }
        for worker in self.workers.iter_mut().filter(|worker| worker.ended()) {
            if !worker.join() {
                stage.control.ending = Some(Ending::Defect);
            }
        }
        stage.control.drain();
    }
}
