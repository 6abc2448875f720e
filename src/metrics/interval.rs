//! What arrives between two looks: for the series of a report, and point by point for outputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::aggregate::Aggregate;
use super::catalog::{MetricId, TagPairs};
use super::definition::MetricDef;
use super::delta::Entry;

/// The samples of one series between two looks.
#[derive(Debug, Clone)]
pub struct Point {
    /// Numbers the series in this run.
    pub series: usize,
    /// The series' metric.
    pub def: MetricDef,
    /// The series' tags.
    pub tags: TagPairs,
    /// Its samples.
    pub samples: Aggregate,
}

/// What arrived between two looks.
#[derive(Debug, Default)]
pub struct Interval {
    /// The tracked metrics, all tags together, that had samples.
    pub tracked: Vec<(Arc<str>, Aggregate)>,
    /// Every series that had samples, if anybody asked for points.
    pub points: Vec<Point>,
}

/// The collecting side.
#[derive(Debug, Default)]
pub(super) struct Collector {
    tracked: BTreeMap<MetricId, (MetricDef, Option<Aggregate>)>,
    points: Option<BTreeMap<usize, Aggregate>>,
}

impl Collector {
    pub(super) fn track(&mut self, metric: MetricId, def: MetricDef) {
        self.tracked.entry(metric).or_insert((def, None));
    }

    pub(super) fn collect_points(&mut self) {
        self.points.get_or_insert_default();
    }

    pub(super) fn absorb(&mut self, series: usize, entry: &Entry, def: &MetricDef, stamp: u64) {
        let empty = || Aggregate::empty(def.kind, def.unit.clone());
        if let Some((_, samples)) = self.tracked.get_mut(&entry.metric) {
            samples.get_or_insert_with(empty).absorb(entry, stamp);
        }
        if let Some(points) = &mut self.points {
            let samples = points.entry(series).or_insert_with(empty);
            samples.absorb(entry, stamp);
        }
    }

    /// Hands out what arrived and begins anew; `name` tells a series by its number.
    pub(super) fn take(&mut self, name: impl Fn(usize) -> (MetricDef, TagPairs)) -> Interval {
        let tracked = self.tracked.values_mut();
        let tracked =
            tracked.filter_map(|(def, samples)| Some((def.name.clone(), samples.take()?)));
        let points = self.points.as_mut().map(std::mem::take).unwrap_or_default();
        let point = |(series, samples)| {
            let (def, tags) = name(series);
            Point {
                series,
                def,
                tags,
                samples,
            }
        };
        Interval {
            tracked: tracked.collect(),
            points: points.into_iter().map(point).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::metrics::{Aggregator, Catalog, Recorder, builtin};

    #[test]
    fn an_interval_holds_what_arrived_since_the_last_look() {
        let catalog = Catalog::new(10);
        let mut all = Aggregator::new(catalog.clone());
        all.track(builtin::HTTP_REQ_DURATION);
        all.collect_points();
        let mut recorder = Recorder::new(catalog.clone());
        let tags = [catalog.tags(&[("s", "a")]), catalog.tags(&[("s", "b")])];
        for (round, values) in [[1.0, 3.0], [10.0, 30.0]].into_iter().enumerate() {
            for (tags, value) in tags.into_iter().zip(values) {
                let series = recorder.series(builtin::HTTP_REQ_DURATION, tags);
                recorder.add(series, value);
                let untracked = recorder.series(builtin::HTTP_REQS, tags);
                recorder.add(untracked, 1.0);
            }
            all.merge(recorder.drain(), Duration::ZERO);
            let interval = all.take_interval();
            let (name, tracked) = &interval.tracked[0];
            assert_eq!((&**name, tracked.count), ("http_req_duration", 2));
            assert_eq!((tracked.min, tracked.max), (values[0], values[1]));
            assert_eq!(interval.tracked.len(), 1);
            let sums: Vec<_> = interval.points.iter().map(|p| p.samples.sum).collect();
            assert_eq!(sums, [values[0], 1.0, values[1], 1.0], "round {round}");
            assert_eq!(&*interval.points[0].tags[0].1, "a");
        }
        let idle = all.take_interval();
        assert!(idle.tracked.is_empty() && idle.points.is_empty());
    }

    #[test]
    fn nothing_is_collected_unasked() {
        let catalog = Catalog::new(10);
        let mut all = Aggregator::new(catalog.clone());
        let mut recorder = Recorder::new(catalog);
        let series = recorder.series(builtin::HTTP_REQS, crate::metrics::TagSetId::EMPTY);
        recorder.add(series, 1.0);
        all.merge(recorder.drain(), Duration::ZERO);
        let interval = all.take_interval();
        assert!(interval.tracked.is_empty() && interval.points.is_empty());
    }
}
