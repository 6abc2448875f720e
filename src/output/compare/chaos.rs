//! Experiments and faults of two results beside each other.

use super::super::Unit;
use super::read::{Experiment, Recorded};
use super::reading::{Effect, Of, Reading, Value};
use super::{of_verdicts, pairs, relative, words};

/// Milliseconds by which a time to detect or to recover changes unremarked: about what a guard
/// that asks once a second can tell.
const TIME_FLOOR: f64 = 1000.0;

pub(super) fn experiments(
    readings: &mut Vec<Reading>,
    before: &Recorded,
    after: &Recorded,
    tolerance: f64,
) {
    let same = |a: &Experiment, b: &Experiment| a.name == b.name;
    for (a, b) in pairs(&before.experiments, &after.experiments, same) {
        let Some(any) = a.or(b) else { continue };
        let verdict = |one: Option<&Experiment>| one.map(|one| one.verdict.clone());
        let (v, w) = (verdict(a), verdict(b));
        let mut reading = words(Of::Experiment, any.name.clone(), v.as_deref(), w.as_deref());
        if let (Some(v), Some(w)) = (&v, &w) {
            reading.effect = of_verdicts(v, w, reading.effect);
        }
        readings.push(reading);
        let (Some(a), Some(b)) = (a, b) else { continue };
        for (number, was, is) in [
            ("time to detect", a.time_to_detect_ms, b.time_to_detect_ms),
            (
                "time to recover",
                a.time_to_recover_ms,
                b.time_to_recover_ms,
            ),
        ] {
            readings.extend(time(&any.name, number, was, is, tolerance));
        }
    }
}

/// One time of an experiment; measured once, it is held to the tolerance and a floor only.
fn time(
    name: &str,
    number: &'static str,
    before: Option<u64>,
    after: Option<u64>,
    tolerance: f64,
) -> Option<Reading> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let value = |time: Option<u64>| time.map(|time| time as f64);
    let (was, is) = (value(before), value(after));
    let (change, effect) = match (was, is) {
        (None, None) => return None,
        (Some(was), Some(is)) => {
            let change = relative(was, is);
            let differs = (is - was).abs() > TIME_FLOOR && change.abs() > tolerance;
            let effect = match (differs, is > was) {
                (false, _) => Effect::Same,
                (true, true) => Effect::Worse,
                (true, false) => Effect::Better,
            };
            (change.is_finite().then_some(change), effect)
        }
        // Not noticed, or not waited for: which of the two is better depends on the experiment.
        _ => (None, Effect::Changed),
    };
    Some(Reading {
        kind: Of::Experiment,
        name: name.to_owned(),
        number,
        unit: Unit::Time,
        before: was.map(Value::Number),
        after: is.map(Value::Number),
        change,
        effect,
    })
}

/// The outcome of every fault, by name; several of one name in their order.
pub(super) fn faults(readings: &mut Vec<Reading>, before: &Recorded, after: &Recorded) {
    let numbered = |recorded: &Recorded| -> Vec<(String, usize, &'static str, bool)> {
        let all = &recorded.faults;
        let nth = |index: usize| {
            let earlier = &all[..index];
            earlier
                .iter()
                .filter(|one| one.name == all[index].name)
                .count()
        };
        let entry = |(index, one): (usize, &super::super::FaultSummary)| {
            let outcome = one.outcome;
            (
                one.name.clone(),
                nth(index),
                outcome.word(),
                outcome.is_good(),
            )
        };
        all.iter().enumerate().map(entry).collect()
    };
    let (left, right) = (numbered(before), numbered(after));
    for (a, b) in pairs(&left, &right, |a, b| (&a.0, a.1) == (&b.0, b.1)) {
        let Some(any) = a.or(b) else { continue };
        let mut reading = words(Of::Fault, any.0.clone(), a.map(|a| a.2), b.map(|b| b.2));
        reading.effect = match (a.map(|a| a.3), b.map(|b| b.3)) {
            (Some(true), Some(false)) => Effect::Worse,
            (Some(false), Some(true)) => Effect::Better,
            _ => reading.effect,
        };
        readings.push(reading);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::chaos;
    use super::super::compare;
    use super::*;

    fn recorded(edit: impl FnOnce(&mut serde_json::Value)) -> Recorded {
        let mut json = serde_json::to_value(chaos()).unwrap();
        edit(&mut json);
        Recorded::read(&json.to_string()).unwrap()
    }

    #[test]
    fn a_slower_recovery_and_a_fault_that_stays_are_worse() {
        let before = recorded(|_| ());
        let after = recorded(|json| {
            json["experiments"][0]["time_to_recover_ms"] = 9000.into();
            json["experiments"][0]["time_to_detect_ms"] = 1900.into();
            json["experiments"][0]["verdict"] = "passed".into();
            json["faults"][0]["outcome"] = "unhealed".into();
        });
        let comparison = compare(&before, &after, 0.1);
        let effect = |kind, number: &str| {
            let mut all = comparison.readings.iter();
            all.find(|one| one.kind == kind && one.number == number)
                .unwrap()
                .effect
        };
        assert_eq!(effect(Of::Experiment, "time to recover"), Effect::Worse);
        assert_eq!(effect(Of::Experiment, "time to detect"), Effect::Same);
        assert_eq!(effect(Of::Experiment, ""), Effect::Better);
        assert_eq!(effect(Of::Fault, ""), Effect::Worse);
        assert_eq!(compare(&before, &before, 0.1).verdict, Effect::Same);
    }

    #[test]
    fn results_from_before_there_were_experiments_are_read() {
        let old = recorded(|json| {
            for key in ["experiments", "faults", "gamedays"] {
                json.as_object_mut().unwrap().remove(key);
            }
        });
        assert!(old.experiments.is_empty() && old.faults.is_empty());
    }
}
