//! Which faults were live when: samples that overlap one carry it in the tag `fault`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// More overlapping faults than this are one tag, `many`: each combination is a set of series.
const MOST: usize = 4;

/// Spans that ended longer ago overlap no sample any more.
const KEPT: Duration = Duration::from_secs(300);

/// The faults of a run, live or ended a short while ago.
#[derive(Debug, Default)]
pub struct FaultSpans {
    /// Whether there was ever one: without it, samples cost nothing more.
    ever: AtomicBool,
    spans: Mutex<Vec<Span>>,
}

#[derive(Debug)]
struct Span {
    name: Arc<str>,
    from: Instant,
    until: Option<Instant>,
}

impl FaultSpans {
    /// A fault is live since `from`; says nothing new about one that is known.
    pub fn begin(&self, name: &str, from: Instant) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.iter().any(|span| &*span.name == name) {
            return;
        }
        spans.retain(|span| span.until.is_none_or(|until| until + KEPT > from));
        spans.push(Span {
            name: Arc::from(name),
            from,
            until: None,
        });
        self.ever.store(true, Ordering::Relaxed);
    }

    /// A fault has ended.
    pub fn end(&self, name: &str, until: Instant) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = spans.iter_mut().find(|span| &*span.name == name);
        if let Some(span) = known {
            span.until.get_or_insert(until);
        }
    }

    /// How many are live.
    #[must_use]
    pub fn live(&self) -> usize {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().filter(|span| span.until.is_none()).count()
    }

    /// The tag's value for a sample that took so long and ends now; `None` if no fault overlaps it.
    #[inline]
    pub(super) fn overlapping(&self, took: Duration) -> Option<String> {
        if self.ever.load(Ordering::Relaxed) {
            let now = Instant::now();
            self.between(now.checked_sub(took).unwrap_or(now), now)
        } else {
            None
        }
    }

    #[cold]
    fn between(&self, from: Instant, until: Instant) -> Option<String> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let overlaps =
            |span: &&Span| span.from <= until && span.until.is_none_or(|end| end >= from);
        let mut names: Vec<&str> = spans
            .iter()
            .filter(overlaps)
            .map(|span| &*span.name)
            .collect();
        names.sort_unstable();
        match names.len() {
            0 => None,
            1..=MOST => Some(names.join("+")),
            _ => Some("many".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_carries_every_fault_that_it_overlaps() {
        let spans = FaultSpans::default();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(spans.overlapping(Duration::from_secs(1)), None);
        spans.begin("slow", at(100));
        spans.begin("cut", at(200));
        spans.end("slow", at(300));
        for (from, until, expected) in [
            (0, 50, None),
            (0, 100, Some("slow")),
            (150, 160, Some("slow")),
            (0, 1000, Some("cut+slow")),
            (250, 260, Some("cut+slow")),
            (301, 400, Some("cut")),
        ] {
            let found = spans.between(at(from), at(until));
            assert_eq!(found.as_deref(), expected, "{from} {until}");
        }
        for name in ["a", "b", "c"] {
            spans.begin(name, at(400));
        }
        assert_eq!(
            spans.between(at(350), at(500)).as_deref(),
            Some("a+b+c+cut")
        );
        spans.begin("d", at(400));
        assert_eq!(spans.between(at(350), at(500)).as_deref(), Some("many"));
        assert_eq!(spans.live(), 5);
    }
}
