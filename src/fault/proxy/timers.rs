//! When a worker must look at which connection again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Deadlines by connection. A connection has at most one that counts: later ones are not
/// entered while an earlier one stands, so that traffic does not grow the heap.
#[derive(Default)]
pub struct Timers(BinaryHeap<Reverse<(Instant, u32, u32)>>);

impl Timers {
    /// Enters a deadline unless an earlier one stands; gives the one that stands.
    pub fn set(
        &mut self,
        standing: Option<Instant>,
        wanted: Option<Instant>,
        index: u32,
        generation: u32,
    ) -> Option<Instant> {
        match (standing, wanted) {
            (Some(standing), Some(wanted)) if standing <= wanted => Some(standing),
            (standing, None) => standing,
            (_, Some(wanted)) => {
                self.0.push(Reverse((wanted, index, generation)));
                Some(wanted)
            }
        }
    }

    /// The next deadline of all.
    pub fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes a deadline that is over: its instant, the connection and its generation.
    pub fn due(&mut self, now: Instant) -> Option<(Instant, u32, u32)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
