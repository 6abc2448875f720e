//! One proxy as its owner sees it: start, stop, and the faults.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::address::{Address, Target};
use super::chain::{Faults, Live};
use super::command::{Command, Core};
use super::plane::{ListenError, Plane, ProxyOptions};
use super::protocol::Protocol;
use super::resolve::Resolver;
use super::status::{FaultStatus, Meter, Traffic};
use super::toxic::{Fault, Stream, Toxic};
use crate::base::rng;

/// Faults that one proxy may have.
pub const MOST_TOXICS: usize = 256;

/// Why a fault was not added or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ToxicError {
    /// The name is taken, in whichever direction.
    #[error("toxic already exists")]
    Exists,
    /// No fault has the name.
    #[error("toxic not found")]
    NotFound,
    /// The proxy has as many faults as it may have.
    #[error("a proxy has at most 256 toxics; remove one first")]
    TooMany,
    /// What the fault does cannot be done to what the proxy carries.
    #[error("toxic type {0} does not suit a {1} proxy")]
    Unsuited(&'static str, Protocol),
}

/// A proxy. Every call returns when it has taken effect on all connections, within the time
/// that the workers need to look up (well below a millisecond when they are not overloaded).
/// Dropping it closes the listener and the connections.
pub struct Proxy {
    plane: Plane,
    core: Arc<Core>,
    name: String,
    seed: u64,
    state: Mutex<State>,
}

struct State {
    listen: Address,
    upstream: Address,
    bound: Option<Target>,
    /// The address of the last time it listened: a port that was chosen once stays.
    last: Option<Target>,
    faults: Faults,
}

impl Plane {
    /// Makes a proxy with its faults, of which those that do not suit its protocol are left
    /// out; it listens once it is started, so that no connection is ever served without them.
    #[must_use]
    pub fn proxy(&self, options: ProxyOptions, toxics: Vec<Toxic>) -> Proxy {
        let core = Arc::new(Core {
            id: self.new_id(),
            protocol: options.protocol,
            idle_timeout: options.idle_timeout,
            meter: Meter::default(),
            upstream: Mutex::new(Resolver::new(options.upstream.clone())),
        });
        let proxy = Proxy {
            plane: self.clone(),
            core,
            seed: options.seed,
            name: options.name,
            state: Mutex::new(State {
                listen: options.listen,
                upstream: options.upstream,
                bound: None,
                last: None,
                faults: Faults::default(),
            }),
        };
        let faults: Faults = {
            let suited = toxics
                .into_iter()
                .filter(|toxic| proxy.check(&toxic.fault).is_ok());
            Arc::new(suited.map(|toxic| proxy.live(toxic)).collect())
        };
        proxy.lock().faults = faults.clone();
        self.tell_all(|done| {
            drop(done);
            let core = proxy.core.clone();
            let faults = faults.clone();
            Command::Open { core, faults }
        });
        proxy
    }
}

impl Proxy {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens: the bound address once it has been started, else as it was written.
    #[must_use]
    pub fn listen(&self) -> String {
        let state = self.lock();
        state
            .last
            .as_ref()
            .map_or_else(|| state.listen.to_string(), Target::to_string)
    }

    /// Whom it calls, as it was written.
    #[must_use]
    pub fn upstream(&self) -> String {
        self.lock().upstream.to_string()
    }

    /// What it carries.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.core.protocol
    }

    /// Whether it listens.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.lock().bound.is_some()
    }

    /// Listens; nothing when it does already. The port that the system chose the first time is
    /// asked for again.
    ///
    /// # Errors
    ///
    /// The address cannot be looked up or bound.
    pub fn start(&self) -> Result<(), ListenError> {
        let mut state = self.lock();
        if state.bound.is_none() {
            let again = match &state.last {
                Some(Target::Ip(address)) => Some(Address::Tcp {
                    host: address.ip().to_string(),
                    port: address.port(),
                }),
                _ => None,
            };
            let bound = self.plane.listen(
                self.core.id,
                self.core.protocol,
                again.as_ref().unwrap_or(&state.listen),
            )?;
            state.last = Some(bound.clone());
            state.bound = Some(bound);
        }
        Ok(())
    }

    /// Stops listening and closes every connection; clients are refused. The faults stay.
    pub fn stop(&self) {
        self.halt(&mut self.lock());
    }

    fn halt(&self, state: &mut State) {
        let Some(bound) = state.bound.take() else {
            return;
        };
        let id = self.core.id;
        let (done, unlistened) = std::sync::mpsc::channel();
        self.plane.tell_keeper(id, Command::Unlisten { id, done });
        // An error means that the worker is gone, and its listener with it.
        let _ = unlistened.recv();
        self.plane.tell_all(|done| Command::Cut { id, done });
        if let Target::Unix(path) = bound {
            // Somebody else may have removed it: then there is nothing to tidy up.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Stops and gets other addresses.
    pub fn readdress(&self, listen: Address, upstream: Address) {
        let mut state = self.lock();
        self.halt(&mut state);
        let resolver = Resolver::new(upstream.clone());
        *self
            .core
            .upstream
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = resolver;
        state.listen = listen;
        state.upstream = upstream;
        state.last = None;
    }

    /// Adds a fault after those there are, on new and on open connections.
    ///
    /// # Errors
    ///
    /// The name is taken in either direction, there are 256 already, or it does not suit the
    /// protocol.
    pub fn add(&self, toxic: Toxic) -> Result<(), ToxicError> {
        self.check(&toxic.fault)?;
        let mut state = self.lock();
        if state
            .faults
            .iter()
            .any(|live| live.toxic.name == toxic.name)
        {
            return Err(ToxicError::Exists);
        }
        if state.faults.len() >= MOST_TOXICS {
            return Err(ToxicError::TooMany);
        }
        let mut faults = state.faults.to_vec();
        faults.push(self.live(toxic));
        self.set(&mut state, faults);
        Ok(())
    }

    /// Refuses a fault that does not suit what the proxy carries.
    fn check(&self, fault: &Fault) -> Result<(), ToxicError> {
        let protocol = self.core.protocol;
        if fault.suits(protocol) {
            return Ok(());
        }
        Err(ToxicError::Unsuited(fault.kind(), protocol))
    }

    /// Changes a fault's share and settings; a connection keeps its draw.
    ///
    /// # Errors
    ///
    /// No fault has the name.
    pub fn update(&self, name: &str, toxicity: f32, fault: Fault) -> Result<Toxic, ToxicError> {
        self.check(&fault)?;
        let mut state = self.lock();
        let mut faults = state.faults.to_vec();
        let found = faults.iter_mut().find(|live| live.toxic.name == name);
        let live = found.ok_or(ToxicError::NotFound)?;
        let toxic = Toxic {
            toxicity,
            fault,
            ..live.toxic.clone()
        };
        *live = Arc::new(Live {
            id: live.id,
            toxic: toxic.clone(),
            stream: live.stream,
            tally: live.tally.clone(),
        });
        self.set(&mut state, faults);
        Ok(toxic)
    }

    /// Removes a fault. Latency, bandwidth and slicer pass on what they hold, in order; timeout
    /// closes the connections it had; the others have dropped what they stopped.
    ///
    /// # Errors
    ///
    /// No fault has the name.
    pub fn remove(&self, name: &str) -> Result<(), ToxicError> {
        let mut state = self.lock();
        let mut faults = state.faults.to_vec();
        faults.retain(|live| live.toxic.name != name);
        if faults.len() == state.faults.len() {
            return Err(ToxicError::NotFound);
        }
        self.set(&mut state, faults);
        Ok(())
    }

    /// Removes every fault.
    pub fn clear(&self) {
        let mut state = self.lock();
        if !state.faults.is_empty() {
            self.set(&mut state, Vec::new());
        }
    }

    /// The fault of that name.
    #[must_use]
    pub fn toxic(&self, name: &str) -> Option<Toxic> {
        let state = self.lock();
        let found = state.faults.iter().find(|live| live.toxic.name == name);
        found.map(|live| live.toxic.clone())
    }

    /// All faults, those upstream first, else in creation order.
    #[must_use]
    pub fn toxics(&self) -> Vec<Toxic> {
        self.faults()
            .into_iter()
            .map(|status| status.toxic)
            .collect()
    }

    /// All faults with whom they met, those upstream first, else in creation order.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultStatus> {
        let state = self.lock();
        let mut all: Vec<FaultStatus> = state
            .faults
            .iter()
            .map(|live| live.tally.read(live.toxic.clone()))
            .collect();
        all.sort_by_key(|status| status.toxic.stream == Stream::Downstream);
        all
    }

    /// What passed since the proxy was made.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.core.meter.read()
    }

    fn set(&self, state: &mut State, faults: Vec<Arc<Live>>) {
        state.faults = Arc::new(faults);
        let id = self.core.id;
        self.plane.tell_all(|done| Command::Faults {
            id,
            faults: state.faults.clone(),
            done,
        });
    }

    fn live(&self, toxic: Toxic) -> Arc<Live> {
        Arc::new(Live {
            id: self.plane.new_id(),
            stream: rng::stream(rng::stream(self.seed, &self.name), &toxic.name),
            toxic,
            tally: Arc::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
        let id = self.core.id;
        self.plane.tell_all(|done| Command::Forget { id, done });
    }
}
