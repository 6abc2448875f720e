//! The thread that takes packets from the kernel, holds them, and lets them go on.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use super::emit::Emitter;
use super::judge::{Judge, Verdict, Work};
use super::shaper::{Fate, Shaper};
use super::wire::{Packet, Packets, packets};
use super::{COPIED, NUMBER, RESENT};
use crate::base::rng::Rng;
use crate::fault::net::netlink::{Message, NetlinkError};
use crate::fault::net::route;

/// How long the thread sleeps at most: then it looks whether its namespace is still there.
const NAP: Duration = Duration::from_millis(250);
/// How many packets are taken before those that are due are let go.
const TURN: usize = 256;
/// The mark of later packets where there is no other measure of an interface.
const ETHERNET: u32 = 1500;

/// Where packets are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Where they arrive: the kernel keeps them, and goes on with them later.
    Hold,
    /// Where they are sent: they are copied, dropped, and sent once more later, since a sender waits for
    /// packets that are held on its own machine.
    Resend,
}

/// A packet queue at work.
#[derive(Debug)]
pub struct Queue {
    /// The kernel's number for it.
    pub number: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    touched: AtomicU64,
    bytes: AtomicU64,
    ending: AtomicBool,
    wake: OwnedFd,
}

impl Queue {
    /// Starts one in the network namespace of this thread. `fault` tells its packets from those of others;
    /// `gone` says when the namespace has ended.
    ///
    /// # Errors
    ///
    /// No right to (it takes `CAP_NET_ADMIN` and `CAP_NET_RAW`), or no packet queues in the kernel.
    pub fn start(
        mode: Mode,
        work: &Work,
        rng: Rng,
        fault: u32,
        gone: impl Fn() -> bool + Send + 'static,
    ) -> Result<Self, NetlinkError> {
        let failed = |source| NetlinkError::Socket {
            action: "start a packet queue".to_owned(),
            source,
        };
        let whole = mode == Mode::Resend || work.needs_contents();
        let wish = u16::try_from(fault & 0x7fff).unwrap_or_default() | 0x8000;
        let packets = Packets::open(wish, whole)?;
        // On in the packet's own direction, and back to where it came from.
        let (on, back) = match mode {
            Mode::Hold => (COPIED, RESENT),
            Mode::Resend => (RESENT, COPIED),
        };
        let open = |needed: bool, mark: u32| {
            let emitter = || Emitter::open(mark | (fault & NUMBER)).map_err(failed);
            needed.then(emitter).transpose()
        };
        let emitter = open(whole, on)?;
        let back = open(work.answers(), back)?;
        let links = route::links(&route::open()?)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let shared = Arc::new(Shared {
            touched: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ending: AtomicBool::new(false),
            wake: wake.map_err(|errno| failed(errno.into()))?,
        });
        let number = packets.number;
        let engine = Engine {
            mode,
            packets,
            emitter,
            back,
            doing: match work {
                Work::Impair(impairment) => Doing::Shape(Box::new(Shaper::new(impairment, rng))),
                Work::Judge(make) => Doing::Judge(make(rng)),
            },
            mtu: links.iter().map(|link| (link.index, link.mtu)).collect(),
            held: BinaryHeap::new(),
            order: 0,
            answers: Vec::new(),
            shared: shared.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("packet queue".to_owned())
            .spawn(move || engine.run(&gone))
            .map_err(failed)?;
        Ok(Self {
            number,
            shared,
            thread: Some(thread),
        })
    }

    /// Whether somebody listens.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }

    /// Packets that something has happened to, and their bytes.
    #[must_use]
    pub fn touched(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.shared.touched), read(&self.shared.bytes))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        let _ = rustix::io::write(&self.shared.wake, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A packet that waits: first by time, then by arrival.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    due: Instant,
    order: u64,
    what: What,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The kernel has it, and goes on with it.
    Release(u32),
    /// The kernel has it, and goes on with these contents.
    Change(u32, Vec<u8>),
    /// It is sent, to go out through an interface.
    Send(Vec<u8>, u32),
    /// It is sent to where another one came from, as if it had come through an interface.
    Answer(Vec<u8>, u32),
}

/// Who decides about packets.
enum Doing {
    Shape(Box<Shaper>),
    Judge(Box<dyn Judge>),
}

struct Engine {
    mode: Mode,
    packets: Packets,
    emitter: Option<Emitter>,
    back: Option<Emitter>,
    doing: Doing,
    mtu: HashMap<u32, u32>,
    held: BinaryHeap<Reverse<Held>>,
    order: u64,
    answers: Vec<Message>,
    shared: Arc<Shared>,
}

impl Engine {
    fn run(mut self, gone: &impl Fn() -> bool) {
        // Sleep to the nanosecond instead of to the fifty microseconds that save power.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let mut buffer = vec![0; 1 << 17];
        while !self.shared.ending.load(Ordering::Acquire) && !gone() {
            if let Err(error) = self.turn(&mut buffer) {
                tracing::error!("a packet queue has ended: {error}");
                break;
            }
        }
        // Whoever waits goes on at once.
        self.release(None);
        let _ = self.speak();
    }

    fn turn(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..TURN {
            match self.packets.socket.listen(buffer) {
                Ok(count) => {
                    let now = Instant::now();
                    for packet in packets(&buffer[..count]) {
                        self.take(packet, now);
                    }
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR | Errno::NOBUFS) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.release(Some(Instant::now()));
        self.speak()?;
        self.sleep()
    }

    fn sleep(&self) -> io::Result<()> {
        let nap = self.held.peek().map_or(NAP, |Reverse(held)| {
            held.due.saturating_duration_since(Instant::now()).min(NAP)
        });
        let time = Timespec::try_from(nap).unwrap_or_default();
        let mut both = [
            PollFd::new(&self.packets.socket, PollFlags::IN),
            PollFd::new(&self.shared.wake, PollFlags::IN),
        ];
        match poll(&mut both, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn take(&mut self, packet: Packet<'_>, now: Instant) {
        match &mut self.doing {
            Doing::Shape(shaper) => {
                let fate = shaper.next(packet.length, now);
                self.shape(packet, fate, now);
            }
            Doing::Judge(judge) => {
                let verdict = judge.judge(packet.bytes);
                self.carry_out(packet, verdict, now);
            }
        }
    }

    fn touched(&self, packet: Packet<'_>) {
        let Shared { touched, bytes, .. } = &*self.shared;
        touched.fetch_add(1, Ordering::Relaxed);
        bytes.fetch_add(packet.length, Ordering::Relaxed);
    }

    fn carry_out(&mut self, packet: Packet<'_>, verdict: Verdict, now: Instant) {
        match verdict {
            Verdict::Pass => return self.answer(packet.id, true),
            Verdict::Drop => self.answer(packet.id, false),
            Verdict::Delay(time) if self.mode == Mode::Resend && self.fits(packet) => {
                self.answer(packet.id, false);
                let what = What::Send(packet.bytes.to_vec(), packet.output);
                self.hold(now + time, what);
            }
            Verdict::Delay(time) => self.hold(now + time, What::Release(packet.id)),
            Verdict::Answer(bytes, time) => {
                self.answer(packet.id, false);
                self.hold(now + time, What::Answer(bytes, packet.interface()));
            }
        }
        self.touched(packet);
    }

    fn shape(&mut self, packet: Packet<'_>, fate: Fate, now: Instant) {
        if fate.touched {
            self.touched(packet);
        }
        let flipped = fate.flip.map(|bit| flipped(packet.bytes, bit));
        match fate.due {
            None => self.answer(packet.id, false),
            Some(due) if due <= now && flipped.is_none() => self.answer(packet.id, true),
            Some(due) => {
                let resend = self.mode == Mode::Resend && self.fits(packet);
                let what = match flipped {
                    Some(bytes) if resend => What::Send(bytes, packet.output),
                    Some(bytes) => What::Change(packet.id, bytes),
                    None if resend => What::Send(packet.bytes.to_vec(), packet.output),
                    None => What::Release(packet.id),
                };
                if resend {
                    self.answer(packet.id, false);
                }
                self.hold(due, what);
            }
        }
        if let Some(due) = fate.copy {
            self.hold(due, What::Send(packet.bytes.to_vec(), packet.output));
        }
    }

    /// A packet that the kernel has yet to cut up can only be held.
    fn fits(&self, packet: Packet<'_>) -> bool {
        let mtu = self.mtu.get(&packet.output).copied().unwrap_or(ETHERNET);
        packet.length <= u64::from(mtu)
    }

    fn hold(&mut self, due: Instant, what: What) {
        self.order += 1;
        let order = self.order;
        self.held.push(Reverse(Held { due, order, what }));
    }

    fn answer(&mut self, id: u32, accept: bool) {
        self.answers.push(self.packets.verdict(id, accept, None));
    }

    /// Lets go what is due, or all.
    fn release(&mut self, until: Option<Instant>) {
        while let Some(Reverse(next)) = self.held.peek() {
            if until.is_some_and(|until| next.due > until) {
                return;
            }
            let Some(Reverse(held)) = self.held.pop() else {
                return;
            };
            match held.what {
                What::Release(id) => self.answer(id, true),
                What::Change(id, bytes) => {
                    let verdict = self.packets.verdict(id, true, Some(&bytes));
                    self.answers.push(verdict);
                }
                What::Send(bytes, interface) => emit(self.emitter.as_ref(), &bytes, interface),
                What::Answer(bytes, interface) => emit(self.back.as_ref(), &bytes, interface),
            }
        }
    }

    fn speak(&mut self) -> io::Result<()> {
        for part in self.answers.chunks(64) {
            match self.packets.socket.tell(part) {
                Ok(()) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.answers.clear();
        Ok(())
    }
}

fn emit(emitter: Option<&Emitter>, packet: &[u8], interface: u32) {
    if let Some(Err(error)) = emitter.map(|one| one.send(packet, interface)) {
        tracing::debug!("a packet was lost on its way: {error}");
    }
}

/// The packet with one bit flipped behind its IP header, whose damage would only lose it.
fn flipped(packet: &[u8], bit: u64) -> Vec<u8> {
    let header = match packet.first() {
        Some(byte) if byte >> 4 == 4 => usize::from(byte & 0xf) * 4,
        _ => 40,
    };
    let mut bytes = packet.to_vec();
    let behind = bytes.len().saturating_sub(header) as u64 * 8;
    if behind > 0 {
        let bit = usize::try_from(bit % behind).unwrap_or_default();
        bytes[header + bit / 8] ^= 1 << (bit % 8);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_bit_behind_the_header_is_flipped() {
        for first in [0x45, 0x60] {
            let mut packet = vec![0; 60];
            packet[0] = first;
            for bit in [0, 7, 159, u64::MAX] {
                let after = flipped(&packet, bit);
                let header = if first == 0x45 { 20 } else { 40 };
                assert_eq!(after[..header], packet[..header]);
                let ones: u32 = after[header..].iter().map(|byte| byte.count_ones()).sum();
                assert_eq!(ones, 1);
            }
        }
        assert_eq!(flipped(&[0x45; 4], 3), [0x45; 4]);
    }
}
