//! `down`: connections are cut the moment they are open.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{End, Input, Pull, Stage};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Resets the connections it hits, open ones and new ones, without waiting for traffic. For
/// refused connections stop the proxy instead, which is what `down` with full toxicity means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Down;

impl Down {
    #[expect(clippy::unused_self, reason = "the shape that every fault has")]
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        Vec::new()
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(self)
    }
}

impl Stage for Down {
    fn pull(&mut self, _input: &mut dyn Input, _now: Instant) -> Pull {
        Pull::End(End::Reset)
    }

    fn severs(&self) -> bool {
        true
    }

    fn update(&mut self, _fault: &Fault, _now: Instant) {}
}
