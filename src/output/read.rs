//! Metrics of a summary as they are read back from its JSON.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::{Metric, Trend, Unit, Values};

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

/// `{"name": {…}}` in the order of the file.
pub(super) fn metrics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Metric>, D::Error> {
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
                    unit: Unit::of(entry.unit),
                    values: entry.numbers.into(),
                });
            }
            Ok(all)
        }
    }
    deserializer.deserialize_map(ByName)
}
