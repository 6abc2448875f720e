//! Metrics of a run: what is measured, how it is recorded without locks, and what it is held to.

pub mod builtin;

mod aggregate;
mod aggregator;
mod catalog;
mod definition;
mod delta;
mod faults;
mod histogram;
mod interval;
mod recorder;
mod selector;
mod threshold;
mod window;

pub use aggregate::Aggregate;
pub use aggregator::Aggregator;
pub use catalog::{Catalog, DefineError, MetricId, TagPairs, TagSetId};
pub use definition::{Kind, MetricDef, Unit};
pub use delta::Delta;
pub use faults::FaultSpans;
pub use interval::{Interval, Point};
pub use recorder::{IdState, Recorder, Series};
pub use selector::{Selector, SelectorError};
pub use threshold::{Expression, ExpressionError, Threshold, ThresholdState, ThresholdStatus};
