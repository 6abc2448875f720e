//! Many runs of the same folder: how its figures went, and where one of them turned.

mod html;
mod page;
mod turn;

use serde::Serialize;

use super::{SuiteSummary, Times};

pub use html::history_index;
pub use page::history_page;
pub use turn::{Turn, turn};

/// A run that is kept: its folder's name and its result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptRun {
    /// The name of its folder, which begins with the time.
    pub name: String,
    /// Its result.
    pub summary: SuiteSummary,
}

/// A figure over all runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// Whose: an id, or empty for the whole.
    pub of: String,
    /// Which: `errors`, `p95`, `time to recover`, `time to detect`, `duration`.
    pub figure: &'static str,
    /// What it counts.
    pub unit: TrendUnit,
    /// Its value in each run, oldest first; `None` where it was not measured.
    pub values: Vec<Option<f64>>,
    /// Where it turned for good, if it did.
    pub turn: Option<Turn>,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrendUnit {
    /// Milliseconds.
    Time,
    /// A share, 0 to 1.
    Share,
}

/// The figures of all runs, oldest first: those of the whole, then those of each script that has any.
#[must_use]
pub fn trends(runs: &[KeptRun]) -> Vec<Trend> {
    let mut ids: Vec<&str> = vec![""];
    for file in runs.iter().flat_map(|run| &run.summary.files) {
        if !ids.contains(&file.id.as_str()) {
            ids.push(&file.id);
        }
    }
    let mut all = Vec::new();
    for id in ids {
        for (figure, unit, of) in FIGURES {
            let values: Vec<Option<f64>> = runs.iter().map(|run| of(&run.summary, id)).collect();
            if values.iter().any(Option::is_some) {
                all.push(Trend {
                    of: id.to_owned(),
                    figure,
                    unit,
                    turn: turn(&values, unit),
                    values,
                });
            }
        }
    }
    all
}

type Figure = (
    &'static str,
    TrendUnit,
    fn(&SuiteSummary, &str) -> Option<f64>,
);

const FIGURES: [Figure; 4] = [
    ("errors", TrendUnit::Share, errors),
    ("p95", TrendUnit::Time, p95),
    ("time to recover", TrendUnit::Time, |summary, id| {
        mean(summary, id, |figures| &figures.recover_ms)
    }),
    ("time to detect", TrendUnit::Time, |summary, id| {
        mean(summary, id, |figures| &figures.detect_ms)
    }),
];

fn figures<'a>(
    summary: &'a SuiteSummary,
    id: &'a str,
) -> impl Iterator<Item = &'a super::Figures> + Clone + 'a {
    let files = summary.files.iter();
    files
        .filter(move |file| id.is_empty() || file.id == id)
        .map(|file| &file.figures)
}

fn errors(summary: &SuiteSummary, id: &str) -> Option<f64> {
    let with = figures(summary, id).filter_map(|one| Some((one.requests, one.failed?)));
    let requests: f64 = with.clone().map(|(requests, _)| requests).sum();
    let failed: f64 = with.map(|(requests, share)| requests * share).sum();
    (requests > 0.0).then(|| failed / requests)
}

fn p95(summary: &SuiteSummary, id: &str) -> Option<f64> {
    figures(summary, id)
        .filter_map(|one| one.p95_ms)
        .max_by(f64::total_cmp)
}

fn mean(summary: &SuiteSummary, id: &str, pick: fn(&super::Figures) -> &Vec<u64>) -> Option<f64> {
    let times = Times::of(figures(summary, id).flat_map(move |one| pick(one).iter().copied()));
    times.map(|times| times.mean_ms)
}
