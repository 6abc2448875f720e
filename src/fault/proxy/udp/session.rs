//! One client of a UDP proxy and the socket that speaks to the upstream for it.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send, sendto};

use super::flow::Flow;
use crate::fault::proxy::address::Target;
use crate::fault::proxy::chain::Live;
use crate::fault::proxy::command::Core;
use crate::fault::proxy::dial::talk;
use crate::fault::proxy::stage::earlier;
use crate::fault::proxy::token::Token;
use crate::fault::proxy::toxic::Stream;

/// Datagrams read for one session before others get their turn.
const TURN: usize = 64;

/// The datagrams of one client.
pub struct Session {
    pub core: Arc<Core>,
    /// The socket that clients send to; answers leave from it.
    front: Arc<OwnedFd>,
    pub client: SocketAddr,
    upstream: Option<OwnedFd>,
    up: Flow,
    down: Flow,
    /// When something last came from either side.
    pub last: Instant,
    /// The deadline that stands in the relay's timers.
    pub deadline: Option<Instant>,
}

impl Session {
    /// A session whose upstream is still to be found.
    pub fn new(core: Arc<Core>, front: Arc<OwnedFd>, client: SocketAddr, now: Instant) -> Self {
        let number = core.meter.accepted.fetch_add(1, Ordering::Relaxed);
        Self {
            core,
            front,
            client,
            upstream: None,
            up: Flow::new(Stream::Upstream, number),
            down: Flow::new(Stream::Downstream, number),
            last: now,
            deadline: None,
        }
    }

    /// Opens the socket to the first address that can be had, and has it watched.
    pub fn open(&mut self, targets: &[Target], epoll: &OwnedFd, token: Token) -> Result<(), Errno> {
        let mut refused = Errno::ADDRNOTAVAIL;
        for target in targets {
            match talk(target) {
                Ok(fd) => {
                    epoll::add(epoll, &fd, token.data(), epoll::EventFlags::IN)?;
                    self.upstream = Some(fd);
                    return Ok(());
                }
                Err(error) => refused = error,
            }
        }
        self.core.meter.unreachable.fetch_add(1, Ordering::Relaxed);
        Err(refused)
    }

    /// Makes the faults what is wanted.
    pub fn apply(&mut self, wanted: &[Arc<Live>], now: Instant) {
        self.up.apply(wanted, now);
        self.down.apply(wanted, now);
    }

    /// Takes a datagram of the client.
    pub fn ask(&mut self, data: &[u8], now: Instant) {
        self.core.meter.received(Stream::Upstream, data.len());
        self.last = now;
        match &self.upstream {
            Some(upstream) if self.up.is_clear() => send_up(&self.core, upstream, data),
            _ => keep(&self.core, &mut self.up, data, now),
        }
    }

    /// Reads what the upstream answered.
    pub fn listen(&mut self, scratch: &mut [u8], now: Instant) {
        let Some(upstream) = &self.upstream else {
            return;
        };
        for _ in 0..TURN {
            let count = match recv(upstream, &mut *scratch, RecvFlags::empty()) {
                Ok((count, _)) => count,
                Err(Errno::AGAIN) => return,
                Err(Errno::CONNREFUSED) => {
                    // Nobody listens there; whoever asked is left to its own time limit.
                    self.core.meter.unreachable.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Err(_) => continue,
            };
            let data = &scratch[..count];
            self.core.meter.received(Stream::Downstream, count);
            self.last = now;
            if self.down.is_clear() {
                send_down(&self.core, &self.front, self.client, data);
            } else {
                keep(&self.core, &mut self.down, data, now);
            }
        }
    }

    /// Sends what is due; gives when to look again, or none when the session is over.
    pub fn drive(&mut self, now: Instant) -> Option<Instant> {
        let mut waits = None;
        if let Some(upstream) = &self.upstream {
            waits = pump(&mut self.up, now, |data| {
                send_up(&self.core, upstream, data);
            });
        }
        let down = pump(&mut self.down, now, |data| {
            send_down(&self.core, &self.front, self.client, data);
        });
        // What a fault still holds will be sent: until then the session is not idle.
        earlier(waits, down).or_else(|| {
            let idle = self.last + self.core.idle_timeout;
            (idle > now).then_some(idle)
        })
    }
}

/// Sends all that is due; gives when the next is.
fn pump(flow: &mut Flow, now: Instant, mut send: impl FnMut(&[u8])) -> Option<Instant> {
    loop {
        match flow.next(now) {
            Ok(data) => send(&data),
            Err(deadline) => return deadline,
        }
    }
}

fn keep(core: &Core, flow: &mut Flow, data: &[u8], now: Instant) {
    if !flow.take(data, now) {
        core.meter.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn send_up(core: &Core, upstream: impl AsFd, data: &[u8]) {
    let mut sent = send(&upstream, data, SendFlags::NOSIGNAL);
    if sent == Err(Errno::CONNREFUSED) {
        // The refusal of an earlier datagram, reported instead of sending this one.
        core.meter.unreachable.fetch_add(1, Ordering::Relaxed);
        sent = send(&upstream, data, SendFlags::NOSIGNAL);
    }
    count(core, Stream::Upstream, sent);
}

fn send_down(core: &Core, front: impl AsFd, client: SocketAddr, data: &[u8]) {
    let sent = sendto(&front, data, SendFlags::NOSIGNAL, &client);
    count(core, Stream::Downstream, sent);
}

/// A datagram that the system does not take is lost, as on any way through a network.
fn count(core: &Core, stream: Stream, sent: Result<usize, Errno>) {
    match sent {
        Ok(bytes) => core.meter.sent(stream, bytes),
        Err(_) => {
            core.meter.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
