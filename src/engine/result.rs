//! From what was measured to a verdict and a summary.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::metrics::{Aggregate, Aggregator, Kind, MetricDef, Unit};
use crate::output::{
    Check, ErrorCount, EventKind, ExperimentSummary, GamedaySummary, Metric, SCHEMA,
    ScenarioSummary, Summary, Threshold, Trend, Values, rfc3339,
};

use crate::script::Sources;

use super::experiment::summary;
use super::judge::Judged;
use super::run::Outcome;
use super::verdict::{decide, doubts, exit_code};

/// Decides the run and puts everything together.
#[must_use]
pub fn summarise(outcome: &mut Outcome, script: &str, sources: &Sources) -> Summary {
    let elapsed = outcome.took;
    let figures = outcome.control.aggregator.clone();
    let figures = figures
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(judge) = &mut outcome.control.judge {
        judge.finish(&figures, elapsed);
    }
    for text in doubts(&figures) {
        outcome.control.note(EventKind::Warning, text);
    }
    let (verdict, reasons) = decide(outcome, &figures, sources);
    let judged = outcome
        .control
        .judge
        .as_ref()
        .map_or(&[][..], |judge| judge.judged());
    Summary {
        schema: SCHEMA,
        verdict,
        reasons,
        exit_code: exit_code(verdict, outcome),
        seed: outcome.seed,
        time_scale: outcome.time_scale.factor(),
        started: rfc3339(outcome.control.clock.started()),
        duration_seconds: elapsed.as_secs_f64(),
        script: script.to_owned(),
        metrics: metrics(outcome, &figures, elapsed),
        thresholds: judged.iter().map(|one| threshold(one, &figures)).collect(),
        checks: checks(&figures),
        errors: errors(outcome, sources),
        scenarios: scenarios(outcome),
        experiments: experiments(outcome, &figures),
        faults: outcome.control.holds.summaries(),
        gamedays: gamedays(outcome),
        series: outcome.control.recording.series(&figures),
        timeline: outcome.control.timeline.clone(),
    }
}

fn experiments(outcome: &Outcome, figures: &Aggregator) -> Vec<ExperimentSummary> {
    let Some(harness) = &outcome.harness else {
        return Vec::new();
    };
    let impact = &outcome.control.impact;
    let begun = harness.begun();
    let ends = begun.iter().skip(1).map(|next| next.begun_at);
    let all = begun.iter().zip(ends.chain([outcome.took]));
    all.map(|(experiment, end)| {
        // Those of the experiments after it are not its own.
        let faults = harness.faults(experiment).into_iter();
        let own = faults.filter(|held| held.state().planned_at < end);
        let ids: Vec<u64> = own.map(|held| held.id).collect();
        ExperimentSummary {
            error_budget: impact.budget(&ids, figures),
            load: impact.load(&ids, figures, outcome.took),
            ..summary(experiment)
        }
    })
    .collect()
}

fn gamedays(outcome: &Outcome) -> Vec<GamedaySummary> {
    let begun = outcome.harness.as_ref().map(|harness| harness.gamedays());
    let begun = begun.unwrap_or_default();
    begun.iter().map(|one| one.summary()).collect()
}

fn threshold(one: &Judged, figures: &Aggregator) -> Threshold {
    let def = figures.catalog().def(one.threshold.selector.metric);
    Threshold {
        metric: one.threshold.source.clone(),
        expression: one.threshold.expression.to_string(),
        ok: one.status.ok,
        observed: one.status.observed,
        unit: observed_unit(&def, &one.threshold.expression.to_string()),
        // A counter that counted nothing has answered `count == 0`.
        no_data: one.status.no_data && !one.status.ok,
        abort_on_fail: one.threshold.abort_on_fail,
        window_seconds: one.threshold.window.map(|window| window.as_secs_f64()),
    }
}

/// The unit of an expression's left side.
fn observed_unit(def: &MetricDef, expression: &str) -> crate::output::Unit {
    match def.kind {
        Kind::Rate => crate::output::Unit::Share,
        Kind::Trend if expression.starts_with("count") => crate::output::Unit::Plain,
        Kind::Counter if expression.starts_with("rate") => {
            crate::output::Unit::Other(match def.unit {
                Unit::Bytes => "bytes/s".to_owned(),
                _ => "/s".to_owned(),
            })
        }
        _ => unit(&def.unit),
    }
}

/// Every metric as a whole, and the parts of it that somebody would ask for: those that thresholds
/// name, and scenarios and request names where there are several.
fn metrics(outcome: &Outcome, figures: &Aggregator, elapsed: Duration) -> Vec<Metric> {
    let mut whole: BTreeMap<String, (MetricDef, Aggregate)> = BTreeMap::new();
    let mut parts: BTreeMap<(String, &str), BTreeMap<String, Aggregate>> = BTreeMap::new();
    for (def, tags, aggregate) in figures.series() {
        let name = def.name.to_string();
        whole
            .entry(name.clone())
            .and_modify(|(_, sum)| sum.merge(aggregate))
            .or_insert_with(|| (def.clone(), aggregate.clone()));
        for key in ["scenario", "name"]
            .into_iter()
            .filter(|key| sliced(&name, key))
        {
            if let Some((_, value)) = tags.iter().find(|(tag, _)| &**tag == key) {
                parts
                    .entry((name.clone(), key))
                    .or_default()
                    .entry(value.to_string())
                    .and_modify(|sum| sum.merge(aggregate))
                    .or_insert_with(|| aggregate.clone());
            }
        }
    }
    let mut metrics = Vec::new();
    for (name, (def, aggregate)) in &whole {
        metrics.push(metric(name.clone(), def, aggregate, elapsed));
        let mut selected = thresholds_of(outcome, figures, def);
        for key in ["scenario", "name"] {
            let Some(values) = parts.get(&(name.clone(), key)) else {
                continue;
            };
            if (2..=MOST_PARTS).contains(&values.len()) {
                for (value, aggregate) in values {
                    selected.insert(format!("{name}{{{key}:{value}}}"), aggregate.clone());
                }
            }
        }
        for (name, aggregate) in selected {
            metrics.push(metric(name, def, &aggregate, elapsed));
        }
    }
    metrics
}

/// Whether somebody would ask for a metric by the values of a tag.
fn sliced(metric: &str, tag: &str) -> bool {
    match metric {
        "http_req_duration" | "http_req_failed" | "http_reqs" => true,
        "iterations" | "iteration_duration" => tag == "scenario",
        _ => false,
    }
}

/// A metric with more different names than this is not listed by name.
const MOST_PARTS: usize = 50;

fn thresholds_of(
    outcome: &Outcome,
    figures: &Aggregator,
    def: &MetricDef,
) -> BTreeMap<String, Aggregate> {
    let judged = outcome
        .control
        .judge
        .as_ref()
        .map_or(&[][..], |judge| judge.judged());
    judged
        .iter()
        .map(|one| &one.threshold)
        .filter(|threshold| !threshold.selector.tags.is_empty())
        .filter(|threshold| threshold.source.split('{').next() == Some(&*def.name))
        .filter_map(|threshold| {
            let aggregate = figures.select(&threshold.selector)?;
            Some((threshold.source.clone(), aggregate))
        })
        .collect()
}

fn metric(name: String, def: &MetricDef, aggregate: &Aggregate, elapsed: Duration) -> Metric {
    Metric {
        name,
        unit: unit(&def.unit),
        values: values(aggregate, elapsed),
    }
}

pub(super) fn unit(unit: &Unit) -> crate::output::Unit {
    use crate::output::Unit as Shown;
    match unit {
        Unit::None => Shown::Plain,
        Unit::Time => Shown::Time,
        Unit::Bytes => Shown::Bytes,
        Unit::Percent => Shown::Share,
        Unit::Other(word) => Shown::Other(word.to_string()),
    }
}

fn values(aggregate: &Aggregate, elapsed: Duration) -> Values {
    let at = |percent| aggregate.percentile(percent).unwrap_or(0.0);
    match aggregate.kind {
        Kind::Counter => Values::Counter {
            count: aggregate.sum,
            per_second: aggregate.per_second(elapsed).unwrap_or(0.0),
        },
        Kind::Gauge => Values::Gauge {
            value: aggregate.last,
            min: aggregate.min,
            max: aggregate.max,
        },
        Kind::Rate => Values::Rate {
            rate: aggregate.rate().unwrap_or(0.0),
            passes: aggregate.passes,
            fails: aggregate.fails,
        },
        Kind::Trend => Values::Trend(Trend {
            count: aggregate.count,
            min: aggregate.min,
            avg: aggregate.avg().unwrap_or(0.0),
            med: at(50.0),
            max: aggregate.max,
            p90: at(90.0),
            p95: at(95.0),
            p99: at(99.0),
            p999: at(99.9),
        }),
    }
}

fn checks(figures: &Aggregator) -> Vec<Check> {
    let mut found: Vec<Check> = Vec::new();
    for (def, tags, aggregate) in figures.series() {
        if &*def.name != "checks" {
            continue;
        }
        let tag = |key: &str| {
            tags.iter()
                .find(|(tag, _)| &**tag == key)
                .map_or(String::new(), |(_, value)| value.to_string())
        };
        let (name, group) = (tag("check"), tag("group").replace("::", " › "));
        let known = found
            .iter_mut()
            .find(|check| check.name == name && check.group == group);
        match known {
            Some(check) => {
                check.passes += aggregate.passes;
                check.fails += aggregate.fails;
            }
            None => found.push(Check {
                name,
                group,
                passes: aggregate.passes,
                fails: aggregate.fails,
            }),
        }
    }
    found
}

fn errors(outcome: &Outcome, sources: &Sources) -> Vec<ErrorCount> {
    let table = &outcome.control.errors;
    let mut errors: Vec<ErrorCount> = table
        .counts()
        .iter()
        .map(|counted| ErrorCount {
            message: counted.error.explained(sources),
            count: counted.count,
            location: counted
                .error
                .location
                .as_ref()
                .map(|place| format!("{}:{}", place.file, place.line)),
        })
        .collect();
    if table.others() > 0 {
        errors.push(ErrorCount {
            message: "other errors, too many different ones to list".to_owned(),
            count: table.others(),
            location: None,
        });
    }
    errors
}

fn scenarios(outcome: &Outcome) -> Vec<ScenarioSummary> {
    let pools = outcome.pools.iter();
    outcome
        .plan
        .scenarios
        .iter()
        .zip(pools)
        .map(|(scenario, pool)| {
            let totals = pool.totals();
            ScenarioSummary {
                name: scenario.name.to_string(),
                executor: scenario.executor.name().to_owned(),
                description: scenario.executor.describe(),
                iterations: totals.iterations,
                dropped: totals.dropped,
                interrupted: totals.interrupted,
            }
        })
        .collect()
}
