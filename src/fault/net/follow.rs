//! Faults that follow their targets: planned again while they are live, on a thread that may wait for names.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::filter::{Filter, Peer};
use super::packets::Planner;
use super::rules::Piece;
use crate::fault::{Context, Target};

/// What may change while a fault is live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Follows {
    /// Addresses: of names, or of targets.
    pub(super) addresses: bool,
    /// The ports of processes that share the host's network.
    pub(super) ports: bool,
    /// The targets themselves: they may end and be started again.
    pub(super) returns: bool,
}

impl Follows {
    /// What may change for a fault on these targets with this filter.
    pub(super) fn of<'a>(
        targets: impl IntoIterator<Item = &'a Target>,
        filter: Option<&Filter>,
    ) -> Self {
        let mut follows = Self::default();
        for target in targets {
            follows.addresses |= !matches!(target, Target::Host);
            match target {
                Target::Host | Target::Namespace { .. } => {}
                Target::Container { .. } | Target::Containers { .. } => follows.returns = true,
                Target::Process { find } => {
                    // A process that was named by its pid is no other one.
                    follows.returns |= find.pid.is_none() && find.identity.is_none();
                    follows.ports = true;
                }
            }
        }
        let peers = filter.map(|filter| [&filter.to, &filter.from, &filter.except]);
        let mut peers = peers.into_iter().flatten().flatten();
        follows.addresses |= peers.any(|peer| !matches!(peer, Peer::Network(_)));
        follows
    }

    fn period(self) -> Option<Duration> {
        match (self.ports, self.addresses) {
            // New connections should not get away for long.
            (true, _) => Some(Duration::from_millis(300)),
            (false, true) => Some(Duration::from_secs(2)),
            (false, false) => None,
        }
    }
}

/// Plans a fault again and again. Ends when it is dropped, without being waited for: it may be asking for a name.
pub(super) struct Follower {
    latest: Arc<Mutex<Option<Vec<Piece>>>>,
    _stop: Sender<()>,
}

impl Follower {
    /// None where nothing can change.
    pub(super) fn start(follows: Follows, plan: Arc<Planner>, context: &Context) -> Option<Self> {
        let period = follows.period()?;
        let (stop, stopped) = channel::<()>();
        let latest = Arc::new(Mutex::new(None));
        let (found, context) = (latest.clone(), context.clone());
        let work = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                // A name that cannot be found now, or a target that is away: what was found last still holds.
                match plan(&context) {
                    Ok(plan) => {
                        *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan.pieces);
                    }
                    Err(error) => tracing::debug!("a fault keeps its addresses: {error}"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("follower".to_owned());
        thread.spawn(work).ok()?;
        Some(Self {
            latest,
            _stop: stop,
        })
    }

    /// What was planned since this was last asked.
    pub(super) fn latest(&self) -> Option<Vec<Piece>> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.take()
    }
}
