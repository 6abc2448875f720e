//! `duplicate`: datagrams arrive twice.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Chunk, Input, Pull, Released, Stage};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Sends a share of the datagrams twice, the copy right behind the first. UDP only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The share that is sent twice, between 0 and 1; default 0.1.
    pub duplicate_rate: f64,
}

impl Default for Duplicate {
    fn default() -> Self {
        Self {
            duplicate_rate: 0.1,
        }
    }
}

impl Duplicate {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![Attribute::share("duplicate_rate", &mut self.duplicate_rate)]
    }

    pub(in crate::fault::proxy) fn stage(self, rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(Copier {
            spec: self,
            rng,
            copy: None,
        })
    }
}

struct Copier {
    spec: Duplicate,
    rng: Rng,
    copy: Option<Chunk>,
}

impl Stage for Copier {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        if let Some(copy) = self.copy.take() {
            return Pull::Data(copy);
        }
        let pulled = input.next(now);
        if let Pull::Data(chunk) = &pulled
            && self.rng.unit() < self.spec.duplicate_rate
        {
            self.copy = Some(chunk.clone());
        }
        pulled
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::Duplicate(spec) = fault {
            self.spec = *spec;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            data: self.copy.take().into_iter().collect(),
            end: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::Feed;

    fn passed(duplicate_rate: f64, seed: u64) -> Vec<Vec<u8>> {
        let start = Instant::now();
        let spec = Duplicate { duplicate_rate };
        let mut stage = spec.stage(Rng::derive(seed, "", 1), start);
        let mut feed = Feed::default();
        for n in 0..1000u32 {
            feed.push(&n.to_be_bytes(), start);
        }
        let mut all = Vec::new();
        while let Pull::Data(chunk) = stage.pull(&mut feed, start) {
            all.push(chunk.data.to_vec());
        }
        all
    }

    #[test]
    fn the_share_comes_twice_in_order_and_the_seed_repeats_it() {
        let some = passed(0.3, 5);
        assert!((1240..1360).contains(&some.len()), "{}", some.len());
        assert!(some.is_sorted());
        assert_eq!(some, passed(0.3, 5));
        assert_ne!(some, passed(0.3, 6));
        assert_eq!(passed(0.0, 5).len(), 1000);
        assert_eq!(passed(1.0, 5).len(), 2000);
    }
}
