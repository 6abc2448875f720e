//! `timeout`: nothing passes, and the connection is closed after a time.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{End, Input, Pull, Released, Stage, earlier, micros};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Swallows bytes. Removing it closes the connections that had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timeout {
    /// Silence before the connection is closed, in microseconds; bytes that are swallowed start
    /// it anew. Default 0: never closed.
    pub timeout_us: i64,
}

impl Timeout {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![Attribute::whole("timeout", &mut self.timeout_us, 1000)]
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, now: Instant) -> Box<dyn Stage> {
        Box::new(Silence {
            spec: self,
            since: now,
        })
    }
}

struct Silence {
    spec: Timeout,
    since: Instant,
}

impl Stage for Silence {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        loop {
            match input.next(now) {
                Pull::Data(_) => self.since = now,
                Pull::End(end) => return Pull::End(end),
                Pull::Wait(deadline) if self.spec.timeout_us <= 0 => return Pull::Wait(deadline),
                Pull::Wait(deadline) => {
                    let due = self.since + micros(self.spec.timeout_us);
                    if now >= due {
                        return Pull::End(End::Close);
                    }
                    return Pull::Wait(earlier(Some(due), deadline));
                }
            }
        }
    }

    fn update(&mut self, fault: &Fault, now: Instant) {
        if let Fault::Timeout(spec) = fault {
            self.spec = *spec;
            self.since = now;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            end: Some(End::Close),
            ..Released::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::{Feed, end, wait};
    use std::time::Duration;

    #[test]
    fn bytes_are_swallowed_and_silence_closes() {
        let start = Instant::now();
        let mut stage = Timeout { timeout_us: 30_000 }.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        feed.push(b"gone", start);
        let later = start + Duration::from_millis(10);
        let due = wait(stage.pull(&mut feed, later)).unwrap();
        assert_eq!(due, later + Duration::from_millis(30));
        assert_eq!(end(stage.pull(&mut feed, due)), End::Close);
    }

    #[test]
    fn zero_never_closes_until_it_is_removed() {
        let start = Instant::now();
        let mut stage = Timeout::default().stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        let later = start + Duration::from_secs(3600);
        assert_eq!(wait(stage.pull(&mut feed, later)), None);
        assert_eq!(stage.release().end, Some(End::Close));
        feed.end = Some(End::Finish);
        assert_eq!(end(stage.pull(&mut feed, later)), End::Finish);
    }
}
