//! What each fault did to the load: its numbers before, during and after, and the errors it cost.

use std::time::Duration;

use crate::agent::client::Held;
use crate::base::clock::Clock;
use crate::metrics::{Aggregate, Aggregator, Kind, MetricId, Selector, builtin};
use crate::output::{BudgetSpent, LoadAround, Unit};

/// What is compared: a metric, and which of its numbers.
const NUMBERS: [(MetricId, &str); 5] = [
    (builtin::HTTP_REQS, "http_reqs rate"),
    (builtin::HTTP_REQ_FAILED, "http_req_failed rate"),
    (builtin::HTTP_REQ_DURATION, "http_req_duration p(95)"),
    (builtin::ITERATIONS, "iterations rate"),
    (builtin::ITERATION_DURATION, "iteration_duration p(95)"),
];

/// More faults than this are not followed one by one.
const MOST: usize = 200;

/// All figures so far, in the order of [`NUMBERS`].
type Snapshot = Vec<Option<Aggregate>>;

/// One fault that was in force.
struct Followed {
    id: u64,
    name: String,
    begun: Duration,
    healed: Option<Duration>,
    before: Snapshot,
    until: Option<Snapshot>,
}

/// The faults of a run, as the load felt them.
#[derive(Default)]
pub struct Impact(Vec<Followed>);

impl Impact {
    /// Takes how a fault stands: tags samples with it, and keeps the figures where it begins and ends.
    pub fn follow(&mut self, held: &Held, figures: &Aggregator, clock: Clock) {
        let state = held.state();
        let (Some(begun), false) = (state.injected_at, held.order.fixture) else {
            return;
        };
        let spans = figures.catalog().faults();
        spans.begin(&held.name, clock.instant(begun));
        let over = state
            .healed_at
            .or((!held.active()).then(|| clock.elapsed()));
        if let Some(over) = over {
            spans.end(&held.name, clock.instant(over));
        }
        let room = self.0.len() < MOST;
        match self.0.iter_mut().find(|one| one.id == held.id) {
            Some(one) => {
                if let (Some(over), None) = (over, one.healed) {
                    one.healed = Some(over);
                    one.until = Some(snapshot(figures));
                }
            }
            None if room => self.0.push(Followed {
                id: held.id,
                name: held.name.clone(),
                begun,
                healed: over,
                before: snapshot(figures),
                until: over.map(|_| snapshot(figures)),
            }),
            None => {}
        }
    }

    /// The numbers around the faults that began between two moments; the run is over at `end`.
    #[must_use]
    pub fn load(&self, ids: &[u64], figures: &Aggregator, end: Duration) -> Vec<LoadAround> {
        let last = snapshot(figures);
        let mut all = Vec::new();
        for one in self.0.iter().filter(|one| ids.contains(&one.id)) {
            for (place, (metric, name)) in NUMBERS.iter().enumerate() {
                let healed = one.healed.unwrap_or(end);
                let during = figures.select(&selector(*metric, &one.name));
                let after = one.until.as_ref().and_then(|until| {
                    let all = last[place].as_ref()?;
                    Some(match &until[place] {
                        Some(before) => all.since(before),
                        None => all.clone(),
                    })
                });
                let around = LoadAround {
                    fault: one.name.clone(),
                    metric: (*name).to_owned(),
                    unit: unit(name),
                    before: number(one.before[place].as_ref(), name, one.begun),
                    during: number(during.as_ref(), name, healed.saturating_sub(one.begun)),
                    after: number(after.as_ref(), name, end.saturating_sub(healed)),
                };
                // Scripts without requests have none of their numbers.
                if around.during.is_some() || (around.before.is_some() && !is_rate(name)) {
                    all.push(around);
                }
            }
        }
        all
    }

    /// How many requests failed while each fault was in force.
    #[must_use]
    pub fn budget(&self, ids: &[u64], figures: &Aggregator) -> Vec<BudgetSpent> {
        let faults = self.0.iter().filter(|one| ids.contains(&one.id));
        faults
            .filter_map(|one| {
                let failed = figures.select(&selector(builtin::HTTP_REQ_FAILED, &one.name))?;
                Some(BudgetSpent {
                    fault: one.name.clone(),
                    metric: "http_req_failed".to_owned(),
                    share: failed.rate()?,
                    requests: failed.count,
                    failed: failed.passes,
                })
            })
            .collect()
    }
}

fn selector(metric: MetricId, fault: &str) -> Selector {
    Selector {
        metric,
        tags: vec![("fault".to_owned(), fault.to_owned())],
    }
}

fn snapshot(figures: &Aggregator) -> Snapshot {
    let all = NUMBERS.iter();
    all.map(|(metric, _)| figures.select(&Selector::of(*metric)))
        .collect()
}

fn is_rate(name: &str) -> bool {
    name.ends_with("s rate")
}

fn unit(name: &str) -> Unit {
    match name {
        "http_req_failed rate" => Unit::Share,
        name if is_rate(name) => Unit::Other("/s".to_owned()),
        _ => Unit::Time,
    }
}

fn number(samples: Option<&Aggregate>, name: &str, span: Duration) -> Option<f64> {
    let samples = samples.filter(|samples| samples.count > 0)?;
    match samples.kind {
        Kind::Rate => samples.rate(),
        Kind::Counter if is_rate(name) => samples.per_second(span),
        _ => samples.percentile(95.0),
    }
}
