//! Beats both ways. What is fresh is judged by numbers that were sent out, not by when lines are read: a process
//! that thaws reads stale beats first.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::desk::Desk;
use crate::agent::guardian::BEAT;
use crate::agent::host::now;
use crate::agent::protocol::Report;
use crate::agent::roster::Beats;

/// Whether the controller and the guardian are there.
pub(super) struct Pulse {
    lease: Duration,
    sent: Mutex<Sent>,
    guardian: Mutex<Duration>,
    guardian_gone: AtomicBool,
}

struct Sent {
    /// Numbers that were sent, and when; newest last.
    numbers: VecDeque<(u64, Duration)>,
    next: u64,
    /// When the newest number that has come back was sent.
    fresh: Duration,
}

impl Pulse {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            sent: Mutex::new(Sent {
                numbers: VecDeque::new(),
                // Numbers of another agent never match by chance.
                next: crate::base::rng::fresh_seed() >> 16,
                fresh: now(),
            }),
            guardian: Mutex::new(now()),
            guardian_gone: AtomicBool::new(false),
        }
    }

    /// The next number to send.
    fn next(&self) -> u64 {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let number = sent.next;
        sent.next += 1;
        sent.numbers.push_back((number, now()));
        if sent.numbers.len() > 256 {
            sent.numbers.pop_front();
        }
        number
    }

    /// Takes a number that came back.
    pub(super) fn heard(&self, echo: u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let at = sent.when(echo);
        sent.fresh = sent.fresh.max(at.unwrap_or_default());
    }

    /// Whether a command that carries this number was written within the lease. Zero is the controller's
    /// word before it has heard any.
    pub(super) fn is_recent(&self, echo: u64) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let at = if echo == 0 {
            Some(sent.fresh)
        } else {
            sent.when(echo)
        };
        at.is_some_and(|at| now().saturating_sub(at) <= self.lease)
    }

    /// When the newest number that has come back was sent, in time since boot.
    pub(super) fn fresh_at(&self) -> Duration {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fresh
    }

    /// Why this agent must heal, if it must.
    pub(super) fn lost(&self) -> Option<String> {
        let lease = self.lease.as_millis();
        if now().saturating_sub(self.fresh_at()) > self.lease {
            return Some(format!(
                "the controller was silent for more than {lease} ms"
            ));
        }
        if self.guardian_gone.load(Ordering::Relaxed) {
            return Some("the guardian is gone".to_owned());
        }
        let heard = *self.guardian.lock().unwrap_or_else(PoisonError::into_inner);
        (now().saturating_sub(heard) > self.lease)
            .then(|| format!("the guardian was silent for more than {lease} ms"))
    }
}

impl Sent {
    fn when(&self, number: u64) -> Option<Duration> {
        let found = self.numbers.iter().find(|(sent, _)| *sent == number);
        found.map(|(_, at)| *at)
    }
}

/// Starts the threads that beat and that hear the guardian.
pub(super) fn start(desk: &Arc<Desk>, guardian: UnixStream) -> std::io::Result<()> {
    let mut hears = guardian.try_clone()?;
    let listener = desk.clone();
    std::thread::Builder::new()
        .name("guardian".to_owned())
        .spawn(move || {
            let mut word = [0; 64];
            while let Ok(1..) = hears.read(&mut word) {
                let mut heard = listener
                    .pulse
                    .guardian
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *heard = now();
            }
            listener.pulse.guardian_gone.store(true, Ordering::Relaxed);
        })?;
    let beats = Beats::open(&desk.args.paths, &desk.args.agent)?;
    let desk = desk.clone();
    std::thread::Builder::new()
        .name("beats".to_owned())
        .spawn(move || beat(&desk, guardian, &beats))?;
    Ok(())
}

fn beat(desk: &Desk, mut guardian: UnixStream, beats: &Beats) {
    let tenths = u16::try_from(desk.pulse.lease.as_millis() / 100).unwrap_or(u16::MAX);
    let _ = guardian.set_write_timeout(Some(BEAT));
    // As long as the process lasts: healing takes its time, and nobody else shall begin it meanwhile.
    loop {
        beats.beat();
        // A guardian that is gone shows as the end of its stream.
        let _ = guardian.write_all(&tenths.to_le_bytes());
        desk.mouth.say_now(&Report::Beat {
            nonce: desk.pulse.next(),
            epoch: desk.epoch(),
        });
        std::thread::sleep(BEAT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_were_sent_lately_are_fresh() {
        let pulse = Pulse::new(Duration::from_millis(60));
        let first = pulse.next();
        assert!(pulse.is_recent(first));
        assert!(!pulse.is_recent(first + 1));
        pulse.heard(first);
        assert_eq!(pulse.lost(), None);
        std::thread::sleep(Duration::from_millis(80));
        // A stale beat that is read late changes nothing.
        pulse.heard(first);
        assert!(!pulse.is_recent(first));
        assert!(pulse.lost().unwrap().contains("controller"));
        pulse.heard(pulse.next());
        // The controller is back; nobody has heard the guardian.
        assert!(pulse.lost().unwrap().contains("guardian"));
    }
}
