//! The connections of one client: idle HTTP/1.1, shared HTTP/2, and those being opened.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::Notify;
use url::Url;

use super::h2::Session;
use super::link::Link;
use super::origin::Origin;
use super::request::Request;

/// More idle connections than this are not worth keeping for one virtual user.
const MAX_IDLE: usize = 64;
/// How many origins are known to speak only HTTP/1.1.
const MAX_KNOWN: usize = 64;

/// Connections of one client.
#[derive(Default)]
pub(super) struct Pool {
    /// The one used last at the end.
    idle: Vec<Link>,
    sessions: Vec<Session>,
    /// Connections that may turn out to be shared, so that others wait for them.
    opening: Vec<(Rc<Origin>, Rc<Notify>)>,
    /// Origins that could have spoken HTTP/2 and did not: nobody waits for these.
    only_h1: Vec<Rc<Origin>>,
}

impl Pool {
    /// The connection used last that leads where the request goes.
    pub fn take(&mut self, request: &Request, url: &Url) -> Option<Link> {
        let index = self
            .idle
            .iter()
            .rposition(|link| link.origin.serves(request, url))?;
        Some(self.idle.remove(index))
    }

    pub fn put(&mut self, mut link: Link, now: Instant) {
        link.idle_since = now;
        if self.idle.len() >= MAX_IDLE {
            self.idle.remove(0);
        }
        self.idle.push(link);
    }

    /// The HTTP/2 connection that leads where the request goes.
    pub fn session(&self, request: &Request, url: &Url) -> Option<Session> {
        let mut all = self.sessions.iter();
        all.find(|session| session.origin.serves(request, url))
            .cloned()
    }

    pub fn share(&mut self, session: Session) {
        if self.sessions.len() >= MAX_IDLE {
            self.sessions.remove(0);
        }
        self.sessions.push(session);
    }

    /// Forgets the HTTP/2 connections to an origin; requests that use one still finish.
    pub fn forget(&mut self, origin: &Origin) {
        self.sessions
            .retain(|session| !session.origin.same_as(origin));
    }

    pub fn note_only_h1(&mut self, origin: Rc<Origin>) {
        if !self.only_h1.iter().any(|other| other.same_as(&origin)) {
            if self.only_h1.len() >= MAX_KNOWN {
                self.only_h1.remove(0);
            }
            self.only_h1.push(origin);
        }
    }

    /// What to wait for, if a connection to this origin is being opened that may be shared.
    pub fn opening(&self, origin: &Origin) -> Option<Rc<Notify>> {
        if self.only_h1.iter().any(|other| other.same_as(origin)) {
            return None;
        }
        let mut all = self.opening.iter();
        all.find(|(other, _)| other.same_as(origin))
            .map(|(_, notify)| notify.clone())
    }

    pub fn clear(&mut self) {
        self.idle = Vec::new();
        self.sessions = Vec::new();
    }
}

/// Others wait for this connection as long as it is being opened.
pub(super) struct Opening<'a> {
    pool: &'a RefCell<Pool>,
    notify: Rc<Notify>,
}

impl<'a> Opening<'a> {
    pub fn new(pool: &'a RefCell<Pool>, origin: Rc<Origin>) -> Self {
        let notify = Rc::new(Notify::new());
        pool.borrow_mut().opening.push((origin, notify.clone()));
        Self { pool, notify }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut pool = self.pool.borrow_mut();
        pool.opening
            .retain(|(_, notify)| !Rc::ptr_eq(notify, &self.notify));
        self.notify.notify_waiters();
    }
}
