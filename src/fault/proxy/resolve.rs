//! The upstream's name, looked up off the workers' threads and remembered for a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::address::{Address, AddressError, Target};
use super::command::{Command, Inbox};
use super::token::Token;

/// How long an answer is used: containers move, and a connection must find them.
const FRESH: Duration = Duration::from_secs(1);

/// Connections that may wait for one lookup.
const WAITING: usize = 4096;

/// Whom a proxy calls.
pub struct Resolver {
    address: Address,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<(Instant, Vec<Target>)>,
    waiting: Vec<(Arc<Inbox>, Token)>,
    busy: bool,
}

/// What is known when a connection asks.
pub enum Lookup {
    /// Call these in turn.
    Known(Vec<Target>),
    /// The answer will come as a command.
    Pending,
    /// Too many wait already, or there is no thread to be had.
    Refused,
}

impl Resolver {
    /// Looks up `address` when first asked.
    pub fn new(address: Address) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { address, state })
    }

    /// Asks for a connection or session, which is named so that a late answer finds it.
    pub fn find(self: &Arc<Self>, inbox: &Arc<Inbox>, asker: Token) -> Lookup {
        if let Some(target) = self.address.literal() {
            return Lookup::Known(vec![target]);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, targets)) = &state.known
            && since.elapsed() < FRESH
        {
            return Lookup::Known(targets.clone());
        }
        if state.waiting.len() >= WAITING {
            return Lookup::Refused;
        }
        state.waiting.push((inbox.clone(), asker));
        if !state.busy {
            let resolver = self.clone();
            let named = std::thread::Builder::new().name("proxy-resolve".to_owned());
            if named.spawn(move || resolver.look_up()).is_err() {
                state.waiting.pop();
                return Lookup::Refused;
            }
            state.busy = true;
        }
        Lookup::Pending
    }

    fn look_up(&self) {
        let found = self.address.resolve();
        let waiting = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.busy = false;
            state.known = found.clone().ok().map(|targets| (Instant::now(), targets));
            std::mem::take(&mut state.waiting)
        };
        for (inbox, asker) in waiting {
            let targets: Result<Vec<Target>, AddressError> = found.clone();
            inbox.send(Command::Found { asker, targets });
        }
    }
}
