//! Waking at an exact instant: a timerfd, because the runtime's own timer has a grain of 1 ms.

use std::io;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// One timer of one worker. Must be made inside its runtime.
#[derive(Debug)]
pub struct Pacer {
    timer: AsyncFd<rustix::fd::OwnedFd>,
}

impl Pacer {
    /// Makes the timer.
    ///
    /// # Errors
    ///
    /// No descriptor is left, or the kernel has no timerfd.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "unsound only for types that may return another descriptor later; an OwnedFd cannot, \
                      and the successor is unsafe"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Self { timer })
    }

    /// Waits until `instant`; returns at once if that has passed. May be dropped at any time.
    ///
    /// # Errors
    ///
    /// The kernel refused the timer.
    pub async fn until(&self, instant: Instant) -> io::Result<()> {
        let wait = instant.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(());
        }
        let setting = Itimerspec {
            it_interval: timespec(Duration::ZERO),
            it_value: timespec(wait),
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &setting)?;
        loop {
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0; 8];
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?)) {
                Ok(read) => return read.map(|_| ()),
                Err(_would_block) => {}
            }
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wakes_after_the_instant_and_not_before() {
        let pacer = Pacer::new().unwrap();
        for wait in [0, 200, 1500] {
            let due = Instant::now() + Duration::from_micros(wait);
            pacer.until(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
    }
}
