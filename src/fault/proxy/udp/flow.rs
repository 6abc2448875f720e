//! One direction of one client's datagrams: what has arrived, and the faults it goes through.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::fault::proxy::chain::{Chain, Live};
use crate::fault::proxy::protocol::Protocol;
use crate::fault::proxy::stage::{Chunk, Input, Pull};
use crate::fault::proxy::toxic::Stream;

/// How much may wait for the faults: a sender that cannot be held back loses the rest, as in
/// the queue of a router.
const DATAGRAMS: usize = 8192;
const BYTES: usize = 8 << 20;

/// One direction of a session.
pub struct Flow {
    chain: Chain,
    queue: Queue,
}

#[derive(Default)]
struct Queue {
    chunks: VecDeque<Chunk>,
    bytes: usize,
}

impl Input for Queue {
    fn next(&mut self, _now: Instant) -> Pull {
        let Some(chunk) = self.chunks.pop_front() else {
            return Pull::Wait(None);
        };
        self.bytes -= chunk.data.len();
        Pull::Data(chunk)
    }
}

impl Flow {
    /// A direction without faults, for session `number` of a proxy.
    pub fn new(stream: Stream, number: u64) -> Self {
        Self {
            chain: Chain::new(stream, number, Protocol::Udp),
            queue: Queue::default(),
        }
    }

    /// Makes the faults what is wanted.
    pub fn apply(&mut self, wanted: &[Arc<Live>], now: Instant) {
        self.chain.apply(wanted, now);
    }

    /// Whether a datagram would pass at once and untouched.
    pub fn is_clear(&self) -> bool {
        self.queue.chunks.is_empty() && self.chain.is_clear()
    }

    /// Takes what has arrived; false when there is no room for it.
    #[must_use]
    pub fn take(&mut self, data: &[u8], now: Instant) -> bool {
        let queue = &mut self.queue;
        if queue.chunks.len() >= DATAGRAMS || queue.bytes + data.len() > BYTES {
            return false;
        }
        queue.bytes += data.len();
        queue.chunks.push_back(Chunk {
            data: Bytes::copy_from_slice(data),
            at: now,
        });
        true
    }

    /// The next datagram for the receiver, or when to ask again.
    pub fn next(&mut self, now: Instant) -> Result<Bytes, Option<Instant>> {
        self.chain.fill(&mut self.queue, now);
        match self.chain.pull(&mut self.queue, now) {
            Pull::Data(chunk) => Ok(chunk.data),
            Pull::Wait(deadline) => Err(deadline),
            // No fault for datagrams ends a session.
            Pull::End(_) => Err(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_by_number_and_by_size() {
        let now = Instant::now();
        let mut small = Flow::new(Stream::Upstream, 1);
        assert!((0..DATAGRAMS).all(|_| small.take(b"", now)));
        assert!(!small.take(b"", now));
        let mut large = Flow::new(Stream::Upstream, 1);
        let datagram = vec![0; 1 << 15];
        let taken = (0..DATAGRAMS).take_while(|_| large.take(&datagram, now));
        assert_eq!(taken.count(), BYTES >> 15);
        assert_eq!(large.next(now).unwrap().len(), 1 << 15);
        assert!(large.take(&datagram, now));
    }
}
