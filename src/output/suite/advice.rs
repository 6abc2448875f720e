//! Recommendations: what a suite's figures say is to be done, each with the figure behind it.

use super::targets::{availability, shown};
use super::{FileResult, Judgement, Times};
use crate::output::Verdict;
use crate::output::values::percent;

/// The most recommendations that are given; more are not read.
const MOST: usize = 12;

/// What to do, most urgent first.
#[must_use]
pub fn advice(files: &[FileResult], targets: &[Judgement]) -> Vec<String> {
    let mut all = Vec::new();
    for file in files {
        let id = &file.id;
        if file.exit_code == Some(7) {
            all.push(format!(
                "Run `rchaos recover` now: {id} left something unhealed."
            ));
        }
    }
    missed(&mut all, files, targets);
    for file in files {
        let id = &file.id;
        for name in &file.figures.never_hit {
            all.push(format!(
                "Aim {id}'s fault \"{name}\" better: it was injected and nothing was seen to be affected, so the \
                 experiment shows nothing about it."
            ));
        }
        for name in &file.figures.undetected {
            all.push(format!(
                "Alert on what {id} breaks: in \"{name}\" requests were spent, and no probe and no alert noticed."
            ));
        }
    }
    slowest(&mut all, files);
    let skipped: Vec<&str> = files
        .iter()
        .filter(|file| file.verdict.is_none())
        .map(|file| file.id.as_str())
        .collect();
    if !skipped.is_empty() {
        all.push(format!(
            "Mend what came before and run the rest: {} of {} files were not run ({}).",
            skipped.len(),
            files.len(),
            skipped.join(", ")
        ));
    }
    all.truncate(MOST);
    all
}

/// Targets that were not met, with what contributes most.
fn missed(all: &mut Vec<String>, files: &[FileResult], targets: &[Judgement]) {
    for target in targets.iter().filter(|target| !target.ok) {
        let (name, wanted) = (&target.name, &target.wanted);
        let Some(measured) = &target.measured else {
            let how = match name.as_str() {
                "availability" | "p95" => "let a scenario send requests meanwhile",
                "rpo" => "record what was lost with metrics.trend(\"rpo\")",
                "mttd_max" => "declare x:guard or x:alert, so that somebody notices",
                _ => "end the experiments with x:recovers",
            };
            all.push(format!(
                "Measure {name}: nothing was recorded for the target of {wanted}; {how}."
            ));
            continue;
        };
        let most = match name.as_str() {
            "availability" => worst(files, |file| {
                file.figures
                    .failed
                    .map(|share| share * file.figures.requests)
            }),
            "rpo" => worst(files, |file| file.figures.rpo_ms),
            "p95" => worst(files, |file| file.figures.p95_ms),
            "mttd_max" => worst(files, |file| longest(&file.figures.detect_ms)),
            _ => worst(files, |file| longest(&file.figures.recover_ms)),
        };
        let first = most.map_or_else(String::new, |file| {
            format!("; begin with {} ({})", file.id, file.title)
        });
        all.push(format!(
            "Improve {name}: {measured}, wanted {wanted}{first}."
        ));
    }
}

/// A recovery that takes much longer than the others do.
fn slowest(all: &mut Vec<String>, files: &[FileResult]) {
    let times = files
        .iter()
        .flat_map(|file| file.figures.recover_ms.iter().copied());
    let Some(times) = Times::of(times).filter(|times| times.count >= 3) else {
        return;
    };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are few")]
    let outlier = times.max_ms as f64 > 3.0 * times.mean_ms && times.max_ms > 5000;
    let slowest = worst(files, |file| longest(&file.figures.recover_ms));
    if let Some(file) = slowest.filter(|_| outlier) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are few")]
        let longest = shown(times.max_ms as f64);
        all.push(format!(
            "Look at how {} recovers: it took {longest}, the mean of all {} is {}.",
            file.id,
            times.count,
            shown(times.mean_ms)
        ));
    }
    if let Some(share) = availability(files)
        && share < 0.99
        && files
            .iter()
            .all(|file| file.verdict == Some(Verdict::Passed))
    {
        all.push(format!(
            "Set thresholds on http_req_failed: every file passed, yet only {} of all requests succeeded.",
            percent(share)
        ));
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are few")]
fn longest(all: &[u64]) -> Option<f64> {
    all.iter().max().map(|time| *time as f64)
}

fn worst(files: &[FileResult], figure: impl Fn(&FileResult) -> Option<f64>) -> Option<&FileResult> {
    let with = files.iter().filter_map(|file| Some((figure(file)?, file)));
    with.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, file)| file)
}

#[cfg(test)]
mod tests {
    use super::super::{Figures, Targets};
    use super::*;

    fn file(id: &str, recover_ms: &[u64], failed: f64) -> FileResult {
        FileResult {
            path: format!("{id}.lua"),
            id: id.to_owned(),
            title: "a row".to_owned(),
            suite: String::new(),
            verdict: Some(Verdict::Passed),
            exit_code: Some(0),
            reasons: Vec::new(),
            duration_seconds: 1.0,
            figures: Figures {
                requests: 1000.0,
                failed: Some(failed),
                recover_ms: recover_ms.to_vec(),
                ..Figures::default()
            },
            summary: None,
        }
    }

    #[test]
    fn targets_are_judged_and_what_misses_them_is_named() {
        let files = [
            file("A", &[1000, 2000], 0.0),
            file("B", &[90_000], 0.01),
            file("C", &[500], 0.0),
        ];
        let targets: Targets = toml::from_str(
            "availability = '99.9%'\nmttr_max = '60s'\nmttr_mean = '120s'\nrpo = '5m'",
        )
        .unwrap();
        let judged = targets.judge(&files);
        let ok: Vec<(&str, bool)> = judged
            .iter()
            .map(|one| (one.name.as_str(), one.ok))
            .collect();
        let wanted = [
            ("availability", false),
            ("rpo", false),
            ("mttr_mean", true),
            ("mttr_max", false),
        ];
        assert_eq!(ok, wanted);
        let text = advice(&files, &judged).join("\n");
        for part in [
            "Improve availability: 99.67%, wanted at least 99.9%; begin with B (a row).",
            "Measure rpo: nothing was recorded",
            "Improve mttr_max: 1m30s, wanted at most 1m; begin with B",
            "Look at how B recovers: it took 1m30s",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(toml::from_str::<Targets>("mttr = '1s'").is_err());
        assert!(toml::from_str::<Targets>("rto = 5").is_err());
    }
}
