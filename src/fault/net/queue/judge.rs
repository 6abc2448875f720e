//! What a queue is for: an impairment of packets whatever they hold, or decisions by their contents.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::impairment::Impairment;
use crate::base::rng::Rng;

/// What becomes of a packet whose contents were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, and counts as not touched.
    Pass,
    /// It is lost.
    Drop,
    /// It goes on after that time.
    Delay(Duration),
    /// It is lost, and after that time its sender is sent this whole packet, from the IP header on.
    Answer(Vec<u8>, Duration),
}

/// Decides about packets by their contents.
pub trait Judge: Send {
    /// The fate of a packet, given from its IP header on.
    fn judge(&mut self, packet: &[u8]) -> Verdict;
}

/// The work of a queue.
#[derive(Clone)]
pub enum Work {
    /// What packets suffer.
    Impair(Impairment),
    /// Makes whoever decides about packets.
    Judge(Arc<dyn Fn(Rng) -> Box<dyn Judge> + Send + Sync>),
}

impl Work {
    /// Whether packets must be seen whole.
    pub(super) fn needs_contents(&self) -> bool {
        match self {
            Self::Impair(impairment) => impairment.needs_contents(),
            Self::Judge(_) => true,
        }
    }

    /// Whether senders may be answered.
    pub(super) fn answers(&self) -> bool {
        matches!(self, Self::Judge(_))
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impair(impairment) => impairment.fmt(f),
            Self::Judge(_) => f.write_str("decisions by contents"),
        }
    }
}
