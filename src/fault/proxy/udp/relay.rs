//! The sessions of all UDP proxies that one worker keeps.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recvfrom};

use super::session::Session;
use crate::fault::proxy::address::Target;
use crate::fault::proxy::chain::Faults;
use crate::fault::proxy::command::{Core, Inbox};
use crate::fault::proxy::resolve::Lookup;
use crate::fault::proxy::slab::Slab;
use crate::fault::proxy::timers::Timers;
use crate::fault::proxy::token::Token;

/// Datagrams read from one proxy's socket before others get their turn.
const TURN: usize = 64;

/// Clients at a time; the one that was silent longest makes room for a new one. Few in tests,
/// whose process has descriptors for other things as well.
const SESSIONS: usize = if cfg!(test) { 64 } else { 4096 };

/// What a worker lends to its relay.
pub struct Desk<'a> {
    pub epoll: &'a OwnedFd,
    pub inbox: &'a Arc<Inbox>,
    pub scratch: &'a mut [u8],
}

/// All sessions of one worker.
#[derive(Default)]
pub struct Relay {
    sessions: Slab<Session>,
    clients: HashMap<(u64, SocketAddr), (u32, u32)>,
    timers: Timers,
}

impl Relay {
    /// Reads what clients have sent to a proxy.
    pub fn receive(
        &mut self,
        core: &Arc<Core>,
        front: &Arc<OwnedFd>,
        faults: &Faults,
        desk: &mut Desk<'_>,
        now: Instant,
    ) {
        for _ in 0..TURN {
            let (count, from) = match recvfrom(front, &mut *desk.scratch, RecvFlags::empty()) {
                Ok((count, _, from)) => (count, from),
                Err(Errno::AGAIN) => return,
                Err(_) => continue,
            };
            let Some(client) = from.and_then(|from| SocketAddr::try_from(from).ok()) else {
                continue;
            };
            let key = (core.id, client);
            let (index, generation) = match self.clients.get(&key) {
                Some(known) => *known,
                None => match self.enter(core, front, client, faults, desk, now) {
                    Some(new) => new,
                    None => continue,
                },
            };
            if let Some(session) = self.sessions.get(index, generation) {
                session.ask(&desk.scratch[..count], now);
            }
            self.drive(index, generation, now);
        }
    }

    /// Makes a session for a client that is not known yet.
    fn enter(
        &mut self,
        core: &Arc<Core>,
        front: &Arc<OwnedFd>,
        client: SocketAddr,
        faults: &Faults,
        desk: &Desk<'_>,
        now: Instant,
    ) -> Option<(u32, u32)> {
        if self.clients.len() >= SESSIONS {
            self.make_room();
        }
        let mut session = Session::new(core.clone(), front.clone(), client, now);
        session.apply(faults, now);
        let (index, generation) = self.sessions.insert(session);
        self.clients.insert((core.id, client), (index, generation));
        let token = Token::Session(index, generation);
        match core.resolver().find(desk.inbox, token) {
            Lookup::Known(targets) => self.open(index, generation, &targets, desk.epoll),
            Lookup::Pending => {}
            Lookup::Refused => self.open(index, generation, &[], desk.epoll),
        }
        self.sessions.get(index, generation)?;
        Some((index, generation))
    }

    /// The upstream's name was looked up for a session.
    pub fn found(
        &mut self,
        index: u32,
        generation: u32,
        targets: &[Target],
        epoll: &OwnedFd,
        now: Instant,
    ) {
        self.open(index, generation, targets, epoll);
        self.drive(index, generation, now);
    }

    fn open(&mut self, index: u32, generation: u32, targets: &[Target], epoll: &OwnedFd) {
        let token = Token::Session(index, generation);
        for last_try in [self.clients.len() < 2, true] {
            let Some(session) = self.sessions.get(index, generation) else {
                return;
            };
            match session.open(targets, epoll, token) {
                Ok(()) => return,
                Err(Errno::MFILE | Errno::NFILE) if !last_try => self.make_room(),
                Err(_) => return self.remove(index),
            }
        }
    }

    /// Reads what the upstream has sent to a session.
    pub fn listen(&mut self, index: u32, generation: u32, desk: &mut Desk<'_>, now: Instant) {
        if let Some(session) = self.sessions.get(index, generation) {
            session.listen(desk.scratch, now);
            self.drive(index, generation, now);
        }
    }

    /// When there is something to do even without datagrams.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Instant) {
        while let Some((at, index, generation)) = self.timers.due(now) {
            if let Some(session) = self.sessions.get(index, generation)
                && session.deadline == Some(at)
            {
                session.deadline = None;
                self.drive(index, generation, now);
            }
        }
    }

    /// The faults of a proxy are now these.
    pub fn apply(&mut self, id: u64, faults: &Faults, now: Instant) {
        for (index, generation) in self.of(id) {
            if let Some(session) = self.sessions.get(index, generation) {
                session.apply(faults, now);
            }
            self.drive(index, generation, now);
        }
    }

    /// Ends the sessions of a proxy.
    pub fn cut(&mut self, id: u64) {
        for (index, _) in self.of(id) {
            self.remove(index);
        }
    }

    fn of(&self, id: u64) -> Vec<(u32, u32)> {
        let ours = self.clients.iter().filter(|((proxy, _), _)| *proxy == id);
        let mut ours: Vec<_> = ours.map(|(_, place)| *place).collect();
        ours.sort_unstable();
        ours
    }

    fn drive(&mut self, index: u32, generation: u32, now: Instant) {
        let Some(session) = self.sessions.get(index, generation) else {
            return;
        };
        match session.drive(now) {
            None => self.remove(index),
            wanted => {
                session.deadline = self.timers.set(session.deadline, wanted, index, generation);
            }
        }
    }

    fn make_room(&mut self) {
        let oldest = self.sessions.iter().min_by_key(|(_, session)| session.last);
        if let Some((index, _)) = oldest {
            self.remove(index);
        }
    }

    fn remove(&mut self, index: u32) {
        if let Some(session) = self.sessions.at(index) {
            self.clients.remove(&(session.core.id, session.client));
            self.sessions.remove(index);
        }
    }
}
