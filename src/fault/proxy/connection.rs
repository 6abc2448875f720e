//! One client and its upstream: from the call to the last byte.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::sockopt;

use super::address::Target;
use super::chain::Live;
use super::command::Core;
use super::dial::call;
use super::link::{Link, Tools, Turn};
use super::socket::Socket;
use super::stage::{End, earlier};
use super::token::Token;
use super::toxic::Stream;

/// How long one of the upstream's addresses may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A side of a connection, as it is named to epoll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Upstream,
}

/// Has a worker's epoll watch the sockets of one connection.
#[derive(Clone, Copy)]
pub struct Watcher<'a> {
    pub epoll: &'a OwnedFd,
    pub index: u32,
    pub generation: u32,
}

impl Watcher<'_> {
    fn watch(self, socket: &Socket, side: Side) -> bool {
        let data = Token::Connection(self.index, self.generation, side).data();
        epoll::add(self.epoll, socket.fd(), data, Socket::interest()).is_ok()
    }
}

enum Phase {
    /// The name is being looked up.
    Finding,
    /// An address was called; these are left to try.
    Calling(VecDeque<Target>, Instant),
    /// Bytes flow.
    Open,
}

/// A connection of a proxy, served by one worker.
pub struct Connection {
    pub core: Arc<Core>,
    client: Socket,
    upstream: Option<Socket>,
    phase: Phase,
    up: Link,
    down: Link,
    /// The deadline that stands in the worker's timers.
    pub deadline: Option<Instant>,
    /// Whether the worker will look at it in this round anyway.
    pub queued: bool,
}

/// What to do with a connection after it was driven.
pub enum Next {
    /// Keep it, and look again at this instant.
    Keep(Option<Instant>),
    /// It is over.
    Drop,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(core: Arc<Core>, number: u64, client: OwnedFd) -> Self {
        // A Unix socket has no such option and needs none.
        let _ = sockopt::set_tcp_nodelay(&client, true);
        Self {
            core,
            client: Socket::new(client),
            upstream: None,
            phase: Phase::Finding,
            up: Link::new(Stream::Upstream, number),
            down: Link::new(Stream::Downstream, number),
            deadline: None,
            queued: false,
        }
    }

    /// Calls the upstream at the first address that can be called.
    pub fn call(
        &mut self,
        mut targets: VecDeque<Target>,
        watch: Watcher<'_>,
        now: Instant,
    ) -> Next {
        while let Some(target) = targets.pop_front() {
            let Ok(call) = call(&target) else { continue };
            let mut socket = Socket::new(call.fd);
            if !call.connected {
                socket.full();
            }
            if !watch.watch(&socket, Side::Upstream) {
                continue;
            }
            self.upstream = Some(socket);
            self.phase = Phase::Calling(targets, now + PATIENCE);
            return Next::Keep(Some(if call.connected { now } else { now + PATIENCE }));
        }
        self.core.meter.unreachable.fetch_add(1, Ordering::Relaxed);
        Next::Drop
    }

    /// Takes note of an edge.
    pub fn note(&mut self, side: Side, flags: epoll::EventFlags) {
        match (side, &mut self.upstream) {
            (Side::Client, _) => self.client.note(flags),
            (Side::Upstream, Some(upstream)) => upstream.note(flags),
            (Side::Upstream, None) => {}
        }
    }

    /// Makes the faults what is wanted; before the connection is open it has none.
    pub fn apply(&mut self, wanted: &[Arc<Live>], now: Instant) {
        if matches!(self.phase, Phase::Open) {
            self.up.apply(wanted, now);
            self.down.apply(wanted, now);
        }
    }

    /// Does what can be done now.
    pub fn drive(
        &mut self,
        tools: &mut Tools,
        wanted: &[Arc<Live>],
        watch: Watcher<'_>,
        now: Instant,
    ) -> Next {
        match &mut self.phase {
            Phase::Finding => return Next::Keep(None),
            Phase::Calling(targets, until) => {
                let Some(upstream) = &self.upstream else {
                    return Next::Drop;
                };
                let targets = std::mem::take(targets);
                if !upstream.is_writable() && now < *until {
                    let until = *until;
                    self.phase = Phase::Calling(targets, until);
                    return Next::Keep(Some(until));
                }
                let answer = sockopt::socket_error(upstream.fd());
                if answer == Ok(Err(Errno::CONNRESET)) {
                    // It answered, and broke off before a byte was passed.
                    self.cut(End::Reset, tools);
                    return Next::Drop;
                }
                if !upstream.is_writable() || answer != Ok(Ok(())) {
                    self.upstream = None;
                    return self.call(targets, watch, now);
                }
                self.phase = Phase::Open;
                self.apply(wanted, now);
                if !watch.watch(&self.client, Side::Client) {
                    return Next::Drop;
                }
            }
            Phase::Open => {}
        }
        self.exchange(tools, now)
    }

    fn exchange(&mut self, tools: &mut Tools, now: Instant) -> Next {
        let Some(upstream) = &mut self.upstream else {
            return Next::Drop;
        };
        let meter = &self.core.meter;
        let up = self.up.drive(&mut self.client, upstream, tools, meter, now);
        let down = self
            .down
            .drive(upstream, &mut self.client, tools, meter, now);
        match (up, down) {
            (Turn::Cut(end), _) | (_, Turn::Cut(end)) => {
                self.cut(end, tools);
                Next::Drop
            }
            _ if self.up.is_done() && self.down.is_done() => Next::Drop,
            (Turn::Wait(up), Turn::Wait(down)) => Next::Keep(earlier(up, down)),
        }
    }

    /// Ends both sides; they are closed when the connection is dropped.
    pub fn cut(&mut self, end: End, tools: &mut Tools) {
        for socket in std::iter::once(&mut self.client).chain(&mut self.upstream) {
            if end == End::Reset {
                socket.reset_on_close();
            } else {
                socket.drain(&mut tools.scratch);
            }
        }
    }
}
