//! A summary as it is read back: what a comparison needs of it.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::super::{Metric, SCHEMA, Trend, Unit, Values};

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

impl Recorded {
    /// Reads what `--summary` wrote.
    ///
    /// # Errors
    ///
    /// The text is not JSON, not a summary, or one of another format.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Named {
            schema: String,
        }
        let named: Named = serde_json::from_str(text)?;
        if named.schema != SCHEMA {
            return Err(ReadError::Schema(named.schema));
        }
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

/// One metric as JSON has it.
#[derive(Deserialize)]
struct Entry {
    unit: String,
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "values", rename_all = "lowercase")]
enum Numbers {
    Counter { count: f64, per_second: f64 },
    Gauge { value: f64, min: f64, max: f64 },
    Rate { rate: f64, passes: u64, fails: u64 },
    Trend(Trend),
}

impl From<Numbers> for Values {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::Counter { count, per_second } => Self::Counter { count, per_second },
            Numbers::Gauge { value, min, max } => Self::Gauge { value, min, max },
            Numbers::Rate {
                rate,
                passes,
                fails,
            } => Self::Rate {
                rate,
                passes,
                fails,
            },
            Numbers::Trend(trend) => Self::Trend(trend),
        }
    }
}

fn unit(word: String) -> Unit {
    match word.as_str() {
        "ms" => Unit::Time,
        "bytes" => Unit::Bytes,
        "share" => Unit::Share,
        "" => Unit::Plain,
        _ => Unit::Other(word),
    }
}

/// `{"name": {…}}` in the order of the file.
fn metrics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Metric>, D::Error> {
    struct ByName;
    impl<'de> Visitor<'de> for ByName {
        type Value = Vec<Metric>;

        fn expecting(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
            to.write_str("metrics by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(name) = map.next_key::<String>()? {
                let entry: Entry = map
                    .next_value()
                    .map_err(|error| A::Error::custom(format!("metric \"{name}\": {error}")))?;
                all.push(Metric {
                    name,
                    unit: unit(entry.unit),
                    values: entry.numbers.into(),
                });
            }
            Ok(all)
        }
    }
    deserializer.deserialize_map(ByName)
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
