//! What a recorder hands over: the samples since the last time, added up per series.

use super::catalog::{MetricId, TagSetId};
use super::histogram::Bucket;

/// The samples of one recorder since its last drain. Its size depends on how many series were
/// touched, not on how many samples there were.
#[derive(Debug, Default)]
pub struct Delta {
    pub(super) entries: Vec<Entry>,
    pub(super) invalid: u64,
}

impl Delta {
    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.invalid == 0
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) metric: MetricId,
    pub(super) tags: TagSetId,
    pub(super) tally: Tally,
    pub(super) buckets: Vec<(Bucket, u32)>,
}

/// What is kept exactly of a series; values in steps of the unit's scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) passes: u64,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) last: f64,
    /// Whether all values so far are whole numbers.
    pub(super) whole: bool,
}

impl Tally {
    pub(super) const EMPTY: Self = Self {
        count: 0,
        passes: 0,
        sum: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        last: 0.0,
        whole: true,
    };

    /// Adds one finite value.
    #[inline]
    pub(super) fn record(&mut self, value: f64) {
        self.count += 1;
        self.passes += u64::from(value != 0.0);
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
        // A cast there and back is one instruction each, `fract` may be a call.
        self.whole &= (value as i64) as f64 == value;
    }

    /// Adds the values of another, whose last is the later one if `newer`.
    pub(super) fn merge(&mut self, other: &Self, newer: bool) {
        self.count += other.count;
        self.passes += other.passes;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.whole &= other.whole;
        if newer {
            self.last = other.last;
        }
    }
}
