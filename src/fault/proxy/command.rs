//! What the owner of a proxy tells the workers, and how it reaches them.

use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use super::address::{AddressError, Target};
use super::chain::Faults;
use super::protocol::Protocol;
use super::resolve::Resolver;
use super::status::Meter;
use super::token::Token;

/// Reports that a command has taken effect; dropped unsent when the worker is gone.
pub type Done = Sender<()>;

/// What the workers know of a proxy.
pub struct Core {
    pub id: u64,
    pub protocol: Protocol,
    /// After how much silence a UDP client's session ends.
    pub idle_timeout: Duration,
    pub meter: Meter,
    pub upstream: Mutex<Arc<Resolver>>,
}

impl Core {
    /// The upstream as it is now.
    pub fn resolver(&self) -> Arc<Resolver> {
        self.upstream
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// One message to a worker.
pub enum Command {
    /// Get to know a proxy.
    Open { core: Arc<Core>, faults: Faults },
    /// Accept its connections here.
    Listen { id: u64, fd: OwnedFd },
    /// Stop accepting.
    Unlisten { id: u64, done: Done },
    /// The faults are now these, also on open connections.
    Faults { id: u64, faults: Faults, done: Done },
    /// Close its connections.
    Cut { id: u64, done: Done },
    /// Close its connections and forget it.
    Forget { id: u64, done: Done },
    /// Serve a connection that another worker accepted.
    Accepted {
        id: u64,
        number: u64,
        client: OwnedFd,
    },
    /// The upstream's name was looked up for a connection or session.
    Found {
        asker: Token,
        targets: Result<Vec<Target>, AddressError>,
    },
    /// End the thread.
    Stop,
}

/// A worker's letter box. What is in it is bounded by its senders: owners wait for each answer,
/// and accepted connections are bounded by descriptors.
pub struct Inbox {
    queue: Mutex<Vec<Command>>,
    wake: OwnedFd,
}

impl Inbox {
    /// An empty one.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            queue: Mutex::default(),
            wake: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
        })
    }

    /// The descriptor that becomes readable when something is sent.
    pub fn wake(&self) -> &OwnedFd {
        &self.wake
    }

    /// Leaves a command and wakes the worker.
    pub fn send(&self, command: Command) {
        let was_empty = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.push(command);
            queue.len() == 1
        };
        if was_empty {
            // Fails only when 2^64 - 2 wakes are pending.
            let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        }
    }

    /// Takes all there is.
    pub fn take(&self) -> Vec<Command> {
        std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
