//! Waiting for events and deadlines: epoll, a timer that is exact, and a moment's look before
//! going to sleep.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use super::token::Token;

/// How soon the next events must come for it to pay off to look instead of to sleep.
const BRISK: Duration = Duration::from_micros(80);

const ZERO: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// What a worker waits with.
pub struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: Option<Instant>,
    /// Whether the last events came within [`BRISK`].
    brisk: bool,
    /// Whether there is a core to spare for looking.
    may_look: bool,
}

impl Poller {
    /// Watches only its timer.
    pub fn new() -> Result<Self, Errno> {
        let poller = Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            timer: timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
            )?,
            armed: None,
            brisk: false,
            may_look: std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1),
        };
        poller.edge(&poller.timer, Token::Timer)?;
        Ok(poller)
    }

    /// The epoll descriptor, for sockets that are watched for more.
    pub fn epoll(&self) -> &OwnedFd {
        &self.epoll
    }

    /// Watches for each time that something can be read.
    pub fn edge(&self, fd: impl AsFd, token: Token) -> Result<(), Errno> {
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&self.epoll, fd, token.data(), flags)
    }

    /// Watches for as long as something can be read.
    pub fn level(&self, fd: impl AsFd, token: Token) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, token.data(), epoll::EventFlags::IN)
    }

    /// Watches no more.
    pub fn forget(&self, fd: impl AsFd) {
        // Fails only where it was not watched.
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// The timer's event came.
    pub fn rang(&mut self) {
        self.armed = None;
    }

    /// Waits for events, at most until `deadline`; an instant that is over asks without waiting.
    ///
    /// With `alone` (one connection was busy, and not in bulk) and where the last event came at once, it looks
    /// again for a moment before it sleeps: sleeping and waking twice is most of what a proxy adds
    /// to such a connection. With more of them it would only take time from those they talk to.
    pub fn wait(
        &mut self,
        events: &mut Vec<epoll::Event>,
        deadline: Option<Instant>,
        alone: bool,
    ) -> Result<(), Errno> {
        events.clear();
        let timeout = deadline.and_then(|deadline| self.arm(deadline));
        let begin = Instant::now();
        self.brisk &= alone;
        while self.brisk && timeout.is_none() {
            self.poll(events, Some(&ZERO))?;
            if !events.is_empty() {
                return Ok(());
            }
            self.brisk = begin.elapsed() < BRISK;
        }
        self.poll(events, timeout.as_ref())?;
        self.brisk = self.may_look && begin.elapsed() < BRISK;
        Ok(())
    }

    /// Sets the timer; a timeout where it is too late for that.
    fn arm(&mut self, deadline: Instant) -> Option<Timespec> {
        let wait = deadline.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Some(ZERO);
        }
        if self.armed != Some(deadline) {
            let value = Itimerspec {
                it_interval: ZERO,
                it_value: Timespec::try_from(wait).unwrap_or(ZERO),
            };
            if timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &value).is_err() {
                return Timespec::try_from(wait).ok();
            }
            self.armed = Some(deadline);
        }
        None
    }

    fn poll(
        &self,
        events: &mut Vec<epoll::Event>,
        timeout: Option<&Timespec>,
    ) -> Result<(), Errno> {
        let room = rustix::buffer::spare_capacity(events);
        match epoll::wait(&self.epoll, room, timeout) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
