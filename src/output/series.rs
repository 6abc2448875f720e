//! The run as curves: a few numbers of the load, second by second, as plain data.

use serde::{Deserialize, Serialize};

use super::Unit;
use super::summary::{read_unit, unit_word};

/// Numbers of the load over time. The value at place `i` is of the time from `i` to `i + 1` steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Series {
    /// Length of a step: 1 up to ten minutes, then doubled until 600 steps hold the run.
    pub step_seconds: f64,
    /// The numbers, all equally long.
    pub columns: Vec<Column>,
}

/// One number over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The metric it is of.
    pub metric: String,
    /// Which of its numbers: `value`, `per second`, `share`, `p(50)`, `p(95)`, `p(99)`.
    pub stat: String,
    /// Its unit.
    #[serde(serialize_with = "unit_word", deserialize_with = "read_unit")]
    pub unit: Unit,
    /// One for each step, to four digits; `None` without samples.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// The values of a number, if it is there.
    #[must_use]
    pub fn column(&self, metric: &str, stat: &str) -> Option<&Column> {
        let mut all = self.columns.iter();
        all.find(|column| column.metric == metric && column.stat == stat)
    }
}
