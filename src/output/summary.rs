//! The result of a run as plain data: what `--summary` writes and the terminal shows.

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Event, ExperimentSummary, FaultSummary, GamedaySummary, Series};

/// Names the format; a change that breaks readers changes the number.
pub const SCHEMA: &str = "rchaos-summary/1";

/// The result of one run. Its JSON is described in `docs/summary.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Always [`SCHEMA`].
    #[serde(skip_deserializing, default = "schema")]
    pub schema: &'static str,
    /// How the run ended.
    pub verdict: Verdict,
    /// Why the verdict is not `passed`, most important first; empty if it is.
    pub reasons: Vec<String>,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The seed that repeats the run.
    pub seed: u64,
    /// How long holds, stages and intervals lasted, as a share of what is written; 1 but in rehearsals.
    #[serde(default = "as_written")]
    pub time_scale: f64,
    /// When the run began: RFC 3339, UTC.
    pub started: String,
    /// How long it took, `setup` and `teardown` included.
    pub duration_seconds: f64,
    /// The script as it was named on the command line.
    pub script: String,
    /// Metrics with at least one sample, sub-metrics after their metric; in JSON by name.
    #[serde(serialize_with = "by_name", deserialize_with = "super::read::metrics")]
    pub metrics: Vec<Metric>,
    /// Thresholds in the order of the script.
    pub thresholds: Vec<Threshold>,
    /// Checks in the order in which they first ran.
    pub checks: Vec<Check>,
    /// Errors that ended iterations, each once.
    pub errors: Vec<ErrorCount>,
    /// Scenarios in the order of the script.
    pub scenarios: Vec<ScenarioSummary>,
    /// Experiments in the order in which they ran.
    #[serde(default)]
    pub experiments: Vec<ExperimentSummary>,
    /// Faults in the order in which they were planned.
    #[serde(default)]
    pub faults: Vec<FaultSummary>,
    /// Gamedays in the order in which they ran.
    #[serde(default)]
    pub gamedays: Vec<GamedaySummary>,
    /// The load as curves.
    #[serde(default)]
    pub series: Series,
    /// What happened when.
    pub timeline: Vec<Event>,
}

fn as_written() -> f64 {
    1.0
}

impl Summary {
    /// What tells a rehearsal from the real thing, wherever results are shown; `None` for the latter.
    #[must_use]
    pub fn rehearsal(&self) -> Option<String> {
        rehearsal(self.time_scale)
    }
}

/// As [`Summary::rehearsal`], of a time scale.
#[expect(clippy::float_cmp, reason = "written as 1 where nothing was shortened")]
pub(super) fn rehearsal(time_scale: f64) -> Option<String> {
    (time_scale != as_written()).then(|| format!("time scale {time_scale}"))
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was asked for held.
    Passed,
    /// A threshold, hypothesis or expectation did not hold.
    Failed,
    /// Ended before its time, by a person or a guard.
    Aborted,
    /// The script or the machinery broke.
    Error,
}

impl Verdict {
    /// The word in JSON and on the terminal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }
}

/// A metric, or a part of one: `http_req_duration{scenario:browse}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name, with the selector in braces if it is a part.
    pub name: String,
    /// What its numbers count.
    pub unit: Unit,
    /// Its numbers.
    pub values: Values,
}

/// What a number counts; in JSON `"ms"`, `"bytes"`, `"share"`, `""`, or the script's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Time,
    /// Bytes.
    Bytes,
    /// A share between 0 and 1, shown in percent.
    Share,
    /// A bare number.
    Plain,
    /// What the script says.
    Other(String),
}

/// A metric's numbers over the whole run.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A sum.
    Counter {
        /// The sum of all that was added.
        count: f64,
        /// That sum over the duration of the run.
        per_second: f64,
    },
    /// A value that replaces the one before.
    Gauge {
        /// The last value.
        value: f64,
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// Yes or no, many times.
    Rate {
        /// The share of yes, 0 to 1.
        rate: f64,
        /// How often yes.
        passes: u64,
        /// How often no.
        fails: u64,
    },
    /// A distribution.
    Trend(Trend),
}

/// A distribution in the unit of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// How many samples.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The mean.
    pub avg: f64,
    /// The median.
    pub med: f64,
    /// The greatest.
    pub max: f64,
    /// 90 % are at most this.
    pub p90: f64,
    /// 95 % are at most this.
    pub p95: f64,
    /// 99 % are at most this.
    pub p99: f64,
    /// 99.9 % are at most this.
    pub p999: f64,
}

/// A threshold and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The metric, with its selector if it has one.
    pub metric: String,
    /// The condition as the script writes it: `p(95) < 300ms`.
    pub expression: String,
    /// Whether it held.
    pub ok: bool,
    /// What the left side came to (with a window: in the worst window); `None` without samples.
    pub observed: Option<f64>,
    /// The unit of `observed`.
    #[serde(serialize_with = "unit_word", deserialize_with = "read_unit")]
    pub unit: Unit,
    /// No sample ever arrived, so it failed.
    pub no_data: bool,
    /// Whether crossing it ends the run.
    pub abort_on_fail: bool,
    /// Length of its sliding window in seconds; `None` for the whole run.
    pub window_seconds: Option<f64>,
}

/// A check and how often it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The group it ran in, outer before inner with ` › ` between; empty outside groups.
    pub group: String,
    /// How often it held.
    pub passes: u64,
    /// How often it did not.
    pub fails: u64,
}

/// An error and how often it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// What went wrong.
    pub message: String,
    /// How often.
    pub count: u64,
    /// Where in the script, as `file:line`, if known.
    pub location: Option<String>,
}

/// A scenario and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioSummary {
    /// Its name.
    pub name: String,
    /// Its executor: `constant-vus`.
    pub executor: String,
    /// What it was to do, in words: `10 VUs for 20s`.
    pub description: String,
    /// Iterations that ended by themselves, also by an error.
    pub iterations: u64,
    /// Iterations that could not start in time.
    pub dropped: u64,
    /// Iterations cut short by the end of the scenario.
    pub interrupted: u64,
}

impl Unit {
    /// The unit of a word in JSON.
    pub(super) fn of(word: String) -> Self {
        match word.as_str() {
            "ms" => Self::Time,
            "bytes" => Self::Bytes,
            "share" => Self::Share,
            "" => Self::Plain,
            _ => Self::Other(word),
        }
    }

    /// The word in JSON.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Time => "ms",
            Self::Bytes => "bytes",
            Self::Share => "share",
            Self::Plain => "",
            Self::Other(word) => word,
        }
    }
}

impl Values {
    /// The metric's type in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Counter { .. } => "counter",
            Self::Gauge { .. } => "gauge",
            Self::Rate { .. } => "rate",
            Self::Trend(_) => "trend",
        }
    }
}

fn schema() -> &'static str {
    SCHEMA
}

pub(super) fn read_unit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Unit, D::Error> {
    String::deserialize(deserializer).map(Unit::of)
}

pub(super) fn unit_word<S: Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(unit.word())
}

/// `{"name": {"type": …, "unit": …, "values": {…}}}`, in the order given.
fn by_name<S: Serializer>(metrics: &[Metric], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Entry<'a> {
        r#type: &'static str,
        unit: &'a str,
        values: Numbers<'a>,
    }
    let mut map = serializer.serialize_map(Some(metrics.len()))?;
    for metric in metrics {
        let entry = Entry {
            r#type: metric.values.kind(),
            unit: metric.unit.word(),
            values: Numbers(&metric.values),
        };
        map.serialize_entry(&metric.name, &entry)?;
    }
    map.end()
}

struct Numbers<'a>(&'a Values);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = match self.0 {
            Values::Trend(trend) => return trend.serialize(serializer),
            _ => serializer.serialize_map(None)?,
        };
        match *self.0 {
            Values::Counter { count, per_second } => {
                map.serialize_entry("count", &count)?;
                map.serialize_entry("per_second", &per_second)?;
            }
            Values::Gauge { value, min, max } => {
                map.serialize_entry("value", &value)?;
                map.serialize_entry("min", &min)?;
                map.serialize_entry("max", &max)?;
            }
            Values::Rate {
                rate,
                passes,
                fails,
            } => {
                map.serialize_entry("rate", &rate)?;
                map.serialize_entry("passes", &passes)?;
                map.serialize_entry("fails", &fails)?;
            }
            Values::Trend(_) => {}
        }
        map.end()
    }
}
