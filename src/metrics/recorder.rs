//! Records the samples of one worker thread: no locks, no allocation once a series is known.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::catalog::{Catalog, MetricId, TagSetId};
use super::definition::Kind;
use super::delta::{Delta, Entry, Tally};
use super::histogram::Pages;

/// A metric with a tag set, in the recorder that handed it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Series(u32);

/// The samples of one worker since its last drain.
#[derive(Debug)]
pub struct Recorder {
    catalog: Arc<Catalog>,
    cells: Vec<Cell>,
    index: HashMap<u64, Series, IdState>,
    dirty: Vec<Series>,
    sets: HashMap<u64, Remembered, IdState>,
    invalid: u64,
}

#[derive(Debug)]
struct Cell {
    metric: MetricId,
    tags: TagSetId,
    scale: f64,
    tally: Tally,
    pages: Option<Pages>,
}

/// A set of tags that was asked for before, to be compared in full: two may share a hash.
#[derive(Debug)]
struct Remembered {
    base: TagSetId,
    pairs: Box<[(Box<str>, Box<str>)]>,
    set: TagSetId,
}

/// The most tag sets a recorder remembers; beyond it starts anew, and the catalog knows them still.
const REMEMBERED: usize = 4096;

impl Recorder {
    /// A recorder for one thread.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            cells: Vec::new(),
            index: HashMap::default(),
            dirty: Vec::new(),
            sets: HashMap::default(),
            invalid: 0,
        }
    }

    /// The catalog whose ids this recorder understands.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// As [`Catalog::extend`], remembered: a set that was asked for before costs no lock.
    pub fn extend(&mut self, base: TagSetId, pairs: &[(&str, &str)]) -> TagSetId {
        if pairs.is_empty() {
            return base;
        }
        let mut hasher = IdHasher::default();
        (base, pairs).hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(known) = self.sets.get(&hash)
            && known.is(base, pairs)
        {
            return known.set;
        }
        let set = self.catalog.extend(base, pairs);
        if self.sets.len() >= REMEMBERED {
            self.sets.clear();
        }
        let pairs = pairs.iter().map(|&(k, v)| (k.into(), v.into())).collect();
        self.sets.insert(hash, Remembered { base, pairs, set });
        set
    }

    /// The tags of a sample that took so long and ends now: with the faults that it overlaps, if any.
    #[inline]
    pub fn with_faults(&mut self, tags: TagSetId, took: Duration) -> TagSetId {
        match self.catalog.faults().overlapping(took) {
            Some(fault) => self.extend(tags, &[("fault", &fault)]),
            None => tags,
        }
    }

    /// The series of a metric and a tag set, or the metric's overflow if there are too many in the process.
    #[inline]
    pub fn series(&mut self, metric: MetricId, tags: TagSetId) -> Series {
        let key = key(metric, tags);
        match self.index.get(&key) {
            Some(&series) => series,
            None => self.open(metric, tags),
        }
    }

    #[cold]
    fn open(&mut self, metric: MetricId, tags: TagSetId) -> Series {
        let (admitted, def) = self.catalog.admit(metric, tags);
        let known = self.index.get(&key(metric, admitted)).copied();
        let series = known.unwrap_or_else(|| {
            let series = Series(self.cells.len() as u32);
            self.cells.push(Cell {
                metric,
                tags: admitted,
                scale: if def.kind == Kind::Rate {
                    1.0
                } else {
                    def.unit.scale()
                },
                tally: Tally::EMPTY,
                pages: (def.kind == Kind::Trend).then(Pages::default),
            });
            self.index.insert(key(metric, admitted), series);
            series
        });
        self.index.insert(key(metric, tags), series);
        series
    }

    /// Adds a sample: a counter grows by it, a gauge becomes it, a rate takes it as a pass unless
    /// zero, a trend records it. In the metric's unit (time: milliseconds). A value that is not a
    /// finite number is only counted as invalid.
    #[inline]
    pub fn add(&mut self, series: Series, value: f64) {
        if let Some(cell) = self.cells.get(series.0 as usize) {
            self.record(series, value * cell.scale);
        }
    }

    /// Adds a duration to a metric of unit time; to one of another unit, its milliseconds.
    #[inline]
    pub fn time(&mut self, series: Series, duration: Duration) {
        let whole = duration.as_secs().saturating_mul(1_000_000_000);
        let nanos = whole.saturating_add(u64::from(duration.subsec_nanos())) as f64;
        if let Some(cell) = self.cells.get(series.0 as usize) {
            let steps = if cell.scale == 1e6 {
                nanos
            } else {
                nanos / 1e6
            };
            self.record(series, steps);
        }
    }

    #[inline]
    fn record(&mut self, series: Series, steps: f64) {
        if !steps.is_finite() {
            self.invalid += 1;
            return;
        }
        let Some(cell) = self.cells.get_mut(series.0 as usize) else {
            return;
        };
        if cell.tally.count == 0 {
            self.dirty.push(series);
        }
        cell.tally.record(steps);
        if let Some(pages) = &mut cell.pages {
            pages.record(steps);
        }
    }

    /// Takes out everything recorded since the last drain.
    pub fn drain(&mut self) -> Delta {
        let mut entries = Vec::with_capacity(self.dirty.len());
        for series in self.dirty.drain(..) {
            let cell = &mut self.cells[series.0 as usize];
            entries.push(Entry {
                metric: cell.metric,
                tags: cell.tags,
                tally: std::mem::replace(&mut cell.tally, Tally::EMPTY),
                buckets: cell.pages.as_mut().map(Pages::drain).unwrap_or_default(),
            });
        }
        let invalid = std::mem::take(&mut self.invalid);
        Delta { entries, invalid }
    }

    /// Bytes held by the cells.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        let pages = self.cells.iter().filter_map(|cell| cell.pages.as_ref());
        self.cells.capacity() * size_of::<Cell>()
            + self.dirty.capacity() * size_of::<Series>()
            + pages.map(Pages::footprint).sum::<usize>()
    }
}

impl Remembered {
    fn is(&self, base: TagSetId, pairs: &[(&str, &str)]) -> bool {
        let known = self.pairs.iter().map(|(name, value)| (&**name, &**value));
        self.base == base && known.eq(pairs.iter().copied())
    }
}

fn key(metric: MetricId, tags: TagSetId) -> u64 {
    u64::from(metric.0) << 32 | u64::from(tags.0)
}

/// Mixes what is no attacker's choice; the default hasher would cost more than the sample.
#[derive(Debug, Default)]
pub struct IdHasher(u64);

/// Builds an [`IdHasher`] for a table of a worker's own keys.
pub type IdState = BuildHasherDefault<IdHasher>;

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks();
        for chunk in whole {
            self.write_u64(u64::from_le_bytes(*chunk));
        }
        if !rest.is_empty() {
            let mut number = [0; 8];
            number[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(number));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ 0x9e37_79b9_7f4a_7c15) * 0xbf58_476d_1ce4_e5b9;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Unit, builtin};

    #[test]
    fn a_drain_holds_only_what_was_touched() {
        let mut recorder = Recorder::new(Catalog::new(100));
        let a = recorder.series(builtin::HTTP_REQS, TagSetId::EMPTY);
        let b = recorder.series(builtin::HTTP_REQ_DURATION, TagSetId::EMPTY);
        recorder.add(a, 1.0);
        recorder.time(b, Duration::from_millis(5));
        assert_eq!(recorder.drain().entries.len(), 2);
        recorder.add(a, 2.0);
        let delta = recorder.drain();
        assert_eq!(delta.entries.len(), 1);
        assert_eq!(delta.entries[0].tally.sum, 2.0);
        assert!(recorder.drain().is_empty());
    }

    #[test]
    fn a_duration_and_its_milliseconds_are_the_same_sample() {
        let catalog = Catalog::new(100);
        let plain = catalog.define("plain", Kind::Trend, Unit::None).unwrap();
        let mut recorder = Recorder::new(catalog);
        for metric in [builtin::HTTP_REQ_DURATION, plain] {
            let series = recorder.series(metric, TagSetId::EMPTY);
            recorder.time(series, Duration::from_micros(12_500));
            let timed = recorder.drain().entries.remove(0);
            recorder.add(series, 12.5);
            let added = recorder.drain().entries.remove(0);
            assert_eq!(timed.tally, added.tally);
            assert_eq!(timed.buckets, added.buckets);
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_counted_and_left_out() {
        let mut recorder = Recorder::new(Catalog::new(100));
        let series = recorder.series(builtin::ITERATION_LAG, TagSetId::EMPTY);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            recorder.add(series, value);
        }
        let delta = recorder.drain();
        assert_eq!((delta.entries.len(), delta.invalid), (0, 4));
        assert!(!delta.is_empty());
    }

    #[test]
    fn memory_does_not_grow_with_samples() {
        let mut recorder = Recorder::new(Catalog::new(100));
        let series = recorder.series(builtin::HTTP_REQ_DURATION, TagSetId::EMPTY);
        let fill = |recorder: &mut Recorder, samples: u64| {
            for n in 0..samples {
                recorder.time(series, Duration::from_nanos((1 << 20) + n % 1000 * 60_000));
            }
            recorder.footprint()
        };
        let before = fill(&mut recorder, 10_000);
        assert_eq!(fill(&mut recorder, 1_000_000), before);
        let delta = recorder.drain();
        assert_eq!(delta.entries[0].tally.count, 1_010_000);
        assert!(delta.entries[0].buckets.len() < 1000);
        assert!(recorder.footprint() < 16 << 10);
    }

    #[test]
    fn tag_sets_are_remembered_as_the_catalog_has_them() {
        let catalog = Catalog::new(10_000);
        let mut recorder = Recorder::new(catalog.clone());
        let base = catalog.tags(&[("scenario", "browse")]);
        for round in 0..2 {
            for n in 0..REMEMBERED + 10 {
                let value = n.to_string();
                let pairs = [("status", "200"), ("name", value.as_str())];
                let set = recorder.extend(base, &pairs);
                assert_eq!(set, catalog.extend(base, &pairs), "{round} {n}");
            }
        }
        assert!(recorder.sets.len() <= REMEMBERED);
        assert_eq!(recorder.extend(base, &[]), base);
    }
}
