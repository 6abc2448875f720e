//! One direction of one connection: reads from one socket, writes to the other.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::chain::{Chain, Live};
use super::protocol::Protocol;
use super::socket::{Moved, Socket};
use super::stage::{Chunk, End, Input, Pull};
use super::status::Meter;
use super::toxic::Stream;

/// The most that a fault sees as one chunk, as Toxiproxy reads.
const CHUNK: usize = 32 << 10;

/// Bytes moved for one connection before the others get their turn.
const TURN: usize = 1 << 20;

/// What is read at once at first: more than any answer that somebody waits for.
const FIRST: usize = 64 << 10;

/// What is read at once in bulk. More is no faster, and keeps others waiting for longer.
const MOST: usize = 1 << 20;

/// A read that is smaller than this says that the bulk is over.
const SMALL: usize = 8 << 10;

/// What a worker lends to the link it is driving.
pub struct Tools {
    pub scratch: Vec<u8>,
    /// Whether a link was in bulk since this was last taken.
    pub bulk: bool,
}

/// Where a link stands after its turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing to do before this instant, or before a socket is ready.
    Wait(Option<Instant>),
    /// The connection is to be closed or reset.
    Cut(End),
}

/// One direction of one connection.
pub struct Link {
    stream: Stream,
    chain: Chain,
    /// Bytes that are past every fault and wait for the receiver.
    held: Bytes,
    /// What is read at once: it doubles with each full read that the receiver takes whole.
    room: usize,
    ended: Option<End>,
    done: bool,
}

impl Link {
    /// A link without faults, for connection `number` of a proxy.
    pub fn new(stream: Stream, number: u64) -> Self {
        Self {
            stream,
            chain: Chain::new(stream, number, Protocol::Tcp),
            held: Bytes::new(),
            room: FIRST,
            ended: None,
            done: false,
        }
    }

    /// Makes the faults what is wanted.
    pub fn apply(&mut self, wanted: &[Arc<Live>], now: Instant) {
        self.chain.apply(wanted, now);
    }

    /// Whether the end was passed on.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Moves what can be moved now.
    pub fn drive(
        &mut self,
        from: &mut Socket,
        to: &mut Socket,
        tools: &mut Tools,
        meter: &Meter,
        now: Instant,
    ) -> Turn {
        let mut budget = TURN;
        tools.bulk |= self.room > FIRST;
        if self.chain.severs() {
            return Turn::Cut(End::Reset);
        }
        if !self.done && self.ended.is_none() && !self.chain.is_clear() {
            let mut source = Source::new(from, tools, meter, self.stream, &mut budget);
            self.chain.fill(&mut source, now);
        }
        while !self.done {
            match self.flush(to, meter) {
                Moved::Bytes(_) => {}
                Moved::Blocked => return Turn::Wait(None),
                Moved::End | Moved::Broken => {
                    self.abandon();
                    break;
                }
            }
            match self.ended {
                Some(End::Finish) => {
                    to.finish();
                    self.abandon();
                    break;
                }
                Some(end) => return Turn::Cut(end),
                None => {}
            }
            if budget == 0 {
                return Turn::Wait(Some(now));
            }
            let waiting = if self.chain.is_clear() {
                self.pass(from, to, tools, meter, &mut budget)
            } else {
                self.disturb(from, tools, meter, &mut budget, now)
            };
            if let Some(deadline) = waiting {
                return Turn::Wait(deadline);
            }
        }
        Turn::Wait(None)
    }

    /// The receiver is gone or has been told the end: nothing more is read for it.
    fn abandon(&mut self) {
        self.done = true;
        self.held = Bytes::new();
    }

    /// Writes what is past every fault; `Bytes` when nothing is left.
    fn flush(&mut self, to: &mut Socket, meter: &Meter) -> Moved {
        while !self.held.is_empty() {
            if !to.is_writable() {
                return Moved::Blocked;
            }
            let moved = to.write(&self.held);
            let Moved::Bytes(count) = moved else {
                return moved;
            };
            meter.sent(self.stream, count);
            self.held = self.held.split_off(count.min(self.held.len()));
        }
        Moved::Bytes(0)
    }

    /// One read and one write without a fault between them; some deadline when it cannot.
    fn pass(
        &mut self,
        from: &mut Socket,
        to: &mut Socket,
        tools: &mut Tools,
        meter: &Meter,
        budget: &mut usize,
    ) -> Option<Option<Instant>> {
        if !from.is_readable() || !to.is_writable() {
            return Some(None);
        }
        let room = self.room;
        if tools.scratch.len() < room {
            tools.scratch.resize(room, 0);
        }
        let count = match from.read(&mut tools.scratch[..room]) {
            Moved::Bytes(count) => count,
            Moved::Blocked => return None,
            Moved::End => {
                self.ended = Some(End::Finish);
                return None;
            }
            Moved::Broken => {
                self.ended = Some(End::Reset);
                return None;
            }
        };
        meter.received(self.stream, count);
        *budget = budget.saturating_sub(count);
        let written = match to.write(&tools.scratch[..count]) {
            Moved::Bytes(written) => written,
            _ => 0,
        };
        meter.sent(self.stream, written);
        if written < count {
            self.held = Bytes::copy_from_slice(&tools.scratch[written..count]);
        }
        if written < count || count < SMALL {
            // What a slow receiver does not take is held: that must not be much.
            self.room = FIRST;
        } else if count == room {
            self.room = (room * 2).min(MOST);
        }
        None
    }

    /// Takes one chunk through the faults; some deadline when there is none.
    fn disturb(
        &mut self,
        from: &mut Socket,
        tools: &mut Tools,
        meter: &Meter,
        budget: &mut usize,
        now: Instant,
    ) -> Option<Option<Instant>> {
        let mut source = Source::new(from, tools, meter, self.stream, budget);
        match self.chain.pull(&mut source, now) {
            Pull::Data(chunk) => self.held = chunk.data,
            Pull::Wait(deadline) => return Some(deadline),
            Pull::End(end) => self.ended = Some(end),
        }
        None
    }
}

/// The socket as the first fault sees it.
struct Source<'a> {
    socket: &'a mut Socket,
    scratch: &'a mut [u8],
    meter: &'a Meter,
    stream: Stream,
    budget: &'a mut usize,
}

impl<'a> Source<'a> {
    fn new(
        socket: &'a mut Socket,
        tools: &'a mut Tools,
        meter: &'a Meter,
        stream: Stream,
        budget: &'a mut usize,
    ) -> Self {
        let room = CHUNK.min(tools.scratch.len());
        Self {
            socket,
            scratch: &mut tools.scratch[..room],
            meter,
            stream,
            budget,
        }
    }
}

impl Input for Source<'_> {
    fn next(&mut self, now: Instant) -> Pull {
        if !self.socket.is_readable() {
            return Pull::Wait(None);
        }
        if *self.budget == 0 {
            return Pull::Wait(Some(now));
        }
        match self.socket.read(self.scratch) {
            Moved::Bytes(count) => {
                self.meter.received(self.stream, count);
                // Tiny reads cost a call each and count as if they were larger.
                *self.budget = self.budget.saturating_sub(count.max(1024));
                Pull::Data(Chunk {
                    data: Bytes::copy_from_slice(&self.scratch[..count]),
                    at: now,
                })
            }
            Moved::Blocked => Pull::Wait(None),
            Moved::End => Pull::End(End::Finish),
            Moved::Broken => Pull::End(End::Reset),
        }
    }
}
