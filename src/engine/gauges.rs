//! What the controller itself records: users, and iterations that nobody started.

use crate::metrics::{TagSetId, builtin};

use super::control::Control;

impl Control {
    /// Records how many users there are now.
    pub fn gauge_users(&mut self, vus: u32) {
        self.most_users = self.most_users.max(vus);
        let now = self.recorder.series(builtin::VUS, TagSetId::EMPTY);
        self.recorder.add(now, f64::from(vus));
        let most = self.recorder.series(builtin::VUS_MAX, TagSetId::EMPTY);
        self.recorder.add(most, f64::from(self.most_users));
        self.flush();
    }

    /// Counts iterations of a scenario that no worker started.
    pub fn count_dropped(&mut self, scenario: &str, count: u64) {
        if count > 0 {
            let tags = self.recorder.catalog().tags(&[("scenario", scenario)]);
            let dropped = self.recorder.series(builtin::DROPPED_ITERATIONS, tags);
            #[expect(clippy::cast_precision_loss, reason = "a count below 2^53")]
            self.recorder.add(dropped, count as f64);
            self.flush();
        }
    }

    /// Hands what was recorded to the figures.
    pub(super) fn flush(&mut self) {
        let delta = self.recorder.drain();
        let now = self.clock.elapsed();
        self.figures().merge(delta, now);
    }
}
