//! Two results beside each other: what got better or worse, beyond noise.

mod chaos;
mod keys;
mod noise;
mod page;
mod read;
mod reading;

use super::{Metric, Trend, Unit, Values, Verdict};
pub use keys::key_numbers;
use noise::{Finding, relative};
pub use page::comparison_page;
pub use read::{ReadError, Recorded};
pub use reading::{Comparison, Effect, Of, Reading, Value};

/// Milliseconds below which times on a shared machine say nothing.
const TIME_FLOOR: f64 = 0.1;

/// Which way a number should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Good {
    Less,
    More,
    Neither,
}

/// Compares two results; `tolerance` is the share by which a number may change unremarked.
#[must_use]
pub fn compare(before: &Recorded, after: &Recorded, tolerance: f64) -> Comparison {
    let mut readings = vec![verdicts(before, after)];
    thresholds(&mut readings, before, after);
    checks(&mut readings, before, after, tolerance);
    errors(&mut readings, before, after);
    chaos::experiments(&mut readings, before, after, tolerance);
    chaos::faults(&mut readings, before, after);
    metrics(&mut readings, before, after, tolerance);
    let any = |effect| readings.iter().any(|reading| reading.effect == effect);
    let verdict = [Effect::Worse, Effect::Better]
        .into_iter()
        .find(|effect| any(*effect))
        .unwrap_or(Effect::Same);
    Comparison {
        schema: reading::SCHEMA,
        verdict,
        tolerance,
        readings,
    }
}

fn words(kind: Of, name: String, before: Option<&str>, after: Option<&str>) -> Reading {
    let word = |text: Option<&str>| text.map(|text| Value::Word(text.to_owned()));
    Reading {
        kind,
        name,
        number: "",
        unit: Unit::Plain,
        before: word(before),
        after: word(after),
        change: None,
        effect: if before == after {
            Effect::Same
        } else {
            Effect::Changed
        },
    }
}

fn verdicts(before: &Recorded, after: &Recorded) -> Reading {
    let (a, b) = (before.verdict.as_str(), after.verdict.as_str());
    let mut reading = words(Of::Verdict, "verdict".to_owned(), Some(a), Some(b));
    reading.effect = of_verdicts(a, b, reading.effect);
    reading
}

/// Whether it became or ceased to be `passed`.
fn of_verdicts(before: &str, after: &str, otherwise: Effect) -> Effect {
    let passed = Verdict::Passed.word();
    match (before == passed, after == passed) {
        (true, false) => Effect::Worse,
        (false, true) => Effect::Better,
        _ => otherwise,
    }
}

/// Every item of both lists once, in the order of the first: `(left, right)`.
fn pairs<'a, T>(
    left: &'a [T],
    right: &'a [T],
    same: impl Fn(&T, &T) -> bool,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let find = |all: &'a [T], one: &T| all.iter().find(|other| same(one, other));
    let mut all: Vec<_> = left
        .iter()
        .map(|one| (Some(one), find(right, one)))
        .collect();
    let new = right.iter().filter(|one| find(left, one).is_none());
    all.extend(new.map(|one| (None, Some(one))));
    all
}

fn thresholds(readings: &mut Vec<Reading>, before: &Recorded, after: &Recorded) {
    let same = |a: &read::Threshold, b: &read::Threshold| {
        a.metric == b.metric && a.expression == b.expression
    };
    for (a, b) in pairs(&before.thresholds, &after.thresholds, same) {
        let Some(any) = a.or(b) else { continue };
        let word = |one: &read::Threshold| if one.ok { "held" } else { "crossed" };
        let name = format!("{} {}", any.metric, any.expression);
        let mut reading = words(Of::Threshold, name, a.map(word), b.map(word));
        reading.effect = match (a.map(|a| a.ok), b.map(|b| b.ok)) {
            (Some(true), Some(false)) => Effect::Worse,
            (Some(false), Some(true)) => Effect::Better,
            _ => reading.effect,
        };
        readings.push(reading);
    }
}

fn checks(readings: &mut Vec<Reading>, before: &Recorded, after: &Recorded, tolerance: f64) {
    let same = |a: &read::Check, b: &read::Check| a.name == b.name && a.group == b.group;
    for (a, b) in pairs(&before.checks, &after.checks, same) {
        let Some(any) = a.or(b) else { continue };
        let name = if any.group.is_empty() {
            any.name.clone()
        } else {
            format!("{} › {}", any.group, any.name)
        };
        let tally = |one: &read::Check| (one.passes, one.passes.saturating_add(one.fails));
        let mut reading = shares(name, a.map(tally), b.map(tally), Good::More, tolerance);
        reading.kind = Of::Check;
        readings.push(reading);
    }
}

fn errors(readings: &mut Vec<Reading>, before: &Recorded, after: &Recorded) {
    let same = |a: &read::ErrorCount, b: &read::ErrorCount| a.message == b.message;
    for (a, b) in pairs(&before.errors, &after.errors, same) {
        let Some(any) = a.or(b) else { continue };
        let times = |one: &read::ErrorCount| format!("{}×", one.count);
        let (a, b) = (a.map(times), b.map(times));
        let mut reading = words(Of::Error, any.message.clone(), a.as_deref(), b.as_deref());
        // How often is judged by the metric iteration_errors; here it matters which.
        if a.is_some() && b.is_some() {
            reading.effect = Effect::Same;
        }
        readings.push(reading);
    }
}

/// Which way a metric should go, by what it is: `checks{group:cart}` as `checks`.
fn good(metric: &Metric) -> Good {
    let base = metric.name.split('{').next().unwrap_or_default();
    match (base, &metric.values) {
        // How late the generator itself was says something about it, not about the system.
        ("iteration_lag" | "worker_stall", _) => Good::Neither,
        ("http_req_failed" | "iteration_errors" | "dropped_iterations", _) => Good::Less,
        ("checks" | "http_reqs" | "iterations", _) => Good::More,
        (_, Values::Trend(_)) if metric.unit == Unit::Time => Good::Less,
        _ => Good::Neither,
    }
}

fn metrics(readings: &mut Vec<Reading>, before: &Recorded, after: &Recorded, tolerance: f64) {
    let same = |a: &Metric, b: &Metric| a.name == b.name;
    for (a, b) in pairs(&before.metrics, &after.metrics, same) {
        let Some(any) = a.or(b) else { continue };
        let good = good(any);
        let name = any.name.clone();
        match (a.map(|a| &a.values), b.map(|b| &b.values)) {
            (Some(Values::Trend(a)), Some(Values::Trend(b))) => {
                percentiles(readings, any, [a, b], good, tolerance);
            }
            (Some(Values::Rate { .. }), Some(Values::Rate { .. })) => {
                readings.push(shares(name, tally(a), tally(b), good, tolerance));
            }
            (Some(Values::Gauge { .. }), Some(Values::Gauge { .. })) => {}
            (x, y)
                if is_counter(x)
                    && is_counter(y)
                    && (good == Good::Less || x.is_some() == y.is_some()) =>
            {
                // A counter without samples is not in the summary; where less is better that is 0.
                let count = |values: Option<&Values>| match values {
                    Some(Values::Counter { count, .. }) => *count,
                    _ => 0.0,
                };
                let (t1, t2) = (before.duration_seconds, after.duration_seconds);
                let (c1, c2) = ((count(x), t1), (count(y), t2));
                let finding = noise::counts(c1, c2, tolerance);
                let pair = [c1.0 / t1, c2.0 / t2];
                let mut reading = numbers(name, "per second", any.unit.clone(), pair);
                reading.effect = effect(finding, pair, good);
                readings.push(reading);
            }
            (x, y) => {
                let kind = |values: Option<&Values>| values.map(Values::kind);
                readings.push(words(Of::Metric, name, kind(x), kind(y)));
            }
        }
    }
}

fn is_counter(values: Option<&Values>) -> bool {
    matches!(values, None | Some(Values::Counter { .. }))
}

fn tally(metric: Option<&Metric>) -> Option<(u64, u64)> {
    match metric?.values {
        Values::Rate { passes, fails, .. } => Some((passes, passes.saturating_add(fails))),
        _ => None,
    }
}

fn percentiles(
    readings: &mut Vec<Reading>,
    metric: &Metric,
    pair: [&Trend; 2],
    good: Good,
    tolerance: f64,
) {
    let floor = if metric.unit == Unit::Time {
        TIME_FLOOR
    } else {
        0.0
    };
    for (number, share, value) in [
        ("p50", 0.5, (|t: &Trend| t.med) as fn(&Trend) -> f64),
        ("p95", 0.95, |t| t.p95),
        ("p99", 0.99, |t| t.p99),
    ] {
        let values = pair.map(value);
        let finding = noise::percentiles(pair, share, values, tolerance, floor);
        let mut reading = numbers(metric.name.clone(), number, metric.unit.clone(), values);
        reading.effect = effect(finding, values, good);
        readings.push(reading);
    }
}

/// A share of yes; the tolerance is relative to the share of what is bad.
fn shares(
    name: String,
    before: Option<(u64, u64)>,
    after: Option<(u64, u64)>,
    good: Good,
    tolerance: f64,
) -> Reading {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of samples stay far below 2^52"
    )]
    let share = |(yes, of): (u64, u64)| if of == 0 { 0.0 } else { yes as f64 / of as f64 };
    let (Some(a), Some(b)) = (before, after) else {
        let mut reading = numbers(name, "rate", Unit::Share, [0.0, 0.0]);
        reading.before = before.map(|one| Value::Number(share(one)));
        reading.after = after.map(|one| Value::Number(share(one)));
        reading.change = None;
        reading.effect = Effect::Changed;
        return reading;
    };
    let bad = |(yes, of): (u64, u64)| match good {
        Good::More => (of.saturating_sub(yes), of),
        Good::Less | Good::Neither => (yes, of),
    };
    let finding = noise::shares(bad(a), bad(b), tolerance);
    let values = [share(a), share(b)];
    let mut reading = numbers(name, "rate", Unit::Share, values);
    reading.effect = effect(finding, values, good);
    reading
}

fn numbers(name: String, number: &'static str, unit: Unit, values: [f64; 2]) -> Reading {
    let change = relative(values[0], values[1]);
    Reading {
        kind: Of::Metric,
        name,
        number,
        unit,
        before: Some(Value::Number(values[0])),
        after: Some(Value::Number(values[1])),
        change: change.is_finite().then_some(change),
        effect: Effect::Same,
    }
}

fn effect(finding: Finding, values: [f64; 2], good: Good) -> Effect {
    match finding {
        Finding::Noise => Effect::Same,
        Finding::Unsure => Effect::Unsure,
        Finding::Differs => match (good, values[1] > values[0]) {
            (Good::Neither, _) => Effect::Changed,
            (Good::Less, true) | (Good::More, false) => Effect::Worse,
            (Good::Less, false) | (Good::More, true) => Effect::Better,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(edit: impl FnOnce(&mut serde_json::Value)) -> Recorded {
        let mut json = serde_json::to_value(super::super::sample::sample()).unwrap();
        edit(&mut json);
        Recorded::read(&json.to_string()).unwrap()
    }

    fn effect_of(comparison: &Comparison, name: &str, number: &str) -> Effect {
        let mut all = comparison.readings.iter();
        all.find(|one| one.name == name && one.number == number)
            .unwrap_or_else(|| panic!("no {name} {number}: {comparison:#?}"))
            .effect
    }

    #[test]
    fn a_result_is_the_same_as_itself() {
        let one = recorded(|_| ());
        let comparison = compare(&one, &one, 0.1);
        assert_eq!(comparison.verdict, Effect::Same);
        let other = |reading: &&Reading| !matches!(reading.effect, Effect::Same | Effect::Unsure);
        assert_eq!(comparison.readings.iter().find(other), None);
    }

    #[test]
    fn what_is_slower_or_fails_more_is_worse_and_the_reverse_better() {
        let before = recorded(|_| ());
        let after = recorded(|json| {
            let values = &mut json["metrics"]["http_req_duration"]["values"];
            for key in ["med", "p90", "p95", "p99", "p999"] {
                values[key] = (values[key].as_f64().unwrap() * 3.0).into();
            }
            json["thresholds"][0]["ok"] = false.into();
            json["checks"][0]["passes"] = 900.into();
            json["checks"][0]["fails"] = 100.into();
        });
        let worse = compare(&before, &after, 0.1);
        let better = compare(&after, &before, 0.1);
        assert_eq!(
            (worse.verdict, better.verdict),
            (Effect::Worse, Effect::Better)
        );
        for (name, number) in [
            ("http_req_duration", "p95"),
            ("http_req_duration p(95) < 300ms", ""),
            ("status is 200", "rate"),
        ] {
            assert_eq!(effect_of(&worse, name, number), Effect::Worse);
            assert_eq!(effect_of(&better, name, number), Effect::Better);
        }
    }

    #[test]
    fn a_counter_that_was_not_there_was_zero_if_less_is_better() {
        let before = recorded(|_| ());
        let after = recorded(|json| {
            for name in ["dropped_iterations", "coins"] {
                json["metrics"][name] = serde_json::json!({
                    "type": "counter", "unit": "", "values": { "count": 500.0, "per_second": 10.0 },
                });
            }
        });
        let comparison = compare(&before, &after, 0.1);
        let dropped = effect_of(&comparison, "dropped_iterations", "per second");
        assert_eq!(dropped, Effect::Worse);
        assert_eq!(effect_of(&comparison, "coins", ""), Effect::Changed);
    }

    #[test]
    fn a_new_error_is_named() {
        let before = recorded(|json| json["errors"] = serde_json::json!([]));
        let comparison = compare(&before, &recorded(|_| ()), 0.1);
        let new = |one: &&Reading| one.kind == Of::Error && one.before.is_none();
        let found = comparison.readings.iter().find(new).unwrap();
        assert_eq!(found.effect, Effect::Changed);
    }
}
