//! One thread that serves connections: epoll, timers, commands.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::address::Target;
use super::chain::Faults;
use super::command::{Command, Core, Inbox};
use super::connection::{Connection, Next, Side, Watcher};
use super::link::Tools;
use super::poller::Poller;
use super::protocol::Protocol;
use super::resolve::Lookup;
use super::slab::Slab;
use super::stage::{End, earlier};
use super::timers::Timers;
use super::token::Token;
use super::udp::{Desk, Relay};

const EVENTS: usize = 256;
const SCRATCH: usize = 64 << 10;

/// Connections accepted before others get their turn.
const ACCEPTS: usize = 64;

/// How long a listener rests when there are no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// What a worker keeps of a proxy.
struct Local {
    core: Arc<Core>,
    faults: Faults,
    listener: Option<Arc<OwnedFd>>,
}

/// The state of one thread.
pub struct Worker {
    poller: Poller,
    me: usize,
    inboxes: Vec<Arc<Inbox>>,
    /// The number of the next connection, over all proxies: it only spreads the load.
    spread: Arc<AtomicU64>,
    proxies: HashMap<u64, Local>,
    connections: Slab<Connection>,
    relay: Relay,
    timers: Timers,
    tools: Tools,
    ready: Vec<u32>,
    resting: Vec<(Instant, u64)>,
    stopped: bool,
    /// The connection that had the last event, if it was the only one.
    busy: Option<u32>,
}

impl Worker {
    /// Prepares worker `me` of those behind `inboxes`.
    pub fn new(
        me: usize,
        inboxes: Vec<Arc<Inbox>>,
        spread: Arc<AtomicU64>,
    ) -> std::io::Result<Self> {
        let poller = Poller::new()?;
        poller.edge(inboxes[me].wake(), Token::Wake)?;
        Ok(Self {
            poller,
            me,
            inboxes,
            spread,
            proxies: HashMap::new(),
            connections: Slab::default(),
            relay: Relay::default(),
            timers: Timers::default(),
            tools: Tools {
                scratch: vec![0; SCRATCH],
                bulk: false,
            },
            ready: Vec::new(),
            resting: Vec::new(),
            stopped: false,
            busy: None,
        })
    }

    /// Serves until told to stop.
    pub fn run(mut self) {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(EVENTS);
        let mut now = Instant::now();
        while !self.stopped {
            let deadline = self.next_deadline(now);
            let alone = self.is_alone(&events);
            if self.poller.wait(&mut events, deadline, alone).is_err() {
                // The descriptor is ours and valid: nothing else can be wrong with the call.
                return;
            }
            now = Instant::now();
            for event in &events {
                self.dispatch(Token::from(event.data), event.flags, now);
            }
            while let Some((at, index, generation)) = self.timers.due(now) {
                if let Some(connection) = self.connections.get(index, generation)
                    && connection.deadline == Some(at)
                {
                    connection.deadline = None;
                    self.queue(index);
                }
            }
            self.relay.wake(now);
            self.wake_resting(now);
            let mut ready = std::mem::take(&mut self.ready);
            for index in ready.drain(..) {
                self.drive(index, now);
            }
            ready.append(&mut self.ready);
            self.ready = ready;
        }
    }

    /// Whether the only event was for the same connection as the one before, and not in bulk.
    fn is_alone(&mut self, events: &[epoll::Event]) -> bool {
        let bulk = std::mem::take(&mut self.tools.bulk);
        let only = match events {
            [event] => Token::from(event.data).connection(),
            _ => None,
        };
        let before = std::mem::replace(&mut self.busy, only);
        only.is_some() && only == before && !bulk
    }

    /// When there is something to do even without events.
    fn next_deadline(&self, now: Instant) -> Option<Instant> {
        if !self.ready.is_empty() {
            return Some(now);
        }
        let rest = self.resting.iter().map(|(at, _)| *at).min();
        let relay = self.relay.next_deadline();
        earlier(self.timers.next(), earlier(relay, rest))
    }

    fn dispatch(&mut self, token: Token, flags: epoll::EventFlags, now: Instant) {
        match token {
            Token::Timer => self.poller.rang(),
            Token::Wake => {
                for command in self.inboxes[self.me].take() {
                    self.obey(command, now);
                }
            }
            Token::Listener(id) => self.accept(id, now),
            Token::Session(index, generation) => {
                let (relay, mut desk) = self.desk();
                relay.listen(index, generation, &mut desk, now);
            }
            Token::Connection(index, generation, side) => {
                if let Some(connection) = self.connections.get(index, generation) {
                    connection.note(side, flags);
                    self.queue(index);
                }
            }
        }
    }

    fn queue(&mut self, index: u32) {
        if let Some(connection) = self.connections.at(index)
            && !connection.queued
        {
            connection.queued = true;
            self.ready.push(index);
        }
    }

    fn drive(&mut self, index: u32, now: Instant) {
        let generation = self.connections.generation(index);
        let Some(connection) = self.connections.at(index) else {
            return;
        };
        connection.queued = false;
        let faults = self
            .proxies
            .get(&connection.core.id)
            .map(|local| &local.faults);
        let wanted = faults.map_or(&[][..], |faults| faults.as_slice());
        let watch = Watcher {
            epoll: self.poller.epoll(),
            index,
            generation,
        };
        let next = connection.drive(&mut self.tools, wanted, watch, now);
        self.settle(index, next);
    }

    fn settle(&mut self, index: u32, next: Next) {
        let generation = self.connections.generation(index);
        match next {
            Next::Drop => self.connections.remove(index),
            Next::Keep(wanted) => {
                if let Some(connection) = self.connections.at(index) {
                    let standing = connection.deadline;
                    connection.deadline = self.timers.set(standing, wanted, index, generation);
                }
            }
        }
    }

    /// Where UDP sessions are kept, and what it needs to serve them.
    fn desk(&mut self) -> (&mut Relay, Desk<'_>) {
        let desk = Desk {
            epoll: self.poller.epoll(),
            inbox: &self.inboxes[self.me],
            scratch: &mut self.tools.scratch,
        };
        (&mut self.relay, desk)
    }

    fn accept(&mut self, id: u64, now: Instant) {
        if let Some(local) = self.proxies.get(&id)
            && local.core.protocol == Protocol::Udp
        {
            if let (core, Some(front)) = (local.core.clone(), local.listener.clone()) {
                let faults = local.faults.clone();
                let (relay, mut desk) = self.desk();
                relay.receive(&core, &front, &faults, &mut desk, now);
            }
            return;
        }
        for _ in 0..ACCEPTS {
            let Some(local) = self.proxies.get(&id) else {
                return;
            };
            let Some(listener) = &local.listener else {
                return;
            };
            let client = match accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(client) => client,
                Err(Errno::AGAIN) => return,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    // Level-triggered, so it would spin until a descriptor is free.
                    self.poller.forget(listener);
                    self.resting.push((now + REST, id));
                    return;
                }
                // The client gave up while it waited in line.
                Err(_) => continue,
            };
            let number = local.core.meter.accepted.fetch_add(1, Ordering::Relaxed);
            let workers = self.inboxes.len() as u64;
            let to = self.spread.fetch_add(1, Ordering::Relaxed) % workers;
            match usize::try_from(to) {
                Ok(to) if to != self.me => {
                    self.inboxes[to].send(Command::Accepted { id, number, client });
                }
                _ => self.serve(id, number, client, now),
            }
        }
    }

    fn wake_resting(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .resting
            .extract_if(.., |(at, _)| *at <= now)
            .map(|(_, id)| id)
            .collect();
        for id in due {
            if let Some(listener) = self
                .proxies
                .get(&id)
                .and_then(|local| local.listener.as_ref())
            {
                // Without it the proxy would be deaf: try again later.
                if self.poller.level(listener, Token::Listener(id)).is_err() {
                    self.resting.push((now + REST, id));
                }
            }
        }
    }

    fn serve(&mut self, id: u64, number: u64, client: OwnedFd, now: Instant) {
        // A proxy that was removed in the meantime has no connections.
        let Some(local) = self.proxies.get(&id) else {
            return;
        };
        let resolver = local.core.resolver();
        let connection = Connection::new(local.core.clone(), number, client);
        let (index, generation) = self.connections.insert(connection);
        let asker = Token::Connection(index, generation, Side::Upstream);
        match resolver.find(&self.inboxes[self.me], asker) {
            Lookup::Known(targets) => self.call(index, generation, targets, now),
            Lookup::Pending => {}
            Lookup::Refused => self.call(index, generation, Vec::new(), now),
        }
    }

    fn found(&mut self, asker: Token, targets: Vec<Target>, now: Instant) {
        match asker {
            Token::Connection(index, generation, _) => self.call(index, generation, targets, now),
            Token::Session(index, generation) => {
                let (relay, desk) = self.desk();
                relay.found(index, generation, &targets, desk.epoll, now);
            }
            _ => {}
        }
    }

    fn call(&mut self, index: u32, generation: u32, targets: Vec<Target>, now: Instant) {
        let Some(connection) = self.connections.get(index, generation) else {
            return;
        };
        let watch = Watcher {
            epoll: self.poller.epoll(),
            index,
            generation,
        };
        let next = connection.call(targets.into(), watch, now);
        self.settle(index, next);
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Open { core, faults } => {
                let local = Local {
                    core,
                    faults,
                    listener: None,
                };
                self.proxies.insert(local.core.id, local);
            }
            Command::Listen { id, fd } => {
                if let Some(local) = self.proxies.get_mut(&id)
                    && self.poller.level(&fd, Token::Listener(id)).is_ok()
                {
                    local.listener = Some(Arc::new(fd));
                }
            }
            Command::Unlisten { id, done } => {
                if let Some(local) = self.proxies.get_mut(&id) {
                    local.listener = None;
                }
                let _ = done.send(());
            }
            Command::Faults { id, faults, done } => {
                self.change_faults(id, faults, now);
                let _ = done.send(());
            }
            Command::Cut { id, done } => {
                self.cut(id);
                let _ = done.send(());
            }
            Command::Forget { id, done } => {
                self.proxies.remove(&id);
                self.cut(id);
                let _ = done.send(());
            }
            Command::Accepted { id, number, client } => self.serve(id, number, client, now),
            Command::Found { asker, targets } => {
                self.found(asker, targets.unwrap_or_default(), now);
            }
            Command::Stop => self.stopped = true,
        }
    }

    fn change_faults(&mut self, id: u64, faults: Faults, now: Instant) {
        for index in self.connections_of(id) {
            if let Some(connection) = self.connections.at(index) {
                connection.apply(&faults, now);
                self.queue(index);
            }
        }
        self.relay.apply(id, &faults, now);
        if let Some(local) = self.proxies.get_mut(&id) {
            local.faults = faults;
        }
    }

    fn cut(&mut self, id: u64) {
        self.relay.cut(id);
        for index in self.connections_of(id) {
            if let Some(connection) = self.connections.at(index) {
                connection.cut(End::Close, &mut self.tools);
            }
            self.connections.remove(index);
        }
    }

    fn connections_of(&self, id: u64) -> Vec<u32> {
        let ours = self.connections.iter();
        ours.filter(|(_, connection)| connection.core.id == id)
            .map(|(index, _)| index)
            .collect()
    }
}
