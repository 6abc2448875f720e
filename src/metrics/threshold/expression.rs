//! Threshold expressions in k6's grammar, with units: `p(95) < 300ms`, `rate < 1%`, `count == 0`.

use std::fmt;
use std::time::Duration;

use super::method::{Method, MethodError};
use super::value::Dimension;
use crate::base::comparison::Comparison;
use crate::base::text::quoted;
use crate::metrics::aggregate::Aggregate;
use crate::metrics::definition::{Kind, MetricDef};

/// A method, an operator and a value; fits the kind and the unit of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    method: Method,
    operator: Comparison,
    value: f64,
    dimension: Dimension,
}

/// Why a text is not an expression on a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// There is no operator, or it is none of the known.
    #[error(
        "{} has no operator of < <= > >= == === !=; write it like {}",
        quoted(.text), quoted(.example)
    )]
    Operator {
        /// The whole text.
        text: String,
        /// An expression that fits the metric.
        example: String,
    },
    /// The left side is no method of this kind of metric.
    #[error(
        "{}: {} is no method of a {kind}; write {valid}",
        quoted(.text), quoted(.method)
    )]
    Method {
        /// The whole text.
        text: String,
        /// Its left side.
        method: String,
        /// The metric's kind.
        kind: Kind,
        /// The methods that kind has.
        valid: &'static str,
    },
    /// The percentile is no number from 0 to 100.
    #[error("{}: a percentile is a number from 0 to 100; write \"p(95)\"", quoted(.text))]
    Percentile {
        /// The whole text.
        text: String,
    },
    /// The right side is no value of the method's unit.
    #[error("{}: {} is no value for it: {problem}", quoted(.text), quoted(.value))]
    Value {
        /// The whole text.
        text: String,
        /// Its right side.
        value: String,
        /// What to write instead.
        problem: String,
    },
}

impl Expression {
    /// Reads `METHOD OPERATOR VALUE` for a metric. A bare number is in the metric's unit
    /// (milliseconds for time, a share from 0 to 1 for rates).
    ///
    /// # Errors
    ///
    /// A method the kind does not have, an unknown operator, or a value with another unit.
    pub fn parse(text: &str, metric: &MetricDef) -> Result<Self, ExpressionError> {
        let text = text.trim();
        let bare = || ExpressionError::Operator {
            text: text.to_owned(),
            example: Method::example(metric),
        };
        let (left, rest) = text.split_at(text.find(['<', '>', '=', '!']).ok_or_else(bare)?);
        // As in k6, where it says the same.
        let strict = rest.strip_prefix("===");
        let strict = strict.map(|rest| (Comparison::Equal, rest));
        let found = strict.or_else(|| Comparison::split(rest));
        let (operator, right) = found.ok_or_else(bare)?;
        let left = left.trim();
        let method = Method::parse(left, metric.kind).map_err(|error| match error {
            MethodError::Percentile => ExpressionError::Percentile {
                text: text.to_owned(),
            },
            MethodError::Unknown { valid } => ExpressionError::Method {
                text: text.to_owned(),
                method: left.to_owned(),
                kind: metric.kind,
                valid,
            },
        })?;
        let dimension = method.dimension(metric);
        let right = right.trim();
        let value = dimension
            .read(right)
            .map_err(|problem| ExpressionError::Value {
                text: text.to_owned(),
                value: right.to_owned(),
                problem,
            })?;
        Ok(Self {
            method,
            operator,
            value,
            dimension,
        })
    }

    /// What the expression measures; `None` where there is nothing to measure (no samples; for a
    /// counter's rate, no time). A counter without samples has counted 0.
    #[must_use]
    pub fn observe(&self, aggregate: &Aggregate, elapsed: Duration) -> Option<f64> {
        self.method.observe(aggregate, elapsed)
    }

    /// Whether a measured value is as it must be.
    #[must_use]
    pub fn holds(&self, observed: f64) -> bool {
        self.operator.holds(observed, self.value)
    }

    /// Whether it bounds from above, so that having counted nothing answers it.
    pub(super) fn is_upper_bound(&self) -> bool {
        matches!(
            self.operator,
            Comparison::Less | Comparison::AtMost | Comparison::Equal
        )
    }

    /// Shows a measured value with its unit, rounded for people: `12.3ms`, `1.5%`, `9.5/s`.
    #[must_use]
    pub fn show(&self, observed: f64) -> String {
        self.dimension.show(observed)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = self.operator.sign();
        let value = self.dimension.spell(self.value);
        write!(f, "{} {operator} {value}", self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Unit;

    fn def(kind: Kind, unit: &str) -> MetricDef {
        MetricDef {
            name: "m".into(),
            kind,
            unit: Unit::named(unit),
            help: "",
        }
    }

    fn parse(kind: Kind, unit: &str, text: &str) -> Result<String, String> {
        let parsed = Expression::parse(text, &def(kind, unit));
        parsed.map(|e| e.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn expressions_are_read_and_normalised() {
        use Kind::{Counter, Gauge, Rate, Trend};
        let table = [
            (Trend, "time", "p(95)<300", "p(95) < 300ms"),
            (Trend, "time", "  p(99.9)  <=  1s ", "p(99.9) <= 1s"),
            (Trend, "time", "p( 95 ) < 1.5s", "p(95) < 1500ms"),
            (Trend, "time", "p(0)>=0.5", "p(0) >= 0.5ms"),
            (Trend, "time", "p(100)<1e3", "p(100) < 1s"),
            (Trend, "time", "med<200us", "med < 0.2ms"),
            (Trend, "time", "count > 100", "count > 100"),
            (Trend, "", "min>-5.5", "min > -5.5"),
            (Trend, "", "avg===20", "avg == 20"),
            (Trend, "bytes", "max<64MiB", "max < 64MiB"),
            (Trend, "percent", "max<80%", "max < 80%"),
            (Counter, "", "count!=0", "count != 0"),
            (Counter, "", "count==0", "count == 0"),
            (Counter, "", "rate>10", "rate > 10/s"),
            (Counter, "", "rate>30/m", "rate > 0.5/s"),
            (Counter, "bytes", "count<1GiB", "count < 1GiB"),
            (Counter, "bytes", "rate<8mbit", "rate < 1000000B/s"),
            (Gauge, "", "value<.5", "value < 0.5"),
            (Gauge, "time", "value<1m", "value < 60s"),
            (Rate, "", "rate<0.01", "rate < 1%"),
            (Rate, "", "rate >= 99.9%", "rate >= 99.9%"),
        ];
        for (kind, unit, text, expected) in table {
            assert_eq!(parse(kind, unit, text).as_deref(), Ok(expected), "{text}");
            assert_eq!(
                parse(kind, unit, expected).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of cases")]
    fn what_k6_refuses_is_refused() {
        let trend = [
            "",
            "p(95)",
            "p(95) 300",
            "<300",
            "p(-1)<1",
            "p(101)<1",
            "p()<1",
            "p(NaN)<1",
            "p(<1",
            "p95<1",
            "p(95<1",
            "(95)<1",
            "p(95) < ",
            "p(95) <> 3",
            "p(95) =< 3",
            "p(95)=3",
            "p(95) < 3 4",
            "p(95) < abc",
            "p(95) < NaN",
            "p(95) < inf",
            "p(95) < 3 parsecs",
            "avg << 3",
            "rate<1",
            "value<1",
            "AVG<1",
            "stddev<1",
            "avg<1 && max<2",
            "p(95) < 1%",
            "p(95)<=1MiB",
            "p(inf)<1",
        ];
        for text in trend {
            assert!(parse(Kind::Trend, "time", text).is_err(), "{text}");
        }
        for text in [
            "count!20",
            "count*20",
            "count 20",
            "p(95)<1",
            "value<1",
            "avg<1",
            "count<20ms",
            "rate<1%",
        ] {
            assert!(parse(Kind::Counter, "", text).is_err(), "{text}");
        }
        for text in [
            "count<1",
            "value<1",
            "p(95)<1",
            "rate<101%",
            "rate>99",
            "rate>-1",
            "rate<10/s",
        ] {
            assert!(parse(Kind::Rate, "", text).is_err(), "{text}");
        }
        for text in ["count<1", "rate<1", "p(95)<1", "value<1ms"] {
            assert!(parse(Kind::Gauge, "", text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_say_what_to_write() {
        let message = |kind, unit, text| parse(kind, unit, text).unwrap_err();
        assert_eq!(
            message(Kind::Counter, "", "p(95) < 1"),
            "\"p(95) < 1\": \"p(95)\" is no method of a counter; write count or rate"
        );
        assert_eq!(
            message(Kind::Trend, "time", "p(95)"),
            "\"p(95)\" has no operator of < <= > >= == === !=; write it like \"p(95) < 300ms\""
        );
        assert!(message(Kind::Rate, "", "rate > 99").contains("\"99%\""));
        assert!(message(Kind::Trend, "time", "max <").contains("300ms"));
        assert!(message(Kind::Trend, "time", "p(101) < 1").contains("from 0 to 100"));
    }

    #[test]
    fn each_method_measures_what_it_says() {
        let mut trend = Aggregate::empty(Kind::Trend, Unit::Time);
        [10.0, 20.0, 60.0]
            .iter()
            .for_each(|value| trend.record(*value));
        let second = Duration::from_secs(1);
        for (text, expected) in [
            ("avg<1", 30.0),
            ("min<1", 10.0),
            ("max<1", 60.0),
            ("med<1", 20.0),
            ("count<1", 3.0),
            ("p(100)<1", 60.0),
        ] {
            let expression = Expression::parse(text, &def(Kind::Trend, "time")).unwrap();
            let observed = expression.observe(&trend, second).unwrap();
            assert!(
                (observed / expected - 1.0).abs() < 0.01,
                "{text} {observed}"
            );
            assert_eq!(
                expression.observe(&Aggregate::empty(Kind::Trend, Unit::Time), second),
                None
            );
        }
        let mut counter = Aggregate::empty(Kind::Counter, Unit::None);
        counter.record(6.0);
        let rate = Expression::parse("rate>2", &def(Kind::Counter, "")).unwrap();
        assert_eq!(rate.observe(&counter, second * 2), Some(3.0));
        assert_eq!(rate.observe(&counter, Duration::ZERO), None);
        assert!(rate.holds(3.0) && !rate.holds(2.0));
    }

    #[test]
    fn operators_compare() {
        for (sign, below, same, above) in [
            ("<", true, false, false),
            ("<=", true, true, false),
            (">", false, false, true),
            (">=", false, true, true),
            ("==", false, true, false),
            ("===", false, true, false),
            ("!=", true, false, true),
        ] {
            let e = Expression::parse(&format!("value{sign}5"), &def(Kind::Gauge, "")).unwrap();
            assert_eq!(
                (e.holds(4.0), e.holds(5.0), e.holds(6.0)),
                (below, same, above),
                "{sign}"
            );
        }
    }
}
