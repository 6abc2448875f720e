//! What a worker holds, its journal, and the threads that act.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::WorkerArgs;
use super::mouth::Mouth;
use super::pulse::Pulse;
use crate::agent::audit::Audit;
use crate::agent::host::{self, Place, now};
use crate::agent::journal::{Header, Journal};
use crate::agent::protocol::{Hello, Mended, Ready, Report};
use crate::agent::recover::{Recovery, recover};
use crate::agent::roster::{Beats, forget};
use crate::fault::process::Identity;
use crate::fault::stress::StateDirectory;
use crate::fault::{Context, Fault, Kind, Preflight, Shared, Trouble};

/// The most commands that are carried out at once; more wait.
const HANDS: usize = 64;

/// A fault that is held.
pub(super) struct Holding {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) kind: &'static Kind,
    pub(super) preflight: Preflight,
    /// Time since boot at which its time is up.
    pub(super) expires: Option<Duration>,
    /// The fault itself; nobody else touches it while this is locked.
    pub(super) fault: Mutex<Box<dyn Fault>>,
    /// Whether its injection is over.
    pub(super) landed: AtomicBool,
    /// Whether it was seen to act.
    pub(super) observed: AtomicBool,
    /// Whether its end has begun, for a reason of its own.
    pub(super) ending: AtomicBool,
    /// How its heal ended, once it has.
    pub(super) healed: Mutex<Option<Result<crate::fault::Healed, Trouble>>>,
}

impl Holding {
    /// Whether it is healed for good.
    pub(super) fn is_healed(&self) -> bool {
        let healed = self.healed.lock().unwrap_or_else(PoisonError::into_inner);
        healed.is_some()
    }
}

/// Everything the worker's threads share.
pub(super) struct Desk {
    pub(super) args: WorkerArgs,
    pub(super) hello: Hello,
    pub(super) lease: Duration,
    pub(super) mouth: Mouth,
    pub(super) pulse: Pulse,
    pub(super) journal: Mutex<Journal>,
    pub(super) audit: Audit,
    pub(super) held: Mutex<BTreeMap<u64, Arc<Holding>>>,
    /// Faults that were healed before they had come in; read and changed only while `held` is locked.
    cancelled: Mutex<BTreeSet<u64>>,
    shared: Arc<Shared>,
    exempt: Vec<std::net::IpAddr>,
    epoch: AtomicU64,
    closed: AtomicBool,
    halting: AtomicBool,
    busy: AtomicUsize,
    waiting: Mutex<VecDeque<Job>>,
    recovered: Vec<Mended>,
    guardian: i32,
}

type Job = Box<dyn FnOnce(&Arc<Desk>) + Send>;

impl Desk {
    /// Heals what dead agents left, makes the journal, and takes a seat.
    pub(super) fn open(
        args: WorkerArgs,
        hello: &Hello,
        guardian: &UnixStream,
        mouth: Mouth,
    ) -> Result<Arc<Self>, Trouble> {
        let paths = &args.paths;
        let precondition = |error: &dyn std::fmt::Display| Trouble::Precondition(error.to_string());
        paths.make().map_err(|error| precondition(&error))?;
        let recovered = recover(paths, &Recovery::default())
            .map_err(|error| Trouble::system("what earlier runs left", error))?;
        let guardian = rustix::net::sockopt::socket_peercred(guardian)
            .map_err(|error| Trouble::system("the guardian", error))?;
        let guardian = guardian.pid.as_raw_nonzero().get();
        let own = i32::try_from(std::process::id()).unwrap_or_default();
        let header = Header {
            agent: args.agent.clone(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            run: hello.run.clone(),
            script: hello.script.clone(),
            place: Place::here(),
            guardian: Identity::of(guardian)?,
            worker: Identity::of(own)?,
            host: hello.host.clone(),
            controller: hello.pid,
            lease_ms: hello.lease_ms,
            started: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        };
        // A journal without beats is taken for that of a dead agent, by any other that starts just then.
        let beats = Beats::open(paths, &args.agent)
            .map_err(|error| Trouble::system("the file of beats", error))?;
        let journal = beats
            .during(|| Journal::create(&paths.journal(&args.agent), header))
            .inspect_err(|_| forget(paths, &args.agent))?;
        let lease = Duration::from_millis(hello.lease_ms);
        let shared: Arc<Shared> = Arc::default();
        shared.get_or(|| StateDirectory(Some(paths.state.clone())));
        Ok(Arc::new(Self {
            lease,
            mouth,
            pulse: Pulse::new(lease),
            journal: Mutex::new(journal),
            audit: Audit::open(paths, hello)
                .map_err(|error| Trouble::system("the audit log", error))?,
            held: Mutex::default(),
            cancelled: Mutex::default(),
            shared,
            exempt: exempt(hello),
            epoch: AtomicU64::new(1),
            closed: AtomicBool::new(false),
            halting: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            waiting: Mutex::default(),
            recovered: recovered.into_iter().flat_map(|one| one.mended).collect(),
            guardian,
            hello: hello.clone(),
            args,
        }))
    }

    /// The answer to hello.
    pub(super) fn ready(&self) -> Ready {
        Ready {
            agent: self.args.agent.clone(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            host: host::name(),
            uid: rustix::process::geteuid().as_raw(),
            journal: self
                .args
                .paths
                .journal(&self.args.agent)
                .display()
                .to_string(),
            worker: i32::try_from(std::process::id()).unwrap_or_default(),
            guardian: self.guardian,
            epoch: self.epoch(),
            recovered: self.recovered.clone(),
        }
    }

    /// What a fault is given.
    pub(super) fn context(&self, id: u64, name: &str) -> Context {
        Context {
            agent: self.args.agent.clone(),
            id,
            name: name.to_owned(),
            seed: self.hello.seed,
            exempt: self.exempt.clone(),
            max_blast: self.hello.max_blast.unwrap_or(1.0),
            protected: self.hello.protected.clone(),
            shared: self.shared.clone(),
        }
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn held(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Holding>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault of this number. If it is not there it may still come: it is refused then.
    pub(super) fn find_or_cancel(&self, id: u64) -> Option<Arc<Holding>> {
        let held = self.held();
        let found = held.get(&id).cloned();
        if found.is_none() {
            self.cancelled().insert(id);
        }
        found
    }

    /// Whether a fault was healed before it had come in. Call it with `held` locked.
    pub(super) fn is_cancelled(&self, id: u64) -> bool {
        self.cancelled().contains(&id)
    }

    fn cancelled(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// From now on commands of before are refused.
    pub(super) fn raise_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Nothing is injected any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Why this agent must heal, if it must.
    pub(super) fn lost(&self) -> Option<String> {
        self.pulse.lost()
    }

    /// Carries something out on a thread of its own.
    pub(super) fn run(self: &Arc<Self>, job: impl FnOnce(&Arc<Self>) + Send + 'static) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(Box::new(job));
        self.start_waiting();
    }

    /// Starts what waits, as far as there are hands.
    pub(super) fn start_waiting(self: &Arc<Self>) {
        while self.busy.load(Ordering::Acquire) < HANDS {
            let job = self
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            let Some(job) = job else { return };
            self.busy.fetch_add(1, Ordering::AcqRel);
            let desk = self.clone();
            let thread = std::thread::Builder::new().name("hand".to_owned());
            let started = thread.spawn(move || {
                // A defect in one fault must not take the others' hands.
                let done = std::panic::AssertUnwindSafe(|| job(&desk));
                if std::panic::catch_unwind(done).is_err() {
                    tracing::error!("a fault's code has panicked");
                }
                desk.busy.fetch_sub(1, Ordering::AcqRel);
            });
            if let Err(error) = started {
                self.busy.fetch_sub(1, Ordering::AcqRel);
                tracing::error!("no thread: {error}");
                return;
            }
        }
    }

    /// Whether nothing is being carried out.
    pub(super) fn idle(&self) -> bool {
        self.busy.load(Ordering::Acquire) == 0
    }

    /// Tells the controller, once, that somebody on this host wants the run to end.
    pub(super) fn look_for_halt(&self) {
        let wanted = self.args.paths.halt(&self.args.agent).exists();
        if wanted && !self.halting.swap(true, Ordering::AcqRel) {
            self.mouth.say(&Report::Halt);
        }
    }

    /// The lease that a fault may have now: never beyond its time.
    pub(super) fn lease_of(&self, expires: Option<Duration>) -> Duration {
        expires.map_or(self.lease, |at| at.saturating_sub(now()).min(self.lease))
    }
}

/// What must stay reachable: what the controller says, and the other end of an ssh connection.
fn exempt(hello: &Hello) -> Vec<std::net::IpAddr> {
    let mut all = hello.exempt.clone();
    let connection = std::env::var("SSH_CONNECTION").unwrap_or_default();
    let peer = connection.split(' ').next().unwrap_or_default();
    all.extend(peer.parse::<std::net::IpAddr>().ok());
    all
}
