//! `reset_peer`: the first traffic has the connection reset, at once or after a time.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{End, Input, Pull, Released, Stage, micros};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Resets both sides once bytes or the end have arrived, on new and on open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResetPeer {
    /// Time from the first traffic to the reset, in microseconds; default 0.
    pub timeout_us: i64,
}

impl ResetPeer {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![Attribute::whole("timeout", &mut self.timeout_us, 1000)]
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(Fuse {
            spec: self,
            lit: None,
            ended: None,
        })
    }
}

struct Fuse {
    spec: ResetPeer,
    lit: Option<Instant>,
    ended: Option<End>,
}

impl Stage for Fuse {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        let lit = match self.lit {
            Some(lit) => lit,
            None => match input.next(now) {
                Pull::Wait(deadline) => return Pull::Wait(deadline),
                Pull::Data(_) => now,
                Pull::End(end) => {
                    self.ended = Some(end);
                    now
                }
            },
        };
        self.lit = Some(lit);
        let due = lit + micros(self.spec.timeout_us);
        if now >= due {
            Pull::End(End::Reset)
        } else {
            Pull::Wait(Some(due))
        }
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::ResetPeer(spec) = fault {
            self.spec = *spec;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            end: self.ended,
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
    fn traffic_lights_the_fuse_and_silence_does_not() {
        let start = Instant::now();
        let mut stage = ResetPeer { timeout_us: 20_000 }.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        assert_eq!(wait(stage.pull(&mut feed, start)), None);
        feed.push(b"x", start);
        let due = start + Duration::from_millis(20);
        assert_eq!(wait(stage.pull(&mut feed, start)), Some(due));
        assert_eq!(end(stage.pull(&mut feed, due)), End::Reset);
    }
}
