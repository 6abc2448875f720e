//! The series of a scenario.

use std::time::Duration;

use crate::metrics::{Recorder, Series, TagSetId, builtin};

/// The series that every iteration writes.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Iterations that ended.
    pub iterations: Series,
    /// How long they took.
    pub duration: Series,
    /// How late they began.
    pub lag: Series,
    /// Those that ended with an error.
    pub errors: Series,
    /// Those that nobody could start.
    pub dropped: Series,
}

impl Figures {
    /// The series of a scenario's tags.
    pub fn of(recorder: &mut Recorder, tags: TagSetId) -> Self {
        Self {
            iterations: recorder.series(builtin::ITERATIONS, tags),
            duration: recorder.series(builtin::ITERATION_DURATION, tags),
            lag: recorder.series(builtin::ITERATION_LAG, tags),
            errors: recorder.series(builtin::ITERATION_ERRORS, tags),
            dropped: recorder.series(builtin::DROPPED_ITERATIONS, tags),
        }
    }

    /// The series of an iteration that took so long and ends now: with the faults that it overlaps.
    pub fn overlapping(self, recorder: &mut Recorder, tags: TagSetId, took: Duration) -> Self {
        let with = recorder.with_faults(tags, took);
        if with == tags {
            self
        } else {
            Self::of(recorder, with)
        }
    }
}
