//! What a comparison says, as plain data: what `--json` prints.

use serde::Serialize;

use super::super::Unit;

/// Names the format; a change that breaks readers changes the number.
pub(super) const SCHEMA: &str = "rchaos-compare/1";

/// What came of comparing two results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Always `rchaos-compare/1`.
    pub schema: &'static str,
    /// Whether it got worse in anything, otherwise better in anything, otherwise the same.
    pub verdict: Effect,
    /// The tolerance as a share.
    pub tolerance: f64,
    /// Everything that was looked at, in the order of the first result.
    pub readings: Vec<Reading>,
}

/// One number or state in both results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// What it is of.
    pub kind: Of,
    /// The metric, threshold, check or error.
    pub name: String,
    /// Which of its numbers: `p95`, `rate`, `per second`; empty where there is only one.
    pub number: &'static str,
    /// The unit of both values.
    #[serde(serialize_with = "super::super::summary::unit_word")]
    pub unit: Unit,
    /// Its value in the first result; `None` if it is not there.
    pub before: Option<Value>,
    /// Its value in the second result; `None` if it is not there.
    pub after: Option<Value>,
    /// The change in relation to the first, 0.1 for 10 % more; `None` from zero or of words.
    pub change: Option<f64>,
    /// What that means.
    pub effect: Effect,
}

/// A value of a reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A number in the reading's unit.
    Number(f64),
    /// A state.
    Word(String),
}

/// What a reading is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// The run's verdict.
    Verdict,
    /// A threshold.
    Threshold,
    /// A metric.
    Metric,
    /// A check.
    Check,
    /// A message that ended iterations.
    Error,
    /// An experiment.
    Experiment,
    /// A fault.
    Fault,
}

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Worse beyond noise.
    Worse,
    /// Better beyond noise.
    Better,
    /// Other beyond noise, and neither good nor bad by itself.
    Changed,
    /// Within tolerance or chance.
    Same,
    /// Too few samples to tell.
    Unsure,
}
