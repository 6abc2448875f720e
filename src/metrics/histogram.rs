//! HDR histograms of any finite number: 128 buckets per power of two, so that a value is known to 0.4 %.
//!
//! The buckets are those of the floating-point format itself: exponent and the first seven bits of
//! the fraction. That needs no scale, no range and no second histogram for small or negative values,
//! and merging is adding, hence exact. Storage follows the powers of two that occur.

/// Numbers a bucket; buckets are in the order of their values, negative ones below zero.
pub(super) type Bucket = i32;

const PER_PAGE: usize = 128;
/// The most pages kept over a drain, to stay below 16 KiB; largest to smallest is a factor of 16 million.
const KEPT_PAGES: usize = 24;
const GUESSES: usize = 32;

/// The bucket of a finite number. Below the smallest normal number, it is zero's.
fn bucket(value: f64) -> Bucket {
    let magnitude = (value.abs().to_bits() >> 45) as Bucket;
    if magnitude < PER_PAGE as Bucket {
        0
    } else if value < 0.0 {
        -magnitude
    } else {
        magnitude
    }
}

/// The number that stands for a bucket: its middle; if all samples were whole, a whole one, which
/// is exact up to 255.
fn middle(bucket: Bucket, whole: bool) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let magnitude = u64::from(bucket.unsigned_abs());
    let half_step = 1 << 44;
    let middle = f64::from_bits((magnitude << 45) + half_step);
    let middle = if whole { middle.floor() } else { middle };
    if bucket < 0 { -middle } else { middle }
}

/// Counts as a worker records them: one page per power of two that occurred.
#[derive(Debug)]
pub(super) struct Pages {
    pages: Vec<Page>,
    /// Where the page of a number was seen last, by its low bits; a guess to be checked.
    guesses: [u8; GUESSES],
}

#[derive(Debug)]
struct Page {
    number: i32,
    counts: Box<[u32; PER_PAGE]>,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            guesses: [0; GUESSES],
        }
    }
}

impl Pages {
    /// Counts one finite number.
    #[inline]
    pub(super) fn record(&mut self, value: f64) {
        let bucket = bucket(value);
        let number = bucket / PER_PAGE as i32;
        let slot = bucket.unsigned_abs() as usize % PER_PAGE;
        let guess = usize::from(self.guesses[number as usize % GUESSES]);
        if let Some(page) = self.pages.get_mut(guess)
            && page.number == number
        {
            page.counts[slot] = page.counts[slot].saturating_add(1);
        } else {
            let counts = self.find(number);
            counts[slot] = counts[slot].saturating_add(1);
        }
    }

    #[cold]
    fn find(&mut self, number: i32) -> &mut [u32; PER_PAGE] {
        let found = self.pages.binary_search_by_key(&number, |page| page.number);
        let place = found.unwrap_or_else(|place| {
            let counts = Box::new([0; PER_PAGE]);
            self.pages.insert(place, Page { number, counts });
            place
        });
        if let Ok(guess) = u8::try_from(place) {
            self.guesses[number as usize % GUESSES] = guess;
        }
        &mut self.pages[place].counts
    }

    /// Takes the counts out, in order, and forgets pages that were not in use.
    pub(super) fn drain(&mut self) -> Vec<(Bucket, u32)> {
        let mut out = Vec::new();
        self.pages.retain_mut(|page| {
            let before = out.len();
            let sign = if page.number < 0 { -1 } else { 1 };
            for (slot, count) in page.counts.iter_mut().enumerate() {
                if *count > 0 {
                    let bucket = page.number * PER_PAGE as i32 + sign * slot as i32;
                    out.push((bucket, std::mem::take(count)));
                }
            }
            if sign < 0 {
                out[before..].reverse();
            }
            out.len() > before
        });
        if self.pages.len() > KEPT_PAGES {
            self.pages = Vec::new();
        }
        out
    }

    /// Bytes held.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        size_of::<Self>()
            + self.pages.capacity() * size_of::<Page>()
            + self.pages.len() * size_of::<[u32; PER_PAGE]>()
    }
}

/// Counts as they are merged: the buckets that occurred, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    buckets: Vec<(Bucket, u64)>,
}

impl Histogram {
    /// Counts one finite number.
    pub(super) fn record(&mut self, value: f64) {
        self.add([(bucket(value), 1)].into_iter());
    }

    /// Adds counts that come in the order of their buckets, each bucket once.
    pub(super) fn add(&mut self, counts: impl DoubleEndedIterator<Item = (Bucket, u64)> + Clone) {
        let (mut place, mut missing) = (0, 0);
        for (bucket, count) in counts.clone() {
            while self.buckets.get(place).is_some_and(|(b, _)| *b < bucket) {
                place += 1;
            }
            match self.buckets.get_mut(place) {
                Some((known, sum)) if *known == bucket => *sum += count,
                _ => missing += 1,
            }
        }
        if missing > 0 {
            self.insert(counts, missing);
        }
    }

    /// Makes room for buckets that are not there yet, from the back, so that each moves once.
    fn insert(&mut self, counts: impl DoubleEndedIterator<Item = (Bucket, u64)>, missing: usize) {
        let mut read = self.buckets.len();
        let mut write = read + missing;
        self.buckets.resize(write, (0, 0));
        for (bucket, count) in counts.rev() {
            while read > 0 && self.buckets[read - 1].0 > bucket {
                (read, write) = (read - 1, write - 1);
                self.buckets[write] = self.buckets[read];
            }
            if read == 0 || self.buckets[read - 1].0 != bucket {
                write -= 1;
                self.buckets[write] = (bucket, count);
            }
            if read == write {
                break;
            }
        }
    }

    /// Adds all counts of another.
    pub(super) fn merge(&mut self, other: &Self) {
        self.add(other.buckets.iter().copied());
    }

    /// What came after an earlier state of this histogram.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut before = earlier.buckets.iter().peekable();
        let left = self.buckets.iter().filter_map(|&(bucket, count)| {
            while before.next_if(|(known, _)| *known < bucket).is_some() {}
            let known = before.next_if(|(known, _)| *known == bucket);
            let left = count.saturating_sub(known.map_or(0, |(_, count)| *count));
            (left > 0).then_some((bucket, left))
        });
        Self {
            buckets: left.collect(),
        }
    }

    /// The sample at `rank`, counted from 0 in the order of size; past the end, the largest.
    pub(super) fn at_rank(&self, rank: u64, whole: bool) -> f64 {
        let mut passed = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            passed += count;
            passed > rank
        });
        let (bucket, _) = *found.or(self.buckets.last()).unwrap_or(&(0, 0));
        middle(bucket, whole)
    }

    /// How many samples are at most `value`, to the width of its bucket.
    pub(super) fn at_most(&self, value: f64) -> u64 {
        let limit = bucket(value);
        let end = self.buckets.partition_point(|(bucket, _)| *bucket <= limit);
        self.buckets[..end].iter().map(|(_, count)| count).sum()
    }

    /// Bytes held.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        self.buckets.capacity() * size_of::<(Bucket, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_within_half_a_percent_of_all_it_holds() {
        for value in [
            1e-300,
            3e-7,
            0.1,
            0.5,
            1.0,
            1.99,
            777.7,
            1e9,
            1e300,
            f64::MAX,
        ] {
            for value in [value, -value] {
                let shown = middle(bucket(value), false);
                assert!((shown / value - 1.0).abs() < 0.005, "{value} {shown}");
            }
        }
        assert_eq!(middle(bucket(0.0), false), 0.0);
        assert_eq!(middle(bucket(-0.0), false), 0.0);
    }

    #[test]
    fn whole_numbers_up_to_255_are_exact() {
        for value in -255..=255 {
            let value = f64::from(value);
            assert_eq!(middle(bucket(value), true), value);
        }
    }

    #[test]
    fn buckets_are_in_the_order_of_values() {
        let mut pages = Pages::default();
        let values = [
            -1e9, -260.0, -3.0, -1.5, -1e-9, 0.0, 1e-9, 1.0, 1.5, 4.0, 1e9,
        ];
        for value in values.iter().rev() {
            pages.record(*value);
        }
        let drained = pages.drain();
        assert!(drained.is_sorted_by(|a, b| a.0 < b.0));
        let middles = drained.iter().map(|(bucket, _)| middle(*bucket, false));
        for (middle, value) in middles.zip(values) {
            assert!(
                (middle - value).abs() <= value.abs() * 0.005,
                "{middle} {value}"
            );
        }
        assert!(pages.drain().is_empty());
    }

    #[test]
    fn an_idle_histogram_is_small_whatever_it_saw() {
        let mut pages = Pages::default();
        for exponent in -300..300 {
            pages.record(10f64.powi(exponent));
            pages.record(-(10f64.powi(exponent)));
        }
        assert_eq!(pages.drain().len(), 1200);
        assert!(pages.footprint() < 16 << 10);
        for value in 1..=60_000 {
            pages.record(f64::from(value) * 1e3);
        }
        pages.drain();
        assert!(pages.footprint() < 16 << 10, "{}", pages.footprint());
    }

    #[test]
    fn ranks_past_the_end_and_empty_ones_do_not_panic() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.at_rank(3, true), 0.0);
        histogram.add([(bucket(1.0), 2), (bucket(7.0), 1)].into_iter());
        assert_eq!(histogram.at_rank(1, true), 1.0);
        assert_eq!(histogram.at_rank(2, true), 7.0);
        assert_eq!(histogram.at_rank(99, true), 7.0);
    }

    #[test]
    fn adding_is_counting_in_any_order() {
        let mut rng = crate::base::rng::Rng::derive(1, "adding", 0);
        let (mut all, mut known) = (Histogram::default(), std::collections::BTreeMap::new());
        for _ in 0..200 {
            let size = rng.below(20);
            let part: std::collections::BTreeMap<Bucket, u64> = (0..size)
                .map(|_| (rng.below(100) as Bucket - 50, 1 + rng.below(9)))
                .collect();
            for (bucket, count) in &part {
                *known.entry(*bucket).or_insert(0) += count;
            }
            all.add(part.iter().map(|(bucket, count)| (*bucket, *count)));
            assert!(all.buckets.iter().copied().eq(known.clone()));
        }
    }

    #[test]
    fn percentiles_agree_with_hdrhistogram() {
        let mut ours = Histogram::default();
        let mut theirs = hdrhistogram::Histogram::<u64>::new(3).unwrap();
        let mut rng = crate::base::rng::Rng::derive(7, "histogram", 0);
        for _ in 0..100_000 {
            // Log-uniform over six orders of magnitude, as latencies of a failing system are.
            let value = 10f64.powf(rng.unit() * 6.0 + 2.0).round();
            ours.record(value);
            theirs.record(value as u64).unwrap();
        }
        for percent in [1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9] {
            let rank = (percent / 100.0 * 100_000f64).ceil() as u64;
            let (ours, theirs) = (
                ours.at_rank(rank - 1, true),
                theirs.value_at_quantile(percent / 100.0),
            );
            let error = (ours / theirs as f64 - 1.0).abs();
            assert!(error < 0.01, "p{percent}: {ours} against {theirs}");
        }
    }
}
