//! The worker threads of a process, and where proxies are made.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::Errno;

use super::address::{Address, AddressError, Target};
use super::command::{Command, Done, Inbox};
use super::dial;
use super::protocol::Protocol;
use super::worker::Worker;

/// What a proxy is.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// Its name; part of every random draw.
    pub name: String,
    /// Where clients call; port 0 lets the system choose.
    pub listen: Address,
    /// Whom it calls for them.
    pub upstream: Address,
    /// What it carries.
    pub protocol: Protocol,
    /// After how much silence a UDP client's session ends.
    pub idle_timeout: Duration,
    /// The seed of its draws.
    pub seed: u64,
}

impl ProxyOptions {
    /// The usual time of silence that ends a UDP client's session.
    pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
}

/// Why a proxy does not listen; worded as Go words it, which clients compare.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be looked up.
    #[error("listen {0}: {1}")]
    Address(Protocol, AddressError),
    /// The system refuses it.
    #[error("listen {network} {address}: bind: {reason}")]
    Bind {
        /// `tcp`, `udp` or `unix`.
        network: &'static str,
        /// The address that was to be bound.
        address: String,
        /// The system's reason, as in "address already in use".
        reason: String,
    },
}

/// The threads that serve connections. Cheap to clone; they end with the last clone.
#[derive(Clone)]
pub struct Plane(Arc<Inner>);

struct Inner {
    inboxes: Vec<Arc<Inbox>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    ids: AtomicU64,
}

impl Plane {
    /// Starts `threads` workers (at least one).
    ///
    /// # Errors
    ///
    /// No descriptors or no threads left.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let inboxes = (0..threads.max(1))
            .map(|_| Inbox::new().map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let spread = Arc::new(AtomicU64::new(0));
        let plane = Self(Arc::new(Inner {
            inboxes: inboxes.clone(),
            threads: Mutex::default(),
            ids: AtomicU64::new(1),
        }));
        for me in 0..inboxes.len() {
            let worker = Worker::new(me, inboxes.clone(), spread.clone())?;
            let named = std::thread::Builder::new().name(format!("proxy-{me}"));
            let thread = named.spawn(move || worker.run())?;
            plane
                .0
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(thread);
        }
        Ok(plane)
    }

    /// A number that no other proxy or fault of this plane has.
    pub(super) fn new_id(&self) -> u64 {
        self.0.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells every worker, in one order, and waits until all have done it.
    pub(super) fn tell_all(&self, command: impl Fn(Done) -> Command) {
        let (done, all) = channel();
        for inbox in &self.0.inboxes {
            inbox.send(command(done.clone()));
        }
        drop(done);
        // Ends with the last sender: a worker that is gone has nothing to change.
        while all.recv().is_ok() {}
    }

    /// Tells the worker that keeps a proxy's listener.
    pub(super) fn tell_keeper(&self, id: u64, command: Command) {
        let workers = self.0.inboxes.len() as u64;
        let keeper = usize::try_from(id % workers).unwrap_or(0);
        self.0.inboxes[keeper].send(command);
    }

    /// Opens a listener for a proxy.
    pub(super) fn listen(
        &self,
        id: u64,
        protocol: Protocol,
        address: &Address,
    ) -> Result<Target, ListenError> {
        let (fd, bound) = listener(address, protocol)?;
        self.tell_keeper(id, Command::Listen { id, fd });
        Ok(bound)
    }
}

/// Opens a listener (for UDP, the socket that clients send to) that does not block; gives it
/// with the address it really has.
///
/// # Errors
///
/// The address cannot be looked up or bound.
pub fn listener(address: &Address, protocol: Protocol) -> Result<(OwnedFd, Target), ListenError> {
    let refused = |error| ListenError::Address(protocol, error);
    let targets = address.resolve().map_err(refused)?;
    let mut refused = Errno::ADDRNOTAVAIL;
    let Some(first) = targets.first() else {
        return Err(refuse(protocol, &Target::Unix("".into()), refused));
    };
    // A name means its first address, as in Go; another one only where that cannot be had.
    for target in &targets {
        match dial::listener(target, protocol) {
            Ok(opened) => return Ok(opened),
            Err(error) => refused = error,
        }
        if !matches!(refused, Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT) {
            break;
        }
    }
    Err(refuse(protocol, first, refused))
}

fn refuse(protocol: Protocol, target: &Target, error: Errno) -> ListenError {
    let (network, address) = match target {
        Target::Ip(address) => (protocol.name(), address.to_string()),
        Target::Unix(path) => ("unix", path.display().to_string()),
    };
    let text = std::io::Error::from(error).to_string();
    let reason = text
        .split(" (os error")
        .next()
        .unwrap_or_default()
        .to_lowercase();
    ListenError::Bind {
        network,
        address,
        reason,
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for inbox in &self.inboxes {
            inbox.send(Command::Stop);
        }
        let threads = self
            .threads
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A worker that panicked has already said so.
            let _ = thread.join();
        }
    }
}
