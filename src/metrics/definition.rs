//! What a metric is: its name, its kind and its unit.

use std::fmt;
use std::sync::Arc;

/// How the samples of a metric add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A sum that grows.
    Counter,
    /// The last value, with its smallest and largest.
    Gauge,
    /// The share of samples that are not zero.
    Rate,
    /// A distribution.
    Trend,
}

impl Kind {
    /// The name scripts and results use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Rate => "rate",
            Self::Trend => "trend",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the values of a metric count.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Unit {
    /// Plain numbers.
    #[default]
    None,
    /// Milliseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Percent: 42 means 42 %. (The share of a rate needs no unit.)
    Percent,
    /// Whatever the script says, shown after the number.
    Other(Arc<str>),
}

impl Unit {
    /// The unit of a name: `""`, `"time"`, `"bytes"` and `"percent"` are known, others kept as they are.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "" => Self::None,
            "time" => Self::Time,
            "bytes" => Self::Bytes,
            "percent" => Self::Percent,
            other => Self::Other(other.into()),
        }
    }

    /// Steps per unit in which values are kept: nanoseconds for time, so that sums of durations
    /// are sums of whole numbers and hence exact in any order.
    pub(super) const fn scale(&self) -> f64 {
        match self {
            Self::Time => 1e6,
            _ => 1.0,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "",
            Self::Time => "time",
            Self::Bytes => "bytes",
            Self::Percent => "percent",
            Self::Other(name) => name,
        })
    }
}

/// A metric as it was defined. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDef {
    /// Unique in the process.
    pub name: Arc<str>,
    /// How its samples add up.
    pub kind: Kind,
    /// What its values count.
    pub unit: Unit,
    /// One line on what a built-in metric means; empty for those of a script.
    pub help: &'static str,
}
