//! What the workers of one scenario share: iterations to claim, seats, and live counts.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// An arrival that waits for nobody: its number in the scenario and its intended instant.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// From 0, over all workers.
    pub number: u64,
    /// When it should start.
    pub intended: Instant,
}

/// One worker's part; on a cache line of its own, because it is written in every iteration.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Seat {
    /// Idle users that nobody has reserved.
    free: AtomicU32,
    /// Users that exist.
    pub vus: AtomicU32,
    /// Completed iterations.
    pub iterations: AtomicU64,
    /// Iterations that were interrupted.
    pub interrupted: AtomicU64,
    /// Iterations that ended with an error.
    pub errors: AtomicU64,
    /// Arrivals that found no user.
    pub dropped: AtomicU64,
}

impl Seat {
    /// Gives an idle user back.
    pub fn release(&self) {
        self.free.fetch_add(1, Relaxed);
    }

    /// Reserves an idle user, if there is one.
    pub fn reserve(&self) -> bool {
        self.free
            .fetch_update(Relaxed, Relaxed, |free| free.checked_sub(1))
            .is_ok()
    }
}

/// Sums over all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Users that exist.
    pub vus: u32,
    /// Completed iterations.
    pub iterations: u64,
    /// Iterations that were interrupted.
    pub interrupted: u64,
    /// Iterations that ended with an error.
    pub errors: u64,
    /// Arrivals that found no user, or iterations that were never started.
    pub dropped: u64,
}

/// Shared by all workers of one scenario.
#[derive(Debug)]
pub struct Pool {
    claimed: AtomicU64,
    allocated: AtomicU32,
    seats: Vec<Seat>,
    /// Unbounded, yet bounded: a sender has reserved an idle user of the receiver before.
    handoff: Vec<UnboundedSender<Arrival>>,
}

impl Pool {
    /// A pool for `workers` workers, and each one's end of the handing over.
    #[must_use]
    pub fn new(workers: usize) -> (Self, Vec<UnboundedReceiver<Arrival>>) {
        let (handoff, receivers) = (0..workers).map(|_| unbounded_channel()).unzip();
        let pool = Self {
            claimed: AtomicU64::new(0),
            allocated: AtomicU32::new(0),
            seats: (0..workers).map(|_| Seat::default()).collect(),
            handoff,
        };
        (pool, receivers)
    }

    /// Takes the next iteration of a shared number of them; numbers start at 0.
    pub fn claim(&self, total: u64) -> Option<u64> {
        let number = self.claimed.fetch_add(1, Relaxed);
        (number < total).then_some(number)
    }

    /// How many of `total` shared iterations were never started.
    pub fn unclaimed(&self, total: u64) -> u64 {
        total.saturating_sub(self.claimed.load(Relaxed))
    }

    /// Counts shared iterations that nobody started, once the scenario has ended.
    pub fn drop_unclaimed(&self, count: u64) {
        self.seats[0].dropped.fetch_add(count, Relaxed);
    }

    /// Makes room for one more user, up to `limit`; numbers start at 0.
    pub fn allocate(&self, limit: u32) -> Option<u32> {
        self.allocated
            .fetch_update(Relaxed, Relaxed, |count| {
                (count < limit).then_some(count + 1)
            })
            .ok()
    }

    /// The part of one worker.
    pub fn seat(&self, worker: usize) -> &Seat {
        &self.seats[worker]
    }

    /// Gives an arrival to another worker that has an idle user; `false` when none has.
    pub fn hand_over(&self, from: usize, arrival: Arrival) -> bool {
        let workers = self.seats.len();
        (1..workers)
            .map(|step| (from + step) % workers)
            .any(|worker| {
                self.seats[worker].reserve() && self.handoff[worker].send(arrival).is_ok()
            })
    }

    /// The sums over all workers.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for seat in &self.seats {
            totals.vus += seat.vus.load(Relaxed);
            totals.iterations += seat.iterations.load(Relaxed);
            totals.interrupted += seat.interrupted.load(Relaxed);
            totals.errors += seat.errors.load(Relaxed);
            totals.dropped += seat.dropped.load(Relaxed);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_iterations_are_claimed_once_each() {
        let (pool, _) = Pool::new(1);
        assert_eq!(
            (pool.claim(2), pool.claim(2), pool.claim(2)),
            (Some(0), Some(1), None)
        );
        assert_eq!(pool.unclaimed(5), 2);
    }

    #[test]
    fn an_arrival_goes_to_a_worker_with_an_idle_user_only() {
        let (pool, mut receivers) = Pool::new(3);
        let arrival = Arrival {
            number: 7,
            intended: Instant::now(),
        };
        assert!(!pool.hand_over(0, arrival));
        pool.seat(2).release();
        assert!(pool.hand_over(0, arrival));
        assert_eq!(receivers[2].try_recv().map(|a| a.number), Ok(7));
        assert!(!pool.hand_over(0, arrival));
    }

    #[test]
    fn users_are_allocated_up_to_the_limit() {
        let (pool, _) = Pool::new(2);
        assert_eq!((pool.allocate(1), pool.allocate(1)), (Some(0), None));
    }
}
