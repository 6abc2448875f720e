//! What is kept of a run while it goes on: curves, points for outputs, and the timeline as it grows.

use std::sync::Arc;
use std::time::Duration;

use crate::metrics::Aggregator;
use crate::output::{Event, Feed, Item, Second, Series};

use super::curves::Curves;

/// Workers hand over at whole seconds; a quarter of one later all of them have.
const LATE: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

/// The recording of a run.
#[derive(Debug)]
pub struct Recording {
    feed: Feed,
    curves: Curves,
    /// Up to when figures were taken.
    until: Duration,
    /// How much of the timeline was told.
    told: usize,
}

impl Recording {
    /// Begins to record for curves and outputs.
    pub fn new(figures: &mut Aggregator, feed: Feed) -> Self {
        if feed.wants_points() {
            figures.collect_points();
        }
        Self {
            curves: Curves::new(figures),
            feed,
            until: Duration::ZERO,
            told: 0,
        }
    }

    /// Takes the seconds that are complete.
    pub fn tick(&mut self, figures: &mut Aggregator, now: Duration, timeline: &[Event]) {
        self.tell(timeline);
        let complete = Duration::from_secs(now.saturating_sub(LATE).as_secs());
        if complete >= self.until + SECOND {
            self.take(figures, complete);
        }
    }

    /// Takes what is left at the end of the run.
    pub fn finish(&mut self, figures: &mut Aggregator, now: Duration, timeline: &[Event]) {
        self.tell(timeline);
        if now > self.until {
            self.take(figures, now);
        }
    }

    /// Up to when the curves go.
    #[must_use]
    pub fn until(&self) -> Duration {
        self.until
    }

    /// The curves so far.
    #[must_use]
    pub fn series(&self, figures: &Aggregator) -> Series {
        self.curves.series(figures)
    }

    fn take(&mut self, figures: &mut Aggregator, until: Duration) {
        let interval = figures.take_interval();
        let length = until.saturating_sub(self.until);
        self.until = until;
        self.curves.add(length.as_secs_f64(), interval.tracked);
        if self.feed.wants_points() {
            self.feed.send(Item::Second(Arc::new(Second {
                at: until,
                length,
                points: interval.points,
            })));
        }
    }

    fn tell(&mut self, timeline: &[Event]) {
        for event in timeline.iter().skip(self.told) {
            self.feed.send(Item::Event(event.clone()));
        }
        self.told = timeline.len();
    }
}
