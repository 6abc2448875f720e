//! What protects the shop from its store, where it is switched on: retries, a circuit breaker, a bulkhead; and from
//! its visitors: a limit of the rate.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Protections of a shop; those left out are off.
#[derive(Debug, Clone, Default)]
pub struct Protections {
    /// Refuses to ask a store that keeps failing.
    pub breaker: Option<BreakerOptions>,
    /// Bounds how many requests ask the store at once.
    pub bulkhead: Option<BulkheadOptions>,
    /// How many times the store is asked again after a failure.
    pub retries: u32,
    /// How many requests for items and orders are let in, per second; in a burst as many.
    pub rate_limit: Option<f64>,
}

/// When a circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerOptions {
    /// So many failures in a row open it.
    pub failures: u32,
    /// After so long one request may try whether the store is back.
    pub open: Duration,
}

/// How many requests ask the store at once.
#[derive(Debug, Clone, Copy)]
pub struct BulkheadOptions {
    /// So many.
    pub concurrent: usize,
    /// And so many wait; further ones are refused.
    pub queue: usize,
}

/// Why the store was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("its circuit breaker is open")]
    Open,
    #[error("its bulkhead is full")]
    Full,
}

/// The state of a circuit breaker; its number is what metrics show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Circuit {
    Closed { failures: u32 },
    Trying,
    Open { until: Instant },
}

impl Circuit {
    fn number(self) -> u8 {
        match self {
            Self::Closed { .. } => 0,
            Self::Trying => 1,
            Self::Open { .. } => 2,
        }
    }
}

/// The protections of one shop, and what they count.
#[derive(Debug)]
pub(super) struct Guard {
    breaker: Option<BreakerOptions>,
    circuit: Mutex<Circuit>,
    bulkhead: Option<(BulkheadOptions, Semaphore)>,
    waiting: AtomicUsize,
    pub(super) retries: u32,
    bucket: Option<Mutex<Bucket>>,
    opened: AtomicU64,
    closed: AtomicU64,
    refused_open: AtomicU64,
    refused_full: AtomicU64,
    limited: AtomicU64,
    retried: AtomicU64,
}

/// Tokens that come back with time.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    tokens: f64,
    at: Instant,
}

/// Leave to ask the store once. Dropped without a word, as when a client goes away, it frees a breaker that tries.
pub(super) struct Leave<'a> {
    guard: &'a Guard,
    trying: bool,
    _place: Option<SemaphorePermit<'a>>,
}

impl Guard {
    pub(super) fn new(options: &Protections) -> Self {
        let bucket = options.rate_limit.map(|rate| {
            Mutex::new(Bucket {
                rate,
                tokens: rate.max(1.0),
                at: Instant::now(),
            })
        });
        let bulkhead = options
            .bulkhead
            .map(|bulkhead| (bulkhead, Semaphore::new(bulkhead.concurrent)));
        Self {
            breaker: options.breaker,
            circuit: Mutex::new(Circuit::Closed { failures: 0 }),
            bulkhead,
            waiting: AtomicUsize::new(0),
            retries: options.retries,
            bucket,
            opened: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            refused_open: AtomicU64::new(0),
            refused_full: AtomicU64::new(0),
            limited: AtomicU64::new(0),
            retried: AtomicU64::new(0),
        }
    }

    /// Whether a visitor is let in; else how many seconds until one is again.
    pub(super) fn admit(&self) -> Result<(), u64> {
        let Some(bucket) = &self.bucket else {
            return Ok(());
        };
        let mut bucket = lock(bucket);
        let now = Instant::now();
        let gained = now.duration_since(bucket.at).as_secs_f64() * bucket.rate;
        bucket.tokens = (bucket.tokens + gained).min(bucket.rate.max(1.0));
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        count(&self.limited);
        Err(seconds(Duration::from_secs_f64(
            (1.0 - bucket.tokens) / bucket.rate,
        )))
    }

    /// Leave to ask the store, after a place in the bulkhead is free.
    pub(super) async fn enter(&self) -> Result<Leave<'_>, Refused> {
        self.passes()?;
        let place = self.place().await?;
        let trying = self.tries()?;
        Ok(Leave {
            guard: self,
            trying,
            _place: place,
        })
    }

    /// How many seconds a refused client should wait.
    pub(super) fn retry_after(&self) -> u64 {
        match *lock(&self.circuit) {
            Circuit::Open { until } => seconds(until.saturating_duration_since(Instant::now())),
            _ => 1,
        }
    }

    pub(super) fn again(&self) {
        count(&self.retried);
    }

    /// A breaker that is open refuses before anybody waits in the bulkhead.
    fn passes(&self) -> Result<(), Refused> {
        let open = match *lock(&self.circuit) {
            Circuit::Closed { .. } => false,
            Circuit::Trying => true,
            Circuit::Open { until } => Instant::now() < until,
        };
        self.refuse(open)
    }

    async fn place(&self) -> Result<Option<SemaphorePermit<'_>>, Refused> {
        let Some((options, places)) = &self.bulkhead else {
            return Ok(None);
        };
        if let Ok(place) = places.try_acquire() {
            return Ok(Some(place));
        }
        let queued = Queued(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= options.queue {
            count(&self.refused_full);
            return Err(Refused::Full);
        }
        let place = places.acquire().await;
        drop(queued);
        place.map(Some).map_err(|_| Refused::Full)
    }

    /// Whether this request is the one that tries a store whose breaker was open.
    fn tries(&self) -> Result<bool, Refused> {
        let mut circuit = lock(&self.circuit);
        match *circuit {
            Circuit::Closed { .. } => Ok(false),
            Circuit::Open { until } if Instant::now() >= until => {
                *circuit = Circuit::Trying;
                Ok(true)
            }
            _ => self.refuse(true).map(|()| false),
        }
    }

    fn refuse(&self, open: bool) -> Result<(), Refused> {
        if open {
            count(&self.refused_open);
            return Err(Refused::Open);
        }
        Ok(())
    }

    fn settle(&self, ok: bool) {
        let Some(options) = self.breaker else { return };
        let mut circuit = lock(&self.circuit);
        let failed = match *circuit {
            Circuit::Closed { failures } => failures + 1,
            Circuit::Trying => options.failures,
            // Asked before it opened.
            Circuit::Open { .. } => return,
        };
        if ok {
            if *circuit == Circuit::Trying {
                count(&self.closed);
            }
            *circuit = Circuit::Closed { failures: 0 };
        } else if failed >= options.failures {
            count(&self.opened);
            let until = Instant::now() + options.open;
            *circuit = Circuit::Open { until };
        } else {
            *circuit = Circuit::Closed { failures: failed };
        }
    }

    /// Its metrics, where it is switched on.
    pub(super) fn prometheus(&self, out: &mut String) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        let mut show = |name: &str, kind: &str, help: &str, value: String| {
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        };
        if self.breaker.is_some() {
            let state = lock(&self.circuit).number().to_string();
            let help = "0 closed, 1 trying, 2 open.";
            show("breaker_state", "gauge", help, state);
            let help = "Times that the breaker opened.";
            show("breaker_opened_total", "counter", help, read(&self.opened));
            let help = "Times that the breaker closed again.";
            show("breaker_closed_total", "counter", help, read(&self.closed));
            let help = "Queries refused while the breaker was open.";
            let refused = read(&self.refused_open);
            show("breaker_refused_total", "counter", help, refused);
        }
        if let Some((options, places)) = &self.bulkhead {
            let used = options.concurrent - places.available_permits();
            let help = "Queries that hold a place in the bulkhead.";
            show("bulkhead_in_use", "gauge", help, used.to_string());
            let help = "Places in the bulkhead.";
            let limit = options.concurrent.to_string();
            show("bulkhead_limit", "gauge", help, limit);
            let waiting = self.waiting.load(Ordering::Relaxed).to_string();
            let help = "Queries that wait for a place in the bulkhead.";
            show("bulkhead_waiting", "gauge", help, waiting);
            let help = "Queries refused as the bulkhead was full.";
            let refused = read(&self.refused_full);
            show("bulkhead_refused_total", "counter", help, refused);
        }
        if self.retries > 0 {
            let help = "Queries asked again after a failure.";
            show("store_retries_total", "counter", help, read(&self.retried));
        }
        if self.bucket.is_some() {
            let help = "Requests refused with 429.";
            show("rate_limited_total", "counter", help, read(&self.limited));
        }
    }
}

impl Leave<'_> {
    /// Tells how it went.
    pub(super) fn done(mut self, ok: bool) {
        self.trying = false;
        self.guard.settle(ok);
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.trying {
            let until = Instant::now();
            *lock(&self.guard.circuit) = Circuit::Open { until };
        }
    }
}

/// Leaves the queue when dropped, also when the request is given up while it waits.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whole seconds, rounded up, at least one: what `retry-after` takes.
fn seconds(time: Duration) -> u64 {
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    whole.max(1)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
