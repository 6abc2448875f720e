//! `journal=FILE`: experiments in the shape of Chaos Toolkit's journal.json, for its reports.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{About, Destination};
use crate::output::{
    ExperimentSummary, FaultSummary, Observation, StepSummary, Summary, Verdict, WholeFile, rfc3339,
};

/// The file of the first experiment; a second one goes to `FILE-2`, and so on.
pub(super) struct Journal {
    file: Option<WholeFile>,
    path: PathBuf,
    started: SystemTime,
}

impl Journal {
    pub(super) fn create(path: &Path, about: &About) -> Result<Self, String> {
        let file = WholeFile::create("the journal", path).map_err(|error| error.to_string())?;
        Ok(Self {
            file: Some(file),
            path: path.to_owned(),
            started: about.started,
        })
    }
}

impl Destination for Journal {
    fn end(&mut self, summary: &Summary, _: u64) -> Result<(), String> {
        let mut journals: Vec<Value> = summary
            .experiments
            .iter()
            .map(|one| journal(summary, Some(one), self.started))
            .collect();
        if journals.is_empty() {
            journals.push(journal(summary, None, self.started));
        }
        for (index, journal) in journals.iter().enumerate() {
            let file = match self.file.take() {
                Some(file) => file,
                None => WholeFile::create("the journal", &numbered(&self.path, index + 1))
                    .map_err(|error| error.to_string())?,
            };
            file.write(|out| {
                serde_json::to_writer_pretty(&mut *out, journal)?;
                out.write_all(b"\n")
            })
            .map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// `journal.json` as `journal-2.json`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}

/// Chaos Toolkit's times have no zone and mean UTC.
fn time(started: SystemTime, at_ms: u64) -> String {
    let text = rfc3339(started + Duration::from_millis(at_ms));
    text.trim_end_matches('Z').to_owned()
}

fn journal(summary: &Summary, one: Option<&ExperimentSummary>, started: SystemTime) -> Value {
    let title = one.map_or(&summary.script, |one| &one.name);
    let verdict = one.map_or(summary.verdict, |one| one.verdict);
    let reasons = one.map_or(&summary.reasons, |one| &one.reasons);
    let state = one.map(|one| &one.steady_state);
    let before = state.and_then(|state| state.before.as_ref());
    let during = state.and_then(|state| state.during.as_ref());
    let after = state.and_then(|state| state.after.as_ref());
    let status = match verdict {
        Verdict::Passed | Verdict::Failed => "completed",
        Verdict::Aborted if before.is_some_and(|seen| !seen.ok) => "failed",
        Verdict::Aborted => "interrupted",
        Verdict::Error => "failed",
    };
    let broken = |seen: Option<&Observation>| seen.is_some_and(|seen| !seen.ok);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the length of a run in milliseconds"
    )]
    let end = (summary.duration_seconds * 1e3) as u64;
    let methods: Vec<_> = one.iter().flat_map(|one| &one.steps).collect();
    json!({
        "chaoslib-version": "",
        "platform": std::env::consts::OS,
        "node": "",
        "experiment": {
            "version": "1.0.0",
            "title": title,
            "description": reasons.join("\n"),
            "tags": ["rchaos"],
            "steady-state-hypothesis": before.map(|seen| json!({
                "title": "steady state",
                "probes": seen.probes.iter().map(|probe| activity("probe", &probe.name)).collect::<Vec<_>>(),
            })),
            "method": methods.iter().map(|step| activity("action", &step.name)).collect::<Vec<_>>(),
            "rollbacks": summary.faults.iter().map(|fault| activity("action", &fault.undo)).collect::<Vec<_>>(),
        },
        "start": time(started, 0),
        "status": status,
        "deviated": verdict == Verdict::Failed && (one.is_none() || broken(during) || broken(after)),
        "steady_states": {
            "before": before.map(|seen| observed(seen, started, 0)),
            "during": during.map(|seen| vec![observed(seen, started, 0)]).unwrap_or_default(),
            "after": after.map(|seen| observed(seen, started, end)),
        },
        "run": methods.iter().map(|step| ran(step, started)).collect::<Vec<_>>(),
        "rollbacks": summary.faults.iter().filter_map(|fault| rollback(fault, started)).collect::<Vec<_>>(),
        "end": time(started, end),
        "duration": summary.duration_seconds,
    })
}

fn ran(step: &StepSummary, started: SystemTime) -> Value {
    let mut entry = json!({
        "activity": activity("action", &step.name),
        "status": if step.ok { "succeeded" } else { "failed" },
        "output": null,
        "start": time(started, step.at_ms),
        "end": time(started, step.at_ms + step.duration_ms),
        "duration": seconds(step.duration_ms),
    });
    if let Some(error) = &step.error {
        entry["exception"] = json!([error]);
    }
    entry
}

fn activity(kind: &str, name: &str) -> Value {
    json!({
        "type": kind,
        "name": name,
        "provider": { "type": "process", "path": "rchaos" },
    })
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1e3
}

fn observed(seen: &Observation, started: SystemTime, at_ms: u64) -> Value {
    let probe = |probe: &crate::output::ProbeSummary| {
        json!({
            "activity": activity("probe", &probe.name),
            "status": if probe.error.is_none() { "succeeded" } else { "failed" },
            "output": probe.value,
            "tolerance_met": probe.ok,
            "start": time(started, at_ms),
            "end": time(started, at_ms),
            "duration": 0.0,
        })
    };
    json!({
        "steady_state_met": seen.ok,
        "probes": seen.probes.iter().map(probe).collect::<Vec<_>>(),
    })
}

/// A heal, as far as there was something to heal.
fn rollback(fault: &FaultSummary, started: SystemTime) -> Option<Value> {
    let injected = fault.injected_at_ms?;
    let healed = fault.healed_at_ms;
    let end = time(started, healed.unwrap_or(injected));
    Some(json!({
        "activity": activity("action", &fault.undo),
        "status": if healed.is_some() { "succeeded" } else { "failed" },
        "output": fault.outcome.word(),
        "start": end,
        "end": end,
        "duration": 0.0,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample::{chaos, sample};

    fn written(summary: &Summary, name: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let about = About {
            script: "a.lua".into(),
            seed: 7,
            started: SystemTime::UNIX_EPOCH,
        };
        let path = folder.path().join("journal.json");
        let mut journal = Journal::create(&path, &about).unwrap();
        journal.end(summary, 0).unwrap();
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_experiment_reads_as_chaos_toolkits_own() {
        let journal = written(&chaos(), "journal.json");
        assert_eq!(journal["status"], "completed");
        assert_eq!(journal["deviated"], true);
        assert_eq!(
            journal["experiment"]["title"],
            "checkout survives a cache partition"
        );
        assert_eq!(journal["steady_states"]["before"]["steady_state_met"], true);
        assert_eq!(
            journal["steady_states"]["during"][0]["probes"][0]["output"],
            503
        );
        assert_eq!(journal["run"][0]["status"], "failed");
        assert_eq!(journal["run"][0]["start"], "1970-01-01T00:00:01.000");
        assert_eq!(journal["run"][0]["duration"], 30.0);
        assert_eq!(journal["rollbacks"][0]["status"], "succeeded");
        assert_eq!(journal["rollbacks"][1]["status"], "failed");
    }

    #[test]
    fn a_second_experiment_has_a_file_of_its_own() {
        let mut summary = chaos();
        let mut second = summary.experiments[0].clone();
        second.name = "another".into();
        second.verdict = Verdict::Passed;
        summary.experiments.push(second);
        let journal = written(&summary, "journal-2.json");
        assert_eq!(journal["experiment"]["title"], "another");
        assert_eq!(journal["deviated"], false);
    }

    #[test]
    fn a_run_without_experiments_is_one() {
        let journal = written(&sample(), "journal.json");
        assert_eq!(journal["experiment"]["title"], "cart.lua");
        assert_eq!(journal["deviated"], true);
    }
}
