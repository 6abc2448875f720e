//! What a set of samples amounts to: exact count, sum, smallest and largest, and any percentile.

use std::time::Duration;

use super::definition::{Kind, Unit};
use super::delta::{Entry, Tally};
use super::histogram::Histogram;

/// The samples of one or more series of a metric, added up. Values are in the metric's unit
/// (time: milliseconds). Merging is exact and does not depend on the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// The metric's kind.
    pub kind: Kind,
    /// The metric's unit.
    pub unit: Unit,
    /// Number of samples.
    pub count: u64,
    /// Sum of all samples; a counter's value.
    pub sum: f64,
    /// Smallest sample; 0 without samples.
    pub min: f64,
    /// Largest sample; 0 without samples.
    pub max: f64,
    /// Latest sample; a gauge's value.
    pub last: f64,
    /// Samples of a rate that were not zero; 0 for other kinds.
    pub passes: u64,
    /// Samples of a rate that were zero; 0 for other kinds.
    pub fails: u64,
    tally: Tally,
    histogram: Histogram,
    /// When the latest sample was merged, as a number that grows.
    stamp: u64,
}

impl Aggregate {
    /// No samples yet.
    #[must_use]
    pub fn empty(kind: Kind, unit: Unit) -> Self {
        Self {
            kind,
            unit,
            count: 0,
            sum: 0.0,
            min: 0.0,
            max: 0.0,
            last: 0.0,
            passes: 0,
            fails: 0,
            tally: Tally::EMPTY,
            histogram: Histogram::default(),
            stamp: 0,
        }
    }

    /// Adds one sample, in the metric's unit; one that is not a finite number is left out.
    pub fn record(&mut self, value: f64) {
        let steps = value * self.scale();
        if steps.is_finite() {
            self.tally.record(steps);
            if self.kind == Kind::Trend {
                self.histogram.record(steps);
            }
            self.show();
        }
    }

    /// Adds all samples of another aggregate of the same kind and unit.
    pub fn merge(&mut self, other: &Self) {
        let newer = other.count > 0 && (other.stamp >= self.stamp || self.count == 0);
        self.tally.merge(&other.tally, newer);
        self.histogram.merge(&other.histogram);
        self.stamp = self.stamp.max(other.stamp);
        self.show();
    }

    /// The samples that came after an earlier state of this aggregate. Smallest and largest are those of all.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut left = self.clone();
        left.tally.count = self.tally.count.saturating_sub(earlier.tally.count);
        left.tally.passes = self.tally.passes.saturating_sub(earlier.tally.passes);
        left.tally.sum -= earlier.tally.sum;
        left.histogram = self.histogram.since(&earlier.histogram);
        left.count = 0;
        left.sum = 0.0;
        left.show();
        left
    }

    pub(super) fn absorb(&mut self, entry: &Entry, stamp: u64) {
        self.tally.merge(&entry.tally, true);
        let counts = entry.buckets.iter();
        self.histogram
            .add(counts.map(|&(bucket, count)| (bucket, u64::from(count))));
        self.stamp = stamp;
        self.show();
    }

    fn scale(&self) -> f64 {
        if self.kind == Kind::Rate {
            1.0
        } else {
            self.unit.scale()
        }
    }

    fn show(&mut self) {
        let (scale, tally) = (self.scale(), &self.tally);
        if tally.count > 0 {
            self.count = tally.count;
            self.sum = tally.sum / scale;
            self.min = tally.min / scale;
            self.max = tally.max / scale;
            self.last = tally.last / scale;
        }
        if self.kind == Kind::Rate {
            self.passes = tally.passes;
            self.fails = tally.count - tally.passes;
        }
    }

    /// The value below which `percent` (0 to 100) of a trend's samples lie, within 0.4 %; between
    /// two samples the line between them decides, as in k6. `None` without samples, for another
    /// kind, or when `percent` is out of range.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.kind != Kind::Trend || self.count == 0 || !(0.0..=100.0).contains(&percent) {
            return None;
        }
        let rank = percent / 100.0 * (self.count - 1) as f64;
        let below = self.at_rank(rank as u64);
        let between = rank.fract();
        if between == 0.0 {
            return Some(below);
        }
        Some(below + (self.at_rank(rank as u64 + 1) - below) * between)
    }

    /// How many of a trend's samples are at most `value`, within 0.8 % of it; exact where `value` is
    /// beyond all samples.
    #[must_use]
    pub fn at_most(&self, value: f64) -> u64 {
        if value >= self.max {
            self.count
        } else if value < self.min {
            0
        } else {
            self.histogram.at_most(value * self.scale())
        }
    }

    fn at_rank(&self, rank: u64) -> f64 {
        if rank == 0 {
            self.min
        } else if rank + 1 >= self.count {
            self.max
        } else {
            let middle = self.histogram.at_rank(rank, self.tally.whole);
            (middle / self.scale()).clamp(self.min, self.max)
        }
    }

    /// The mean of all samples. `None` without samples.
    #[must_use]
    pub fn avg(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The middle sample of a trend, as [`Aggregate::percentile`] of 50.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        self.percentile(50.0)
    }

    /// The share of passes of a rate, 0 to 1. `None` without samples or for another kind.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.kind == Kind::Rate && self.count > 0).then(|| self.passes as f64 / self.count as f64)
    }

    /// A counter's growth, or the number of samples of another kind, per second of `elapsed`.
    /// `None` if no time has passed.
    #[must_use]
    pub fn per_second(&self, elapsed: Duration) -> Option<f64> {
        let amount = match self.kind {
            Kind::Counter => self.sum,
            _ => self.count as f64,
        };
        (!elapsed.is_zero()).then(|| amount / elapsed.as_secs_f64())
    }

    /// Bytes held outside of the struct itself.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        self.histogram.footprint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn trend(unit: Unit, values: &[f64]) -> Aggregate {
        let mut aggregate = Aggregate::empty(Kind::Trend, unit);
        values.iter().for_each(|value| aggregate.record(*value));
        aggregate
    }

    fn exact(sorted: &[f64], percent: f64) -> f64 {
        let rank = percent / 100.0 * (sorted.len() - 1) as f64;
        let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
        below + (above - below) * rank.fract()
    }

    fn normal(rng: &mut Rng) -> f64 {
        (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0
    }

    #[test]
    fn percentiles_are_within_one_percent_of_a_sort() {
        type Shape = fn(&mut Rng) -> f64;
        let shapes: [(&str, Shape); 6] = [
            ("uniform", |rng| rng.unit() * 1000.0),
            ("exponential", |rng| -(1.0 - rng.unit()).ln() * 20.0),
            ("lognormal", |rng| (normal(rng) * 2.0).exp()),
            ("tiny", |rng| 1e-6 + rng.unit() * 1e-5),
            ("negative", |rng| -0.5 - rng.unit() * 300.0),
            ("two peaks", |rng| {
                if rng.unit() < 0.9 {
                    3.0 + rng.unit()
                } else {
                    2e7 + 1e6 * rng.unit()
                }
            }),
        ];
        for (name, shape) in shapes {
            let mut rng = Rng::derive(1, name, 0);
            let mut values: Vec<f64> = (0..20_000).map(|_| shape(&mut rng)).collect();
            for unit in [Unit::None, Unit::Time] {
                let aggregate = trend(unit, &values);
                values.sort_by(f64::total_cmp);
                for percent in [
                    0.0, 0.1, 1.0, 10.0, 50.0, 75.0, 89.0, 95.0, 99.0, 99.9, 100.0,
                ] {
                    let (is, should) = (
                        aggregate.percentile(percent).unwrap(),
                        exact(&values, percent),
                    );
                    assert!(
                        (is / should - 1.0).abs() < 0.01,
                        "{name} p({percent}) {is} {should}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_one_and_few_samples() {
        let none = trend(Unit::Time, &[]);
        assert_eq!(
            (none.percentile(50.0), none.avg(), none.max),
            (None, None, 0.0)
        );
        let one = trend(Unit::Time, &[12.3]);
        for percent in [0.0, 50.0, 95.0, 100.0] {
            assert_eq!(one.percentile(percent), Some(12.3));
        }
        let two = trend(Unit::Time, &[30.0, 10.0]);
        assert_eq!(
            (two.median(), two.avg(), two.last),
            (Some(20.0), Some(20.0), 10.0)
        );
        let few = trend(Unit::None, &[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!((few.median(), few.percentile(25.0)), (Some(3.0), Some(2.0)));
        assert_eq!((few.min, few.max, few.sum), (1.0, 5.0, 15.0));
    }

    #[test]
    fn negatives_and_zero_have_their_place() {
        let mixed = trend(Unit::None, &[-10.0, -5.0, 0.0, 5.0, 10.0]);
        assert_eq!(mixed.median(), Some(0.0));
        assert_eq!(mixed.percentile(25.0), Some(-5.0));
        assert_eq!((mixed.min, mixed.max, mixed.sum), (-10.0, 10.0, 0.0));
    }

    #[test]
    fn percentiles_out_of_range_or_of_other_kinds_are_none() {
        let one = trend(Unit::None, &[1.0]);
        for percent in [-1.0, 100.1, f64::NAN] {
            assert_eq!(one.percentile(percent), None);
        }
        let mut counter = Aggregate::empty(Kind::Counter, Unit::None);
        counter.record(3.0);
        assert_eq!((counter.percentile(50.0), counter.rate()), (None, None));
        assert_eq!(counter.per_second(Duration::from_secs(2)), Some(1.5));
        assert_eq!(counter.per_second(Duration::ZERO), None);
    }

    #[test]
    fn what_came_later_is_the_difference() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let early = trend(Unit::Time, &values[..50]);
        let later = trend(Unit::Time, &values).since(&early);
        assert_eq!(
            (later.count, later.sum),
            (50, (51..=100).sum::<i32>().into())
        );
        let median = later.median().unwrap();
        assert!((75.0..=76.0).contains(&median), "{median}");
        let none = early.since(&early);
        assert_eq!((none.count, none.percentile(95.0)), (0, None));
    }

    #[test]
    fn a_rate_is_the_share_of_what_is_not_zero() {
        let mut rate = Aggregate::empty(Kind::Rate, Unit::None);
        assert_eq!(rate.rate(), None);
        for value in [1.0, 0.0, 1.0, 1.0] {
            rate.record(value);
        }
        assert_eq!((rate.passes, rate.fails, rate.rate()), (3, 1, Some(0.75)));
    }
}
