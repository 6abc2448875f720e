//! Thresholds: what a metric must hold for the run to pass.

use std::time::Duration;

use super::selector::Selector;

mod evaluate;
mod expression;
mod method;
mod value;

pub use evaluate::{ThresholdState, ThresholdStatus};
pub use expression::{Expression, ExpressionError};

/// One expression that the samples of a selector must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Whose samples.
    pub selector: Selector,
    /// What must hold.
    pub expression: Expression,
    /// The selector as it was written: `http_req_duration{scenario:browse}`.
    pub source: String,
    /// Whether the run ends at once when it does not hold.
    pub abort_on_fail: bool,
    /// How long after the start of the run `abort_on_fail` begins to act.
    pub delay: Duration,
    /// `None`: the whole run must hold. Else every full window of this length must.
    pub window: Option<Duration>,
}
