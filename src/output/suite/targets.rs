//! What a run of suites is judged by: availability, recovery and loss over all of its scripts.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{FileResult, Times};
use crate::base::units::{self, millis, show_duration};
use crate::output::values::percent;

/// The targets of `rchaos.toml`; each is judged only if it is there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Targets {
    /// Least share of requests that succeed, over all files: `"99.9%"`.
    #[serde(deserialize_with = "share")]
    pub availability: Option<f64>,
    /// Recovery time objective: the longest time to recover.
    #[serde(deserialize_with = "time")]
    pub rto: Option<Duration>,
    /// Recovery point objective: the most data lost, as scripts record it in the metric `rpo`.
    #[serde(deserialize_with = "time")]
    pub rpo: Option<Duration>,
    /// Mean time to recover, over all experiments.
    #[serde(deserialize_with = "time")]
    pub mttr_mean: Option<Duration>,
    /// The longest time to recover.
    #[serde(deserialize_with = "time")]
    pub mttr_max: Option<Duration>,
    /// The longest time to detect.
    #[serde(deserialize_with = "time")]
    pub mttd_max: Option<Duration>,
    /// 95th percentile of the time of a request, in the slowest file.
    #[serde(deserialize_with = "time")]
    pub p95: Option<Duration>,
}

/// A target and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Its name: `mttr_mean`.
    pub name: String,
    /// What was wanted, in words: `at most 2m`.
    pub wanted: String,
    /// What was measured, in words; `None` if nothing was.
    pub measured: Option<String>,
    /// Whether it was met. Without data it was not.
    pub ok: bool,
}

impl Targets {
    /// Judges all targets that are there.
    #[must_use]
    pub fn judge(&self, files: &[FileResult]) -> Vec<Judgement> {
        let recover = Times::of(
            files
                .iter()
                .flat_map(|file| file.figures.recover_ms.iter().copied()),
        );
        let detect = Times::of(
            files
                .iter()
                .flat_map(|file| file.figures.detect_ms.iter().copied()),
        );
        let worst = |pick: fn(&FileResult) -> Option<f64>| {
            files.iter().filter_map(pick).max_by(f64::total_cmp)
        };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are few")]
        let longest = |times: Option<Times>| times.map(|times| times.max_ms as f64);
        let times = [
            ("rto", self.rto, longest(recover)),
            ("rpo", self.rpo, worst(|file| file.figures.rpo_ms)),
            (
                "mttr_mean",
                self.mttr_mean,
                recover.map(|times| times.mean_ms),
            ),
            ("mttr_max", self.mttr_max, longest(recover)),
            ("mttd_max", self.mttd_max, longest(detect)),
            ("p95", self.p95, worst(|file| file.figures.p95_ms)),
        ];
        let availability = self.availability.map(|wanted| {
            let measured = availability(files);
            Judgement {
                name: "availability".to_owned(),
                wanted: format!("at least {}", percent(wanted)),
                measured: measured.map(percent),
                ok: measured.is_some_and(|share| share >= wanted),
            }
        });
        let judge = |(name, wanted, measured): (&str, Option<Duration>, Option<f64>)| {
            let wanted = wanted?;
            #[expect(clippy::cast_precision_loss, reason = "targets are at most hours")]
            let most = millis(wanted) as f64;
            Some(Judgement {
                name: name.to_owned(),
                wanted: format!("at most {}", show_duration(wanted)),
                measured: measured.map(shown),
                ok: measured.is_some_and(|time| time <= most),
            })
        };
        availability
            .into_iter()
            .chain(times.into_iter().filter_map(judge))
            .collect()
    }
}

/// Share of requests that succeeded over all files; `None` without requests.
#[must_use]
pub fn availability(files: &[FileResult]) -> Option<f64> {
    let (mut requests, mut failed) = (0.0, 0.0);
    for figures in files.iter().map(|file| &file.figures) {
        if let Some(share) = figures.failed {
            requests += figures.requests;
            failed += figures.requests * share;
        }
    }
    (requests > 0.0).then(|| 1.0 - failed / requests)
}

/// Milliseconds as people read them.
pub(super) fn shown(time_ms: f64) -> String {
    let whole = Duration::try_from_secs_f64((time_ms / 1e3).max(0.0)).unwrap_or_default();
    show_duration(Duration::from_millis(millis(whole)))
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let text = String::deserialize(from)?;
    let share = units::share(&text).map_err(D::Error::custom)?;
    Ok(Some(share.0))
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    units::duration(&text).map(Some).map_err(D::Error::custom)
}
