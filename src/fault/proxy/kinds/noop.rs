//! `noop`: everything passes; what a fault would meet is counted all the same.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Input, Pull, Stage};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Noop;

impl Noop {
    #[expect(clippy::unused_self, reason = "the shape that every fault has")]
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        Vec::new()
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(self)
    }
}

impl Stage for Noop {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        input.next(now)
    }

    fn update(&mut self, _fault: &Fault, _now: Instant) {}
}
