//! The pulse of one worker: which slice of work it is in, and whether that slice must die.
//!
//! A slice is one outermost poll. The worker only counts; the watchdog keeps the time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlua::{Lua, VmState};

use super::error::{Frame, Kind, Location, ScriptError};
use super::interrupt::Interrupt;
use crate::base::units::show_duration;

/// Why a slice must die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It ran longer than this without a pause.
    CpuLimit(Duration),
    /// Its scenario or the run has ended.
    Stopped,
    /// A native was misused in it; the virtual user holds the error.
    Misuse,
}

/// Raised in a script that must not go on. Natives and `pcall` cannot hold it up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.shaped().message)]
pub struct Interrupted {
    /// Why.
    pub cause: Cause,
    frames: Vec<Frame>,
    location: Option<Location>,
}

impl Interrupted {
    /// An interruption at the place the script is at now.
    pub(super) fn here(lua: Option<&Lua>, cause: Cause) -> Self {
        let at = lua.map(|lua| ScriptError::here(lua, Kind::Interrupted, ""));
        let (frames, location) = at.map_or((Vec::new(), None), |at| (at.frames, at.location));
        Self {
            cause,
            frames,
            location,
        }
    }

    pub(super) fn shaped(&self) -> ScriptError {
        let (kind, message) = match self.cause {
            Cause::CpuLimit(limit) => (
                Kind::CpuLimit,
                format!(
                    "ran for more than {} without a pause (cpu_limit)",
                    show_duration(limit)
                ),
            ),
            Cause::Stopped => (Kind::Interrupted, "interrupted".to_owned()),
            Cause::Misuse => (Kind::Misuse, "stopped after a mistake".to_owned()),
        };
        ScriptError {
            location: self.location.clone(),
            frames: self.frames.clone(),
            ..ScriptError::new(kind, message)
        }
    }
}

/// One worker's pulse, shared with the watchdog.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Odd while a slice runs. Written by the worker only.
    slice: AtomicU64,
    condemned: AtomicU64,
    /// The slice whose place the watchdog wants to know.
    wanted: AtomicU64,
    scenario: AtomicU32,
    seen: Mutex<Option<Location>>,
    sentence: Mutex<Option<Interrupted>>,
    cause: Mutex<Option<Cause>>,
    machines: Mutex<Vec<Interrupt>>,
}

/// A running slice; ends when dropped.
#[derive(Debug)]
#[must_use = "the slice ends when this is dropped"]
pub struct Slice<'a>(&'a Pulse);

impl Drop for Slice<'_> {
    fn drop(&mut self) {
        let slice = self.0.slice.load(Ordering::Relaxed);
        self.0.slice.store(slice + 1, Ordering::Relaxed);
    }
}

impl Pulse {
    /// An idle pulse.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins a slice in which `scenario` runs; within another slice it is none of its own.
    pub fn begin(&self, scenario: u32) -> Option<Slice<'_>> {
        let slice = self.slice.load(Ordering::Relaxed);
        if slice % 2 == 1 {
            return None;
        }
        self.scenario.store(scenario, Ordering::Relaxed);
        self.slice.store(slice + 1, Ordering::Release);
        Some(Slice(self))
    }

    /// The number of the running slice.
    pub(super) fn running(&self) -> Option<u64> {
        Some(self.slice.load(Ordering::Acquire)).filter(|slice| slice % 2 == 1)
    }

    pub(super) fn scenario(&self) -> u32 {
        self.scenario.load(Ordering::Relaxed)
    }

    /// Kills `slice` if it still runs: the script raises at every safepoint until it has unwound.
    pub(super) fn condemn(&self, slice: u64, cause: Cause) {
        if self.condemned.load(Ordering::Relaxed) != slice {
            *lock(&self.sentence) = None;
            *lock(&self.cause) = Some(cause);
            self.condemned.store(slice, Ordering::Release);
        }
        self.arm();
    }

    /// Kills the slice that is running on this thread.
    pub(super) fn condemn_running(&self, cause: Cause) {
        if let Some(slice) = self.running() {
            self.condemn(slice, cause);
        }
    }

    /// Asks where `slice` is; [`Pulse::take_place`] has the answer soon.
    pub(super) fn ask_place(&self, slice: u64) {
        lock(&self.seen).take();
        self.wanted.store(slice, Ordering::Release);
        self.arm();
    }

    /// The answer to [`Pulse::ask_place`], if there is one.
    pub(super) fn take_place(&self) -> Option<Location> {
        lock(&self.seen).take()
    }

    fn arm(&self) {
        for machine in lock(&self.machines).iter() {
            machine.arm();
        }
    }

    /// The interrupt handler: what an armed machine does at each safepoint.
    fn attend(&self, lua: &Lua) -> mlua::Result<VmState> {
        let slice = self.slice.load(Ordering::Relaxed);
        // Decided under the lock: between a decision to park and the parking, nobody can arm.
        let machines = lock(&self.machines);
        if slice % 2 == 1 && self.wanted.load(Ordering::Acquire) == slice {
            self.wanted.store(0, Ordering::Relaxed);
            *lock(&self.seen) = super::error::here(lua);
        }
        if slice.is_multiple_of(2) || self.condemned.load(Ordering::Acquire) != slice {
            for machine in machines.iter() {
                machine.park();
            }
            return Ok(VmState::Continue);
        }
        drop(machines);
        let cause = lock(&self.cause).unwrap_or(Cause::Stopped);
        // The place where it was caught first, not where it is while it unwinds.
        let first = lock(&self.sentence)
            .get_or_insert_with(|| Interrupted::here(Some(lua), cause))
            .clone();
        Err(mlua::Error::external(first))
    }

    /// Gives a machine to this pulse.
    pub(super) fn attach(self: &Arc<Self>, lua: &Lua) -> Attached {
        let pulse = Arc::downgrade(self);
        let interrupt = Interrupt::install(lua, move |lua| match pulse.upgrade() {
            Some(pulse) => pulse.attend(lua),
            None => Ok(VmState::Continue),
        });
        let id = interrupt.id();
        lock(&self.machines).push(interrupt);
        Attached {
            pulse: Arc::clone(self),
            id,
        }
    }
}

/// Holds a machine to its pulse; dropped before the machine is.
#[derive(Debug)]
pub(super) struct Attached {
    pulse: Arc<Pulse>,
    id: usize,
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut machines = lock(&self.pulse.machines);
        machines.retain(|machine| {
            let mine = machine.id() == self.id;
            if mine {
                machine.park();
            }
            !mine
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
