//! The left-hand side of a threshold: what is measured of a metric, per kind.

use std::fmt;
use std::time::Duration;

use super::value::Dimension;
use crate::metrics::aggregate::Aggregate;
use crate::metrics::definition::{Kind, MetricDef, Unit};

/// What an expression measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Method {
    Count,
    Rate,
    Value,
    Avg,
    Min,
    Max,
    Med,
    Percentile(f64),
}

/// Why a text is no method of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MethodError {
    /// The percentile is no number from 0 to 100.
    Percentile,
    /// The kind has no such method.
    Unknown {
        /// Those it has.
        valid: &'static str,
    },
}

impl Method {
    pub(super) fn parse(text: &str, kind: Kind) -> Result<Self, MethodError> {
        let inner = text.strip_prefix('p').map(str::trim_start);
        let inner = inner.and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
        Ok(match (kind, text, inner) {
            (Kind::Counter | Kind::Trend, "count", _) => Self::Count,
            (Kind::Counter | Kind::Rate, "rate", _) => Self::Rate,
            (Kind::Gauge, "value", _) => Self::Value,
            (Kind::Trend, "avg", _) => Self::Avg,
            (Kind::Trend, "min", _) => Self::Min,
            (Kind::Trend, "max", _) => Self::Max,
            (Kind::Trend, "med", _) => Self::Med,
            (Kind::Trend, _, Some(percent)) => {
                let percent = percent.trim().parse().unwrap_or(f64::NAN);
                if !(0.0..=100.0).contains(&percent) {
                    return Err(MethodError::Percentile);
                }
                Self::Percentile(percent)
            }
            _ => return Err(MethodError::Unknown { valid: valid(kind) }),
        })
    }

    /// What the values of this method are for a metric.
    pub(super) fn dimension(self, metric: &MetricDef) -> Dimension {
        let own = Dimension::of(&metric.unit);
        match (self, metric.kind) {
            (Self::Rate, Kind::Rate) => Dimension::Share,
            (Self::Rate, _) if own == Dimension::Bytes => Dimension::Bandwidth,
            (Self::Rate, _) => Dimension::PerSecond,
            (Self::Count, Kind::Trend) => Dimension::Number(Unit::None),
            _ => own,
        }
    }

    pub(super) fn observe(self, aggregate: &Aggregate, elapsed: Duration) -> Option<f64> {
        let any = |value: f64| (aggregate.count > 0).then_some(value);
        match (self, aggregate.kind) {
            (Self::Count, Kind::Counter) => Some(aggregate.sum),
            (Self::Count, _) => any(aggregate.count as f64),
            (Self::Rate, Kind::Rate) => aggregate.rate(),
            (Self::Rate, _) => aggregate.per_second(elapsed),
            (Self::Value, _) => any(aggregate.last),
            (Self::Avg, _) => aggregate.avg(),
            (Self::Min, _) => any(aggregate.min),
            (Self::Max, _) => any(aggregate.max),
            (Self::Med, _) => aggregate.median(),
            (Self::Percentile(percent), _) => aggregate.percentile(percent),
        }
    }

    /// An expression that fits a metric.
    pub(super) fn example(metric: &MetricDef) -> String {
        let (method, start) = match metric.kind {
            Kind::Counter => (Self::Count, "count <"),
            Kind::Gauge => (Self::Value, "value <"),
            Kind::Rate => (Self::Rate, "rate <"),
            Kind::Trend => (Self::Percentile(95.0), "p(95) <"),
        };
        format!("{start} {}", method.dimension(metric).example())
    }
}

fn valid(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "count or rate",
        Kind::Gauge => "value",
        Kind::Rate => "rate",
        Kind::Trend => "avg, min, max, med, count or p(0) to p(100)",
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Value => "value",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Med => "med",
            Self::Percentile(percent) => return write!(f, "p({percent})"),
        })
    }
}
