//! One thread per process that looks at every worker's pulse and stops what runs away.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::thread::{Pid, gettid};

use super::error::Location;
use super::pulse::{Cause, Pulse};

/// How often the watchdog looks; also the error of the times it tells.
const TICK: Duration = Duration::from_millis(5);

/// A slice longer than this has its processor time read: what the system gave to others is not
/// the script's fault. Shorter ones cost nothing to watch.
const SUSPICIOUS: Duration = Duration::from_millis(20);

/// Distinct places to warn about; a script with more has been told enough.
const PLACES: usize = 64;

/// What a worker's slices are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A slice that computes longer is reported.
    pub warn: Duration,
    /// A slice that computes longer dies.
    pub limit: Duration,
}

impl Default for Limits {
    /// 100 ms and 1 s.
    fn default() -> Self {
        Self {
            warn: Duration::from_millis(100),
            limit: Duration::from_secs(1),
        }
    }
}

/// A slice that kept its neighbours waiting; reported when it ended or was condemned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// The worker's number, as [`Watchdog::register`] returned it.
    pub worker: usize,
    /// How long it has computed, to 5 ms.
    pub duration: Duration,
    /// Where the script was after [`Limits::warn`], if a script was running.
    pub place: Option<Location>,
    /// Whether this place is new: warn only then.
    pub first: bool,
    /// Whether it was condemned for passing [`Limits::limit`].
    pub condemned: bool,
}

/// Watches the pulses of all workers. Stops when dropped.
#[derive(Debug)]
pub struct Watchdog {
    shared: Arc<Mutex<Shared>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    watched: Vec<Watched>,
    next: usize,
    /// Scenarios and when each must have ended.
    deadlines: Vec<(u32, Instant)>,
}

#[derive(Debug)]
struct Watched {
    worker: usize,
    pulse: Weak<Pulse>,
    limits: Limits,
    /// The thread of the worker.
    thread: Pid,
    slice: Option<u64>,
    since: Instant,
    /// The thread's processor time when the slice became suspicious.
    used: Option<Duration>,
    stall: Option<Stall>,
    reported: bool,
}

impl Watchdog {
    /// Starts the thread. `on_stall` runs on it and must not block.
    ///
    /// # Errors
    ///
    /// The system has no thread to give.
    pub fn start(on_stall: impl FnMut(Stall) + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::<Mutex<Shared>>::default();
        let (stop, stopped) = channel();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watch(&theirs, &stopped, on_stall))?;
        Ok(Self {
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Watches the worker of this thread until its pulse is dropped. Returns the number that [`Stall`] names.
    pub fn register(&self, pulse: &Arc<Pulse>, limits: Limits) -> usize {
        let mut shared = lock(&self.shared);
        let worker = shared.next;
        shared.next += 1;
        shared.watched.push(Watched {
            worker,
            pulse: Arc::downgrade(pulse),
            limits,
            thread: gettid(),
            slice: None,
            since: Instant::now(),
            used: None,
            stall: None,
            reported: false,
        });
        worker
    }

    /// From `at` on, no slice of this scenario runs on: whatever is in one then, dies.
    pub fn kill_scenario(&self, scenario: u32, at: Instant) {
        let mut shared = lock(&self.shared);
        shared.deadlines.retain(|(known, _)| *known != scenario);
        shared.deadlines.push((scenario, at));
    }

    /// Kills every slice that is running now, on all workers.
    pub fn kill_all(&self) {
        for watched in &lock(&self.shared).watched {
            if let Some(pulse) = watched.pulse.upgrade() {
                pulse.condemn_running(Cause::Stopped);
            }
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the callback was already printed by its thread.
            let _ = thread.join();
        }
    }
}

fn watch(shared: &Mutex<Shared>, stopped: &Receiver<()>, mut on_stall: impl FnMut(Stall)) {
    let mut places = HashSet::new();
    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let now = Instant::now();
        let mut stalls = Vec::new();
        {
            let mut guard = lock(shared);
            let shared = &mut *guard;
            let deadlines = &shared.deadlines;
            shared
                .watched
                .retain_mut(|watched| match watched.pulse.upgrade() {
                    None => false,
                    Some(pulse) => {
                        stalls.extend(watched.look(&pulse, deadlines, now));
                        true
                    }
                });
        }
        for mut stall in stalls {
            stall.first = match &stall.place {
                Some(place) => places.len() < PLACES && places.insert(place.clone()),
                None => false,
            };
            on_stall(stall);
        }
    }
}

impl Watched {
    /// Looks once; returns a stall that has just ended or was just condemned.
    fn look(&mut self, pulse: &Pulse, deadlines: &[(u32, Instant)], now: Instant) -> Option<Stall> {
        let running = pulse.running();
        if running != self.slice || running.is_none() {
            let ended = self.finish(pulse);
            self.slice = running;
            self.since = now;
            self.used = None;
            self.reported = false;
            if running.is_none() {
                return ended;
            }
            self.kill_late(pulse, deadlines, now);
            return ended;
        }
        let slice = running?;
        self.kill_late(pulse, deadlines, now);
        let duration = self.computed(now.saturating_duration_since(self.since));
        if duration > self.limits.warn && self.stall.is_none() && !self.reported {
            self.stall = Some(Stall {
                worker: self.worker,
                duration,
                place: None,
                first: false,
                condemned: false,
            });
            pulse.ask_place(slice);
        }
        if let Some(stall) = &mut self.stall {
            stall.duration = duration;
        }
        if duration > self.limits.limit {
            // Every tick anew: the handler may have been busy parking.
            pulse.condemn(slice, Cause::CpuLimit(self.limits.limit));
            if !self.reported {
                self.reported = true;
                let mut stall = self.finish(pulse)?;
                stall.condemned = true;
                return Some(stall);
            }
        }
        None
    }

    /// How long the running slice has computed; where the system does not say, how long it has run.
    fn computed(&mut self, run: Duration) -> Duration {
        if run < SUSPICIOUS {
            return run;
        }
        let Some(used) = processor_time(self.thread) else {
            return run;
        };
        let before = *self.used.get_or_insert(used);
        SUSPICIOUS + used.saturating_sub(before)
    }

    fn kill_late(&self, pulse: &Pulse, deadlines: &[(u32, Instant)], now: Instant) {
        let scenario = pulse.scenario();
        let late = |(known, at): &(u32, Instant)| *known == scenario && now >= *at;
        if let Some(slice) = self.slice.filter(|_| deadlines.iter().any(late)) {
            pulse.condemn(slice, Cause::Stopped);
        }
    }

    fn finish(&mut self, pulse: &Pulse) -> Option<Stall> {
        let mut stall = self.stall.take()?;
        stall.place = pulse.take_place();
        Some(stall)
    }
}

/// The processor time of a thread of this process.
fn processor_time(thread: Pid) -> Option<Duration> {
    let path = format!("/proc/self/task/{}/schedstat", thread.as_raw_nonzero());
    let text = std::fs::read_to_string(path).ok()?;
    let nanos = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
