//! The recent past of a selector, in slices of 200 ms.

use std::collections::VecDeque;
use std::time::Duration;

use super::aggregate::Aggregate;
use super::definition::MetricDef;
use super::delta::Entry;
use super::selector::Selector;

/// The grain of windows.
pub(super) const SLICE: Duration = Duration::from_millis(200);

/// Slices kept beyond the longest window, so that a late reader still finds each window whole.
pub(super) const SLACK: u64 = 50;

/// The slice that holds a moment.
pub(super) fn slice_at(moment: Duration) -> u64 {
    (moment.as_millis() / SLICE.as_millis()) as u64
}

/// How many slices make up a window; at least one.
pub(super) fn slices_in(window: Duration) -> u64 {
    (window.as_millis().div_ceil(SLICE.as_millis()) as u64).max(1)
}

/// How long so many slices last.
pub(super) fn length(slices: u64) -> Duration {
    SLICE.saturating_mul(u32::try_from(slices).unwrap_or(u32::MAX))
}

/// The slices of one selector that were not empty, oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) selector: Selector,
    def: MetricDef,
    longest: u64,
    slices: VecDeque<(u64, Aggregate)>,
    first: Option<u64>,
}

impl Ring {
    pub(super) fn new(selector: Selector, def: MetricDef, longest: Duration) -> Self {
        Self {
            selector,
            def,
            longest: slices_in(longest),
            slices: VecDeque::new(),
            first: None,
        }
    }

    pub(super) fn keep(&mut self, longest: Duration) {
        self.longest = self.longest.max(slices_in(longest));
    }

    pub(super) fn absorb(&mut self, entry: &Entry, at: Duration, stamp: u64) {
        let now = slice_at(at);
        let newest = self.slices.back().map_or(0, |(slice, _)| *slice);
        if self.slices.is_empty() || newest < now {
            self.first.get_or_insert(now);
            let empty = Aggregate::empty(self.def.kind, self.def.unit.clone());
            self.slices.push_back((now, empty));
            while let Some((slice, _)) = self.slices.front()
                && slice + self.longest + SLACK < now
            {
                self.slices.pop_front();
            }
        }
        if let Some((_, aggregate)) = self.slices.back_mut() {
            aggregate.absorb(entry, stamp);
        }
    }

    /// The slice of the first sample ever.
    pub(super) fn first(&self) -> Option<u64> {
        self.first
    }

    /// The slice of the latest sample.
    pub(super) fn latest(&self) -> Option<u64> {
        self.slices.back().map(|(slice, _)| *slice)
    }

    /// The samples of the `count` slices that end with slice `end`; `None` if there are none, or
    /// so many slices were never asked for.
    pub(super) fn merged(&self, end: u64, count: u64) -> Option<Aggregate> {
        if count > self.longest {
            return None;
        }
        let inside = |slice: &u64| *slice <= end && slice + count > end;
        let mut slices = self.slices.iter().filter(|(slice, _)| inside(slice));
        let (_, first) = slices.next()?;
        let mut all = first.clone();
        for (_, aggregate) in slices {
            all.merge(aggregate);
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_fall_into_slices() {
        assert_eq!(slice_at(Duration::ZERO), 0);
        assert_eq!(slice_at(Duration::from_millis(199)), 0);
        assert_eq!(slice_at(Duration::from_millis(200)), 1);
        assert_eq!(slices_in(Duration::ZERO), 1);
        assert_eq!(slices_in(Duration::from_millis(500)), 3);
        assert_eq!(slices_in(Duration::from_secs(30)), 150);
        assert_eq!(length(5), Duration::from_secs(1));
    }
}
