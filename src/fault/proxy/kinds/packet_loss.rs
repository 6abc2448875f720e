//! `packet_loss`: pieces of the stream go missing.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Input, Pull, Stage};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Drops what was read together with a probability. TCP never loses bytes: this damages the
/// stream, as a broken middlebox would, and the receiver sees a gap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PacketLoss {
    /// The share that is dropped, between 0 and 1; default 0.1.
    pub loss_rate: f64,
    /// How much a drop depends on the one before, between 0 and 1; default 0.
    pub correlation: f64,
}

impl Default for PacketLoss {
    fn default() -> Self {
        Self {
            loss_rate: 0.1,
            correlation: 0.0,
        }
    }
}

impl PacketLoss {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![
            Attribute::share("loss_rate", &mut self.loss_rate),
            Attribute::share("correlation", &mut self.correlation),
        ]
    }

    pub(in crate::fault::proxy) fn stage(self, mut rng: Rng, _now: Instant) -> Box<dyn Stage> {
        let last = rng.unit();
        Box::new(Sieve {
            spec: self,
            rng,
            last,
        })
    }
}

struct Sieve {
    spec: PacketLoss,
    rng: Rng,
    /// The last draw, as Linux netem correlates them.
    last: f64,
}

impl Stage for Sieve {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        loop {
            match input.next(now) {
                Pull::Data(chunk) => {
                    let share = self.spec.correlation.clamp(0.0, 1.0);
                    self.last = self.rng.unit() * (1.0 - share) + self.last * share;
                    if self.last >= self.spec.loss_rate {
                        return Pull::Data(chunk);
                    }
                }
                other => return other,
            }
        }
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::PacketLoss(spec) = fault {
            self.spec = *spec;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::Feed;

    fn passed(loss_rate: f64, seed: u64) -> Vec<u8> {
        let start = Instant::now();
        let spec = PacketLoss {
            loss_rate,
            correlation: 0.0,
        };
        let mut stage = spec.stage(Rng::derive(seed, "", 1), start);
        let mut feed = Feed::default();
        for n in 0..1000u32 {
            feed.push(&[n.to_be_bytes()[3]], start);
        }
        let mut all = Vec::new();
        while let Pull::Data(chunk) = stage.pull(&mut feed, start) {
            all.extend_from_slice(&chunk.data);
        }
        all
    }

    #[test]
    fn the_share_goes_missing_and_the_seed_repeats_it() {
        let some = passed(0.3, 5);
        assert!((640..760).contains(&some.len()), "{}", some.len());
        assert_eq!(some, passed(0.3, 5));
        assert_ne!(some, passed(0.3, 6));
        assert_eq!(passed(0.0, 5).len(), 1000);
        assert!(passed(1.0, 5).is_empty());
    }
}
