//! The shape of one fault inside one direction of one connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::toxic::Fault;

/// Bytes that were read together, and when they count as having arrived.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The bytes; never empty, unless it is a datagram.
    pub data: Bytes,
    /// When they were read, moved on by every delay that was already served.
    pub at: Instant,
}

/// How a direction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The sender is done: passed on as a half-close.
    Finish,
    /// Both sockets are closed in order.
    Close,
    /// Both sockets are reset.
    Reset,
}

/// What a stage gives when it is asked.
#[derive(Debug)]
pub enum Pull {
    /// The next bytes.
    Data(Chunk),
    /// Nothing before this instant, or before the socket has more.
    Wait(Option<Instant>),
    /// No more bytes will come.
    End(End),
}

/// Where a stage takes its bytes from: the stage before it, or the socket.
pub trait Input {
    /// The next bytes, if there are any.
    fn next(&mut self, now: Instant) -> Pull;
}

/// One fault at work on one direction of one connection.
///
/// It is asked whenever the receiver can take more, and at the instants it named.
pub trait Stage: Send {
    /// Gives the next bytes, taking from `input` what it needs.
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull;

    /// Takes what has arrived even though nobody asks, so that its time of arrival is right.
    fn fill(&mut self, _input: &mut dyn Input, _now: Instant) {}

    /// Takes over changed settings; what is held stays held.
    fn update(&mut self, fault: &Fault, now: Instant);

    /// Gives up what is held because the fault is being removed.
    fn release(&mut self) -> Released {
        Released::default()
    }

    /// Whether the connection is to be cut even while the receiver takes nothing.
    fn severs(&self) -> bool {
        false
    }

    /// Whether the stage has nothing left to do and may be taken out.
    fn spent(&self) -> bool {
        false
    }
}

/// What a removed stage still had.
#[derive(Debug, Default)]
pub struct Released {
    /// Bytes to pass on, in order.
    pub data: VecDeque<Chunk>,
    /// The end that was held back, if any.
    pub end: Option<End>,
}

impl Released {
    /// Whether there is nothing to pass on.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.end.is_none()
    }
}

/// Stands where a fault was until what it held has been passed on.
pub struct Replay(pub Released);

impl Stage for Replay {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        if let Some(chunk) = self.0.data.pop_front() {
            return Pull::Data(chunk);
        }
        match self.0.end {
            Some(end) => Pull::End(end),
            None => input.next(now),
        }
    }

    fn update(&mut self, _fault: &Fault, _now: Instant) {}

    fn release(&mut self) -> Released {
        std::mem::take(&mut self.0)
    }

    fn spent(&self) -> bool {
        self.0.is_empty()
    }
}

/// The earlier of two deadlines, where none means never.
pub fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// A wait written in microseconds; negative is none, and a century is the most.
pub fn micros(value: i64) -> Duration {
    const CENTURY: u64 = 100 * 366 * 86_400 * 1_000_000;
    Duration::from_micros(u64::try_from(value).unwrap_or(0).min(CENTURY))
}

#[cfg(test)]
pub mod fixture {
    //! A socket that is not one: what a stage is given, instant by instant.

    use super::{Chunk, End, Input, Pull};
    use std::collections::VecDeque;
    use std::time::Instant;

    /// Bytes that have arrived and not been taken, and the end after them.
    #[derive(Default)]
    pub struct Feed {
        pub queue: VecDeque<Chunk>,
        pub end: Option<End>,
    }

    impl Feed {
        pub fn push(&mut self, data: &[u8], at: Instant) {
            self.queue.push_back(Chunk {
                data: bytes::Bytes::copy_from_slice(data),
                at,
            });
        }
    }

    impl Input for Feed {
        fn next(&mut self, _now: Instant) -> Pull {
            match (self.queue.pop_front(), self.end) {
                (Some(chunk), _) => Pull::Data(chunk),
                (None, Some(end)) => Pull::End(end),
                (None, None) => Pull::Wait(None),
            }
        }
    }

    /// The bytes of a pull, or a panic that shows what it was.
    pub fn data(pull: Pull) -> Vec<u8> {
        match pull {
            Pull::Data(chunk) => chunk.data.to_vec(),
            other => panic!("expected data, got {other:?}"),
        }
    }

    /// The deadline of a pull, or a panic that shows what it was.
    pub fn wait(pull: Pull) -> Option<Instant> {
        match pull {
            Pull::Wait(deadline) => deadline,
            other => panic!("expected a wait, got {other:?}"),
        }
    }

    /// The end of a pull, or a panic that shows what it was.
    pub fn end(pull: Pull) -> End {
        match pull {
            Pull::End(end) => end,
            other => panic!("expected the end, got {other:?}"),
        }
    }
}
