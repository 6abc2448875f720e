//! The result of several scripts: a verdict for each, one for all, and what they say together.

mod advice;
mod page;
mod targets;

use serde::{Deserialize, Serialize};

use super::{Summary, Values, Verdict};

pub use advice::advice;
pub use page::suite_page;
pub use targets::{Judgement, Targets};

/// The shape of a suite's JSON; it changes only when a field changes its meaning or goes.
pub const SUITE_SCHEMA: &str = "rchaos.suite/1";

/// The result of a run of several scripts. Its JSON is described in `docs/suites.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuiteSummary {
    /// Always [`SUITE_SCHEMA`].
    pub schema: String,
    /// How it went as a whole.
    pub verdict: Verdict,
    /// Why the verdict is not `passed`, most important first.
    pub reasons: Vec<String>,
    /// The exit code of the process: the worst of the files', by the usual precedence.
    pub exit_code: u8,
    /// The folder that was run.
    pub folder: String,
    /// The suites that were asked for; empty for all files.
    pub suites: Vec<String>,
    /// Where they were run, if that was said.
    pub environment: Option<String>,
    /// The seed that repeats all of it.
    pub seed: u64,
    /// How long holds, stages and intervals lasted, as a share of what is written.
    pub time_scale: f64,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// How long it took.
    pub duration_seconds: f64,
    /// The files in the order in which they were run.
    pub files: Vec<FileResult>,
    /// What the targets of the project say.
    pub targets: Vec<Judgement>,
    /// Times to detect and to recover over all experiments; `None` without any.
    pub detect: Option<Times>,
    /// As `detect`, from the heal to the steady state.
    pub recover: Option<Times>,
    /// What to do, in plain words, each with the figure behind it.
    pub recommendations: Vec<String>,
}

/// What became of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileResult {
    /// Relative to the folder.
    pub path: String,
    /// Its short name: `TC-01`.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The suite it was run for; empty without suites.
    pub suite: String,
    /// How it ended; `None` if it was not run.
    pub verdict: Option<Verdict>,
    /// The exit code of its run; `None` if it was not run.
    pub exit_code: Option<u8>,
    /// Why it did not pass, or was not run.
    pub reasons: Vec<String>,
    /// How long it took.
    pub duration_seconds: f64,
    /// What its summary says that is judged over all files.
    pub figures: Figures,
    /// Its summary in the results folder, relative to it; `None` if it has none.
    pub summary: Option<String>,
}

/// What one script adds to the figures of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Requests.
    pub requests: f64,
    /// Share of requests that failed, 0 to 1; `None` without requests.
    pub failed: Option<f64>,
    /// 95th percentile of the time of a request, in milliseconds.
    pub p95_ms: Option<f64>,
    /// Time to detect of each experiment that noticed its fault, in milliseconds.
    pub detect_ms: Vec<u64>,
    /// Time to recover of each experiment that did, in milliseconds.
    pub recover_ms: Vec<u64>,
    /// Experiments that noticed nothing of their faults.
    pub undetected: Vec<String>,
    /// Faults that were never seen to act.
    pub never_hit: Vec<String>,
    /// Data lost, in milliseconds before the failure: the metric `rpo`.
    pub rpo_ms: Option<f64>,
}

/// Several times as one, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// How many there are.
    pub count: usize,
    /// The shortest.
    pub min_ms: u64,
    /// Their mean.
    pub mean_ms: f64,
    /// The longest.
    pub max_ms: u64,
}

impl Times {
    /// `None` without any.
    #[must_use]
    pub fn of(all: impl Iterator<Item = u64> + Clone) -> Option<Self> {
        let count = all.clone().count();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are few")]
        let sum: f64 = all.clone().map(|time| time as f64).sum();
        #[expect(clippy::cast_precision_loss, reason = "experiments are few")]
        Some(Self {
            count,
            min_ms: all.clone().min()?,
            mean_ms: sum / count as f64,
            max_ms: all.max()?,
        })
    }
}

impl Figures {
    /// Those of a summary.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let metric = |name: &str| {
            let found = summary.metrics.iter().find(|one| one.name == name);
            found.map(|one| &one.values)
        };
        let live = |id: &crate::output::FaultSummary| id.outcome == super::FaultOutcome::NeverHit;
        Self {
            requests: match metric("http_reqs") {
                Some(Values::Counter { count, .. }) => *count,
                _ => 0.0,
            },
            failed: match metric("http_req_failed") {
                Some(Values::Rate { rate, .. }) => Some(*rate),
                _ => None,
            },
            p95_ms: match metric("http_req_duration") {
                Some(Values::Trend(trend)) => Some(trend.p95),
                _ => None,
            },
            detect_ms: summary
                .experiments
                .iter()
                .filter_map(|one| one.time_to_detect_ms)
                .collect(),
            recover_ms: summary
                .experiments
                .iter()
                .filter_map(|one| one.time_to_recover_ms)
                .collect(),
            undetected: summary
                .experiments
                .iter()
                .filter(|one| one.time_to_detect_ms.is_none() && !one.error_budget.is_empty())
                .map(|one| one.name.clone())
                .collect(),
            never_hit: summary
                .faults
                .iter()
                .filter(|fault| live(fault))
                .map(|fault| fault.name.clone())
                .collect(),
            rpo_ms: match metric("rpo") {
                Some(Values::Trend(trend)) => Some(trend.max),
                Some(Values::Gauge { max, .. }) => Some(*max),
                _ => None,
            },
        }
    }
}
