//! How a run stands, a few times a second, for whoever shows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::metrics::{Aggregator, Selector, builtin};
use crate::output::{Detail, Progress, ScenarioProgress, ScenarioState, Series};

use super::control::Control;
use super::executors::Executor;
use super::plan::{Plan, ScenarioPlan};
use super::pool::{Pool, Totals};
use super::schedule::Schedule;

/// How far back "of late" looks.
const RECENT: Duration = Duration::from_secs(10);

/// What is remembered between two looks at a scenario.
struct Memory {
    selector: Selector,
    /// When it was looked at, and how many iterations there were; oldest first.
    looks: std::collections::VecDeque<(Instant, u64)>,
}

/// Follows the scenarios of a run.
pub struct Follower {
    memories: Vec<Memory>,
    /// When each scenario began, as far as it has.
    pub begun: Vec<Option<Instant>>,
    /// What a live view wants to see besides, if there is one.
    detail: Option<Details>,
}

/// Events that a live view is shown at most.
const EVENTS: usize = 200;

/// The curves as they were when a second was last complete.
#[derive(Default)]
struct Details {
    until: Duration,
    series: Arc<Series>,
}

impl Details {
    fn look(&mut self, control: &Control, figures: &Aggregator) -> Detail {
        let until = control.recording.until();
        if until != self.until {
            self.until = until;
            self.series = Arc::new(control.recording.series(figures));
        }
        let first = control.timeline.len().saturating_sub(EVENTS);
        Detail {
            series: Arc::clone(&self.series),
            faults: control.holds.standing(control.clock.elapsed()),
            events: control.timeline[first..].to_vec(),
        }
    }
}

impl Follower {
    /// Registers what it wants to see of late.
    pub fn new(plan: &Plan, aggregator: &mut Aggregator, live_view: bool) -> Self {
        let memories = plan
            .scenarios
            .iter()
            .map(|scenario| {
                let selector = Selector {
                    metric: builtin::HTTP_REQ_DURATION,
                    tags: vec![("scenario".to_owned(), scenario.name.to_string())],
                };
                aggregator.watch(selector.clone(), RECENT);
                Memory {
                    selector,
                    looks: std::collections::VecDeque::new(),
                }
            })
            .collect();
        Self {
            memories,
            begun: vec![None; plan.scenarios.len()],
            detail: live_view.then(Details::default),
        }
    }

    /// How all scenarios stand now.
    pub fn look(
        &mut self,
        plan: &Plan,
        pools: &[Arc<Pool>],
        schedule: &Schedule,
        control: &Control,
    ) -> Progress {
        let now = Instant::now();
        let at = control.clock.elapsed();
        let figures = control.figures();
        let scenarios = plan
            .scenarios
            .iter()
            .enumerate()
            .map(|(index, scenario)| {
                let totals = pools[index].totals();
                let memory = &mut self.memories[index];
                let begun = self.begun[index];
                let elapsed =
                    begun.map_or(Duration::ZERO, |begun| now.saturating_duration_since(begun));
                let total = scenario.executor.length();
                let state = if schedule.has_ended(index) {
                    ScenarioState::Done
                } else if begun.is_none_or(|begun| begun > now) {
                    ScenarioState::Waiting
                } else if elapsed > total {
                    ScenarioState::Stopping
                } else {
                    ScenarioState::Running
                };
                let p95_ms = figures
                    .window(&memory.selector, RECENT, at)
                    .and_then(|recent| recent.percentile(95.0));
                let rate = memory.rate(now, totals.iterations);
                shown(scenario, state, elapsed, totals, rate, p95_ms)
            })
            .collect();
        let detail = self
            .detail
            .as_mut()
            .map(|known| known.look(control, &figures));
        Progress {
            at,
            scenarios,
            detail,
        }
    }
}

impl Memory {
    /// Iterations per second of late.
    fn rate(&mut self, now: Instant, iterations: u64) -> f64 {
        self.looks.push_back((now, iterations));
        while self
            .looks
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > RECENT)
        {
            self.looks.pop_front();
        }
        let Some((since, before)) = self.looks.front() else {
            return 0.0;
        };
        let seconds = now.duration_since(*since).as_secs_f64();
        if seconds < 0.1 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let rate = (iterations - before) as f64 / seconds;
        rate
    }
}

fn shown(
    scenario: &ScenarioPlan,
    state: ScenarioState,
    elapsed: Duration,
    totals: Totals,
    rate: f64,
    p95_ms: Option<f64>,
) -> ScenarioProgress {
    let total_iterations = match &scenario.executor {
        Executor::SharedIterations(profile) => Some(profile.iterations),
        Executor::PerVuIterations(profile) => Some(profile.iterations * u64::from(profile.vus)),
        _ => None,
    };
    ScenarioProgress {
        name: scenario.name.to_string(),
        state,
        stage: stage(&scenario.executor, elapsed),
        elapsed,
        total: total_iterations
            .is_none()
            .then(|| scenario.executor.length()),
        total_iterations,
        vus: u64::from(totals.vus),
        max_vus: u64::from(scenario.executor.max_vus()),
        rate,
        errors: totals.errors,
        p95_ms,
        iterations: totals.iterations,
        dropped: totals.dropped,
    }
}

/// `stage 2/5`, where a profile has several.
fn stage(executor: &Executor, elapsed: Duration) -> String {
    let stages = match executor {
        Executor::RampingVus(profile) => &profile.stages,
        Executor::ArrivalRate(profile) if !profile.constant => &profile.stages,
        _ => return String::new(),
    };
    let mut ends = Duration::ZERO;
    let passed = stages
        .iter()
        .take_while(|stage| {
            ends += stage.duration;
            ends <= elapsed
        })
        .count();
    format!("stage {}/{}", (passed + 1).min(stages.len()), stages.len())
}
