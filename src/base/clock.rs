//! One clock for a run: load, faults, probes and verdicts are all measured from its start.

use std::time::{Duration, Instant, SystemTime};

/// The start of a run, on the monotonic clock and on the wall clock. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    wall: SystemTime,
}

impl Clock {
    /// Starts a clock now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Time since the run began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Where an instant lies on this clock; before the start is zero.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.origin)
    }

    /// The instant at which this clock shows `offset`.
    #[must_use]
    pub fn instant(&self, offset: Duration) -> Instant {
        self.origin + offset
    }

    /// The wall-clock time at which the run began.
    #[must_use]
    pub fn started(&self) -> SystemTime {
        self.wall
    }
}
