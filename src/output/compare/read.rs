//! A summary as it is read back: what a comparison needs of it.

use serde::Deserialize;

use super::super::read::metrics;
use super::super::{FaultSummary, Metric, SCHEMA, Summary, Trend, Values};

/// Why a text is not a summary.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or JSON without what a summary has.
    #[error("not a summary that `rchaos run --summary` wrote: {0}")]
    Shape(#[from] serde_json::Error),
    /// Of a format that this version does not know.
    #[error("its schema is {}, this version of rchaos reads \"{SCHEMA}\"", crate::base::text::quoted(.0))]
    Schema(String),
}

/// A summary that was read back.
#[derive(Debug, Clone, Deserialize)]
pub struct Recorded {
    pub(super) verdict: String,
    pub(super) duration_seconds: f64,
    #[serde(deserialize_with = "metrics")]
    pub(super) metrics: Vec<Metric>,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) checks: Vec<Check>,
    pub(super) errors: Vec<ErrorCount>,
    #[serde(default)]
    pub(super) experiments: Vec<Experiment>,
    #[serde(default)]
    pub(super) faults: Vec<FaultSummary>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Threshold {
    pub(super) metric: String,
    pub(super) expression: String,
    pub(super) ok: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) passes: u64,
    pub(super) fails: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ErrorCount {
    pub(super) message: String,
    pub(super) count: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Experiment {
    pub(super) name: String,
    pub(super) verdict: String,
    pub(super) time_to_detect_ms: Option<u64>,
    pub(super) time_to_recover_ms: Option<u64>,
}

/// Whether a text is a summary of a format that this version reads.
fn known(text: &str) -> Result<(), ReadError> {
    #[derive(Deserialize)]
    struct Named {
        schema: String,
    }
    let named: Named = serde_json::from_str(text)?;
    if named.schema == SCHEMA {
        Ok(())
    } else {
        Err(ReadError::Schema(named.schema))
    }
}

impl Summary {
    /// Reads back what `--summary` wrote, whole.
    ///
    /// # Errors
    ///
    /// As for [`Recorded::read`].
    pub fn read(text: &str) -> Result<Self, ReadError> {
        known(text)?;
        Ok(serde_json::from_str(text)?)
    }
}

impl Recorded {
    /// Reads what `--summary` wrote.
    ///
    /// # Errors
    ///
    /// The text is not JSON, not a summary, or one of another format.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        known(text)?;
        Ok(serde_json::from_str(text)?)
    }

    /// How the run ended, as [`super::super::Verdict::word`] has it.
    #[must_use]
    pub fn verdict(&self) -> &str {
        &self.verdict
    }

    pub(super) fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The distribution of a metric, if it is one and has samples.
    #[must_use]
    pub fn trend(&self, name: &str) -> Option<&Trend> {
        match &self.metric(name)?.values {
            Values::Trend(trend) => Some(trend),
            _ => None,
        }
    }

    /// The rate of a counter, per second.
    #[must_use]
    pub fn per_second(&self, name: &str) -> Option<f64> {
        match self.metric(name)?.values {
            Values::Counter { per_second, .. } => Some(per_second),
            _ => None,
        }
    }

    /// The share of a rate metric, 0 to 1.
    #[must_use]
    pub fn share(&self, name: &str) -> Option<f64> {
        match self.metric(name)?.values {
            Values::Rate { rate, .. } => Some(rate),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::sample;
    use super::*;

    #[test]
    fn a_summary_is_read_back_as_it_was() {
        let written = sample();
        let text = serde_json::to_string(&written).unwrap();
        let read = Recorded::read(&text).unwrap();
        assert_eq!(read.metrics, written.metrics);
        assert_eq!(read.thresholds.len(), written.thresholds.len());
        assert_eq!(read.checks.len(), written.checks.len());
        assert_eq!(read.verdict, written.verdict.word());
    }

    #[test]
    fn what_is_no_summary_is_told() {
        let wrong = |text: &str| Recorded::read(text).unwrap_err().to_string();
        assert!(wrong("").starts_with("not a summary"));
        assert!(wrong("[]").starts_with("not a summary"));
        assert!(wrong("{\"a\": 1}").contains("schema"));
        assert!(wrong("{\"schema\": \"rchaos-summary/9\"}").contains("\"rchaos-summary/9\""));
        assert!(wrong("{\"schema\": \"rchaos-summary/1\"}").contains("missing field"));
    }
}
