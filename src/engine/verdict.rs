//! How a run is judged: its verdict with the reasons, and what makes the result less certain.

use std::time::Duration;

use crate::base::units::show_duration;
use crate::metrics::{Aggregator, Selector, builtin};
use crate::output::Verdict;
use crate::script::Sources;

use super::control::Ending;
use super::experiment::Cut;
use super::run::Outcome;

/// The verdict's exit code, as the table of exit codes has it.
pub(super) fn exit_code(verdict: Verdict, outcome: &Outcome) -> u8 {
    let ending = outcome.control.ending.as_ref();
    let left = !outcome.control.holds.left().is_empty();
    match (verdict, ending) {
        _ if left => 7,
        (Verdict::Passed, _) => 0,
        (Verdict::Error, Some(Ending::Defect)) => 1,
        (Verdict::Error, _) => 3,
        (Verdict::Failed, _) => 5,
        (Verdict::Aborted, Some(Ending::Signal(_) | Ending::Halt(_) | Ending::AgentLost(_))) => 6,
        (Verdict::Aborted, _) if stopped(outcome) => 6,
        (Verdict::Aborted, _) => 4,
    }
}

/// Whether somebody stopped an experiment.
fn stopped(outcome: &Outcome) -> bool {
    let begun = outcome.harness.as_ref().map(|harness| harness.begun());
    let mut begun = begun.unwrap_or_default().into_iter();
    let gamedays = outcome.harness.as_ref().map(|harness| harness.gamedays());
    let mut gamedays = gamedays.unwrap_or_default().into_iter();
    begun.any(|one| matches!(one.state().cut, Some(Cut::Stopped(_))))
        || gamedays.any(|one| one.state().stopped.is_some())
}

/// Which verdict counts, where there are several: the exit codes' own order.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::Failed => 1,
        Verdict::Aborted => 2,
        Verdict::Error => 3,
    }
}

/// The worst verdict of the experiments and gamedays, and why.
fn methods(outcome: &Outcome) -> (Option<Verdict>, Vec<String>) {
    let (mut worst, mut reasons) = (None, Vec::new());
    let begun = outcome.harness.as_ref().map(|harness| harness.begun());
    for experiment in begun.unwrap_or_default() {
        let (verdict, why) = experiment.state().verdict();
        let name = &experiment.name;
        reasons.extend(
            why.iter()
                .map(|why| format!("experiment \"{name}\": {why}")),
        );
        // Where the run was ended, that is what counts.
        let stopped = matches!(experiment.state().cut, Some(Cut::Stopped(_)));
        if stopped && outcome.control.ending.is_some() {
            continue;
        }
        if rank(verdict) > worst.map_or(0, rank) {
            worst = Some(verdict);
        }
    }
    let gamedays = outcome.harness.as_ref().map(|harness| harness.gamedays());
    for gameday in gamedays.unwrap_or_default() {
        let state = gameday.state();
        let (verdict, why) = state.verdict();
        let name = &gameday.name;
        reasons.extend(why.iter().map(|why| format!("gameday \"{name}\": {why}")));
        let stopped = state.stopped.is_some() && outcome.control.ending.is_some();
        if !stopped && rank(verdict) > worst.map_or(0, rank) {
            worst = Some(verdict);
        }
    }
    (worst, reasons)
}

/// The verdict, and why it is not `passed`, most important first.
pub(super) fn decide(
    outcome: &Outcome,
    figures: &Aggregator,
    sources: &Sources,
) -> (Verdict, Vec<String>) {
    let control = &outcome.control;
    let mut reasons = control.holds.left();
    let left = (!reasons.is_empty()).then_some(Verdict::Error);
    let ended = match &control.ending {
        Some(Ending::Defect) => {
            reasons.push("a defect of rchaos, see above".to_owned());
            Some(Verdict::Error)
        }
        Some(Ending::Script(error)) => {
            reasons.push(error.explained(sources));
            Some(Verdict::Error)
        }
        Some(Ending::Expectation(error)) => {
            reasons.push(error.explained(sources));
            Some(Verdict::Failed)
        }
        Some(Ending::Precondition(error)) => {
            reasons.push(format!(
                "nothing was injected: {}",
                error.explained(sources)
            ));
            Some(Verdict::Aborted)
        }
        Some(Ending::Injection(error)) => {
            reasons.push(error.explained(sources));
            Some(Verdict::Failed)
        }
        Some(Ending::Halt(text) | Ending::AgentLost(text)) => {
            reasons.push(text.clone());
            Some(Verdict::Aborted)
        }
        Some(Ending::Signal(name)) => {
            reasons.push(format!("interrupted by {name}"));
            Some(Verdict::Aborted)
        }
        Some(Ending::Threshold(_)) | None => None,
    };
    let (worst, why) = methods(outcome);
    // An error that ended the run is told already.
    reasons.extend(why.into_iter().filter(|_| ended != Some(Verdict::Error)));
    let before = reasons.len();
    if let Some(judge) = &control.judge {
        for one in judge.judged().iter().filter(|one| !one.status.ok) {
            reasons.push(format!("threshold failed: {}", one.text()));
        }
    }
    reasons.extend(silent_failures(outcome, figures));
    let failed = (reasons.len() > before).then_some(Verdict::Failed);
    let all = [left, ended, worst, failed];
    let verdict = all.into_iter().flatten().max_by_key(|one| rank(*one));
    (verdict.unwrap_or(Verdict::Passed), reasons)
}

/// What makes the result less certain.
pub(super) fn doubts(figures: &Aggregator) -> Vec<String> {
    let mut doubts = Vec::new();
    let stall = figures
        .select(&Selector::of(builtin::WORKER_STALL))
        .and_then(|stall| stall.percentile(99.0));
    if let Some(stall) = stall.filter(|stall| *stall > SATURATED_MS) {
        let stall = show_duration(Duration::from_secs_f64(stall / 1e3));
        doubts.push(format!(
            "generator saturated: the load workers were late by {stall} at the 99th percentile of \
             worker_stall, so response times include waiting on this side; use fewer users, \
             less work in iterations, or a machine with nothing else to do"
        ));
    }
    if figures.overflowed() > 0 {
        doubts.push(format!(
            "{} samples lost their tags: there are more series than --max-series allows; put \
             fewer different values into tags and names",
            figures.overflowed()
        ));
    }
    if figures.invalid() > 0 {
        let count = figures.invalid();
        doubts.push(format!(
            "{count} samples were not finite numbers and are not counted"
        ));
    }
    doubts
}

/// Workers that are later than this, in milliseconds, measure themselves.
const SATURATED_MS: f64 = 10.0;

/// What must not look green although no threshold speaks of it: iterations that end with errors,
/// and requests of which not one was answered.
fn silent_failures(outcome: &Outcome, figures: &Aggregator) -> Vec<String> {
    let mut reasons = Vec::new();
    let judge = outcome.control.judge.as_ref();
    let total = |metric, tags: &[(&str, &str)]| {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let tags = tags.iter().map(own).collect();
        let selector = Selector { metric, tags };
        figures.select(&selector).map_or(0.0, |found| found.sum)
    };
    let errors = total(builtin::ITERATION_ERRORS, &[]);
    if errors > 0.0 && !judge.is_some_and(|judge| judge.judges_errors()) {
        let plural = if errors > 1.0 { "s" } else { "" };
        reasons.push(format!("{errors} iteration{plural} ended with an error"));
    }
    let requests = total(builtin::HTTP_REQS, &[]);
    let unanswered = total(builtin::HTTP_REQS, &[("status", "0")]);
    let judged = judge.is_some_and(|judge| judge.watches(builtin::HTTP_REQ_FAILED));
    // An ad-hoc script says itself what it expects; asking a closed door may be its point.
    let judged = judged || outcome.plan.is_ad_hoc();
    if requests > 0.0 && unanswered >= requests && !judged {
        reasons.push(format!("none of {requests} requests was answered"));
    }
    reasons
}
