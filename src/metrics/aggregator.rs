//! Adds up what all recorders of the process hand over, for verdicts, live reads and the summary.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::aggregate::Aggregate;
use super::catalog::{Catalog, MetricId, TagPairs, TagSetId};
use super::definition::MetricDef;
use super::delta::{Delta, Entry};
use super::interval::{Collector, Interval};
use super::selector::Selector;
use super::window::{Ring, slice_at, slices_in};

/// All samples of the process, per series.
#[derive(Debug)]
pub struct Aggregator {
    catalog: Arc<Catalog>,
    stored: Vec<Stored>,
    index: HashMap<(MetricId, TagSetId), usize>,
    by_metric: HashMap<MetricId, Vec<usize>>,
    rings: Vec<Ring>,
    collector: Collector,
    invalid: u64,
    stamp: u64,
}

#[derive(Debug)]
struct Stored {
    def: MetricDef,
    tags: TagSetId,
    pairs: TagPairs,
    total: Aggregate,
    rings: Vec<usize>,
}

impl Aggregator {
    /// An aggregator without samples.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            stored: Vec::new(),
            index: HashMap::new(),
            by_metric: HashMap::new(),
            rings: Vec::new(),
            collector: Collector::default(),
            invalid: 0,
            stamp: 0,
        }
    }

    /// The catalog whose ids this aggregator understands.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Keeps the recent past of a selector from now on, so that [`Aggregator::window`] can show up
    /// to `longest` of it. Costs memory for each slice of 200 ms; meant for what was planned.
    pub fn watch(&mut self, selector: Selector, longest: Duration) {
        if let Some(ring) = self.rings.iter_mut().find(|ring| ring.selector == selector) {
            ring.keep(longest);
            return;
        }
        let place = self.rings.len();
        for index in self.by_metric.get(&selector.metric).into_iter().flatten() {
            let stored = &mut self.stored[*index];
            if selector.matches(&stored.pairs) {
                stored.rings.push(place);
            }
        }
        let def = self.catalog.def(selector.metric);
        self.rings.push(Ring::new(selector, def, longest));
    }

    /// Adds what a recorder handed over at `at`, counted from the start of the run.
    pub fn merge(&mut self, delta: Delta, at: Duration) {
        self.invalid += delta.invalid;
        for entry in delta.entries {
            self.stamp += 1;
            let index = self.store(&entry);
            let stored = &mut self.stored[index];
            stored.total.absorb(&entry, self.stamp);
            for ring in &stored.rings {
                self.rings[*ring].absorb(&entry, at, self.stamp);
            }
            self.collector
                .absorb(index, &entry, &stored.def, self.stamp);
        }
    }

    /// Collects a metric, all tags together, for [`Aggregator::take_interval`] from now on.
    pub fn track(&mut self, metric: MetricId) {
        self.collector.track(metric, self.catalog.def(metric));
    }

    /// Collects every series for [`Aggregator::take_interval`] from now on.
    pub fn collect_points(&mut self) {
        self.collector.collect_points();
    }

    /// What arrived since this was asked the last time.
    pub fn take_interval(&mut self) -> Interval {
        let stored = &self.stored;
        self.collector
            .take(|series| (stored[series].def.clone(), stored[series].pairs.clone()))
    }

    fn store(&mut self, entry: &Entry) -> usize {
        if let Some(index) = self.index.get(&(entry.metric, entry.tags)) {
            return *index;
        }
        let index = self.stored.len();
        let def = self.catalog.def(entry.metric);
        let pairs = self.catalog.tag_pairs(entry.tags);
        let matching = |(_, ring): &(usize, &Ring)| {
            ring.selector.metric == entry.metric && ring.selector.matches(&pairs)
        };
        let rings = self.rings.iter().enumerate().filter(matching);
        let rings = rings.map(|(place, _)| place).collect();
        self.stored.push(Stored {
            total: Aggregate::empty(def.kind, def.unit.clone()),
            def,
            tags: entry.tags,
            pairs,
            rings,
        });
        self.index.insert((entry.metric, entry.tags), index);
        self.by_metric.entry(entry.metric).or_default().push(index);
        index
    }

    /// All samples of the run that a selector matches; `None` if there are none.
    #[must_use]
    pub fn select(&self, selector: &Selector) -> Option<Aggregate> {
        let series = self.by_metric.get(&selector.metric)?.iter();
        let mut matching = series
            .map(|index| &self.stored[*index])
            .filter(|stored| selector.matches(&stored.pairs));
        let mut all = matching.next()?.total.clone();
        for stored in matching {
            all.merge(&stored.total);
        }
        Some(all)
    }

    /// The samples of the last `window` before `now` that a selector matches; `None` if there are
    /// none, or nobody asked to [`watch`](Aggregator::watch) the selector for so long.
    #[must_use]
    pub fn window(
        &self,
        selector: &Selector,
        window: Duration,
        now: Duration,
    ) -> Option<Aggregate> {
        self.ring(selector)?
            .merged(slice_at(now), slices_in(window))
    }

    pub(super) fn ring(&self, selector: &Selector) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.selector == *selector)
    }

    /// All series with their tags, sorted by metric name, then tags.
    pub fn series(&self) -> impl Iterator<Item = (MetricDef, TagPairs, &Aggregate)> {
        let mut sorted: Vec<&Stored> = self.stored.iter().collect();
        sorted.sort_by(|a, b| (&a.def.name, &a.pairs).cmp(&(&b.def.name, &b.pairs)));
        sorted
            .into_iter()
            .map(|stored| (stored.def.clone(), stored.pairs.clone(), &stored.total))
    }

    /// How many samples lost their tags because there were too many series.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        let lost = self
            .stored
            .iter()
            .filter(|stored| stored.tags == TagSetId::OVERFLOW);
        lost.map(|stored| stored.total.count).sum()
    }

    /// How many samples were left out because they were not finite numbers.
    #[must_use]
    pub fn invalid(&self) -> u64 {
        self.invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Kind, Recorder, Unit, builtin};

    const DURATION: MetricId = builtin::HTTP_REQ_DURATION;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn selector(catalog: &Catalog, text: &str) -> Selector {
        Selector::parse(catalog, text).unwrap()
    }

    #[test]
    fn many_recorders_merge_to_exactly_what_one_would_hold() {
        let catalog = Catalog::new(100);
        let (mut one, mut many) = (
            Aggregator::new(catalog.clone()),
            Aggregator::new(catalog.clone()),
        );
        let mut single = Recorder::new(catalog.clone());
        let mut workers: Vec<_> = (0..4).map(|_| Recorder::new(catalog.clone())).collect();
        let mut rng = crate::base::rng::Rng::derive(7, "merge", 0);
        let tags = [catalog.tags(&[("s", "a")]), catalog.tags(&[("s", "b")])];
        for n in 0..40_000 {
            let (tags, value) = (tags[n % 2], Duration::from_nanos(rng.below(1 << 33)));
            for recorder in [&mut single, &mut workers[n % 4]] {
                for metric in [DURATION, builtin::DATA_SENT, builtin::CHECKS, builtin::VUS] {
                    let series = recorder.series(metric, tags);
                    recorder.time(series, value);
                }
            }
            if n % 1000 == 0 {
                // The same samples, cut differently: the newest last, so that gauges agree.
                many.merge(workers[n % 4].drain(), ms(0));
            }
        }
        one.merge(single.drain(), ms(0));
        for worker in &mut workers {
            many.merge(worker.drain(), ms(0));
        }
        for text in ["http_req_duration", "http_req_duration{s:b}"] {
            let of = |all: &Aggregator| all.select(&selector(&catalog, text)).unwrap();
            let (is, should) = (of(&many), of(&one));
            assert_eq!(
                (is.count, is.sum, is.min, is.max),
                (should.count, should.sum, should.min, should.max)
            );
            for percent in 0..=100 {
                assert_eq!(
                    is.percentile(f64::from(percent)),
                    should.percentile(f64::from(percent))
                );
            }
        }
        let rate = many.select(&selector(&catalog, "checks")).unwrap();
        assert_eq!(rate.count, 40_000);
        assert_eq!(many.select(&selector(&catalog, "http_reqs")), None);
    }

    #[test]
    fn past_the_limit_samples_go_to_one_overflow_for_all_workers() {
        let catalog = Catalog::new(10);
        let mut all = Aggregator::new(catalog.clone());
        for _ in 0..2 {
            let mut recorder = Recorder::new(catalog.clone());
            for n in 0..15 {
                let tags = catalog.tags(&[("n", &n.to_string())]);
                let series = recorder.series(builtin::HTTP_REQS, tags);
                recorder.add(series, 1.0);
            }
            all.merge(recorder.drain(), ms(0));
        }
        assert_eq!(all.series().count(), 11);
        assert_eq!(all.overflowed(), 10);
        let lost = all
            .select(&selector(&catalog, "http_reqs{overflow:true}"))
            .unwrap();
        assert_eq!(lost.sum, 10.0);
        assert_eq!(
            all.select(&selector(&catalog, "http_reqs")).unwrap().sum,
            30.0
        );
    }

    #[test]
    fn a_window_slides() {
        let catalog = Catalog::new(10);
        let mut all = Aggregator::new(catalog.clone());
        let mut recorder = Recorder::new(catalog.clone());
        let watched = selector(&catalog, "http_req_duration{s:a}");
        let tags = [catalog.tags(&[("s", "a")]), catalog.tags(&[("s", "b")])];
        all.watch(watched.clone(), ms(500));
        all.watch(watched.clone(), ms(1000));
        for n in 0..50 {
            for tags in tags {
                let series = recorder.series(DURATION, tags);
                recorder.add(series, n as f64);
            }
            all.merge(recorder.drain(), ms(200 * n));
        }
        let window = all.window(&watched, ms(1000), ms(9_800)).unwrap();
        assert_eq!((window.count, window.min, window.max), (5, 45.0, 49.0));
        let earlier = all.window(&watched, ms(400), ms(8_000)).unwrap();
        assert_eq!((earlier.count, earlier.max), (2, 40.0));
        assert_eq!(all.window(&watched, ms(1000), ms(20_000)), None);
        assert_eq!(all.window(&watched, ms(5_000), ms(9_800)), None);
        let unwatched = selector(&catalog, "http_req_duration{s:b}");
        assert_eq!(all.window(&unwatched, ms(1000), ms(9_800)), None);
        all.watch(unwatched.clone(), ms(1000));
        let series = recorder.series(DURATION, tags[1]);
        recorder.add(series, 1.0);
        all.merge(recorder.drain(), ms(10_000));
        assert_eq!(
            all.window(&unwatched, ms(1000), ms(10_000)).unwrap().count,
            1
        );
    }

    #[test]
    fn a_ring_forgets_what_no_window_reaches() {
        let catalog = Catalog::new(10);
        let mut all = Aggregator::new(catalog.clone());
        let mut recorder = Recorder::new(catalog.clone());
        all.watch(selector(&catalog, "http_reqs"), ms(1000));
        for n in 0..5_000 {
            let series = recorder.series(builtin::HTTP_REQS, TagSetId::EMPTY);
            recorder.add(series, 1.0);
            all.merge(recorder.drain(), ms(200 * n));
        }
        let ring = all.ring(&selector(&catalog, "http_reqs")).unwrap();
        let whole = ring.merged(4_950, 5).map(|aggregate| aggregate.count);
        assert_eq!((whole, ring.merged(4_900, 5)), (Some(5), None));
        assert_eq!(ring.first(), Some(0));
    }

    #[test]
    fn a_gauge_of_several_series_is_the_latest() {
        let catalog = Catalog::new(10);
        let mut all = Aggregator::new(catalog.clone());
        let mut recorder = Recorder::new(catalog.clone());
        let tags = [catalog.tags(&[("s", "a")]), catalog.tags(&[("s", "b")])];
        for (tags, value) in [(tags[0], 1.0), (tags[1], 2.0), (tags[0], 3.0)] {
            let series = recorder.series(builtin::VUS, tags);
            recorder.add(series, value);
            all.merge(recorder.drain(), ms(0));
        }
        let gauge = all.select(&selector(&catalog, "vus")).unwrap();
        assert_eq!((gauge.last, gauge.min, gauge.max), (3.0, 1.0, 3.0));
    }

    #[test]
    fn series_come_sorted_whatever_the_order_of_arrival() {
        let names = |order: &[usize]| {
            let catalog = Catalog::new(100);
            let mut all = Aggregator::new(catalog.clone());
            let mut recorder = Recorder::new(catalog.clone());
            for n in order {
                let metric = catalog
                    .define(&format!("m{}", n % 3), Kind::Counter, Unit::None)
                    .unwrap();
                let tags = catalog.tags(&[("n", &n.to_string())]);
                let series = recorder.series(metric, tags);
                recorder.add(series, 1.0);
            }
            all.merge(recorder.drain(), ms(0));
            let rows: Vec<_> = all
                .series()
                .map(|(def, tags, a)| (def.name, tags, a.sum))
                .collect();
            rows
        };
        assert_eq!(names(&[0, 1, 2, 3, 4, 5]), names(&[5, 2, 4, 0, 1, 3]));
    }

    #[test]
    fn memory_follows_series_not_samples() {
        let catalog = Catalog::new(100);
        let mut all = Aggregator::new(catalog.clone());
        let mut recorder = Recorder::new(catalog.clone());
        let series = recorder.series(DURATION, TagSetId::EMPTY);
        let mut sizes = Vec::new();
        for n in 0..1_000_000u64 {
            recorder.time(series, Duration::from_micros(n * 7919 % 1000 * 20));
            if n % 100_000 == 99_999 {
                all.merge(recorder.drain(), ms(n / 1000));
                sizes.push(all.stored[0].total.footprint());
            }
        }
        assert_eq!(sizes.first(), sizes.last());
        assert_eq!(all.stored[0].total.count, 1_000_000);
        assert!(sizes[0] < 32 << 10, "{sizes:?}");
    }
}
