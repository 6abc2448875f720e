//! One HTTP proxy as its owner sees it: start, stop, and the rules.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use http::HeaderValue;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::origin::Origin;
use super::rule::{LiveRule, Rule, RuleStatus, Rules};
use super::serve::{Desk, Listener, serve};
use crate::base::rng;
use crate::fault::proxy::{Address, ListenError, Protocol, Target, listener};

/// Rules that one proxy may have.
pub const MOST_RULES: usize = 256;

/// What an HTTP proxy is.
#[derive(Debug, Clone)]
pub struct HttpProxyOptions {
    /// Its name; part of every random draw.
    pub name: String,
    /// Where clients call; port 0 lets the system choose.
    pub listen: Address,
    /// Whom it calls for them.
    pub origin: Origin,
    /// The host header sent upstream. Default the client's over http, the upstream's over https.
    pub host: Option<String>,
    /// Whether answers name the rules that acted, in `x-rchaos-fault`.
    pub mark: bool,
    /// The seed of its draws.
    pub seed: u64,
}

/// Why a rule was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The name is taken.
    #[error("the proxy has a rule of that name already")]
    Exists,
    /// No rule has the name.
    #[error("the proxy has no rule of that name")]
    NotFound,
    /// The proxy has as many rules as it may have.
    #[error("a proxy has at most 256 rules; remove one first")]
    TooMany,
}

/// What the owner and the thread of a proxy share.
#[derive(Default)]
pub(super) struct State {
    rules: Mutex<Rules>,
    pub requests: AtomicU64,
    pub unreachable: AtomicU64,
}

impl State {
    /// The rules as they are now.
    pub fn rules(&self) -> Rules {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An HTTP proxy. Rules apply to requests that come after the call; dropping it closes the
/// listener and the connections.
pub struct HttpProxy {
    name: String,
    seed: u64,
    bound: Target,
    state: Arc<State>,
    running: Mutex<Option<Running>>,
}

/// The thread, and what tells it to end.
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl HttpProxy {
    /// Listens, with these rules from the first request on.
    ///
    /// # Errors
    ///
    /// The address cannot be looked up or bound, or there are no threads left.
    pub fn start(options: &HttpProxyOptions, rules: Vec<Rule>) -> Result<Self, ListenError> {
        let (socket, bound) = listener(&options.listen, Protocol::Tcp)?;
        let failed = |error: &dyn std::fmt::Display| ListenError::Bind {
            network: "tcp",
            address: bound.to_string(),
            reason: error.to_string(),
        };
        let state = Arc::new(State::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let desk_state = state.clone();
        let origin = options.origin.clone();
        let secure = origin.tls.is_some();
        let default = secure.then(|| origin.authority.clone());
        let host = options.host.clone().or(default);
        let host = host.and_then(|host| HeaderValue::from_str(&host).ok());
        let mark = options.mark;
        let is_unix = matches!(bound, Target::Unix(_));
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            let desk = Desk {
                state: desk_state,
                origin: Rc::new(origin),
                host,
                mark,
            };
            LocalSet::new().block_on(&runtime, async move {
                let listener = if is_unix {
                    UnixListener::from_std(socket.into()).map(Listener::Unix)
                } else {
                    TcpListener::from_std(socket.into()).map(Listener::Tcp)
                };
                // Fails only where the runtime has no descriptors left: then nobody is served.
                if let Ok(listener) = listener {
                    serve(listener, Rc::new(desk), stopped).await;
                }
            });
            // A lookup that is under way must not hold up the end.
            runtime.shutdown_background();
        };
        let named = std::thread::Builder::new().name("http-proxy".to_owned());
        let thread = named.spawn(run).map_err(|error| failed(&error))?;
        let proxy = Self {
            name: options.name.clone(),
            seed: options.seed,
            bound,
            state,
            running: Mutex::new(Some(Running { stop, thread })),
        };
        let live = rules.into_iter().map(|rule| proxy.live(rule)).collect();
        *proxy.state.lock() = Arc::new(live);
        Ok(proxy)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bound address.
    #[must_use]
    pub fn listen(&self) -> String {
        self.bound.to_string()
    }

    /// Whether its thread is alive.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        let running = self.running();
        let running = running.as_ref();
        running.is_some_and(|running| !running.thread.is_finished())
    }

    /// Adds a rule behind those there are.
    ///
    /// # Errors
    ///
    /// The name is taken, or there are 256 already.
    pub fn add(&self, rule: Rule) -> Result<(), RuleError> {
        let mut rules = self.state.lock();
        if rules.iter().any(|live| live.rule.name == rule.name) {
            return Err(RuleError::Exists);
        }
        if rules.len() >= MOST_RULES {
            return Err(RuleError::TooMany);
        }
        let mut all = rules.to_vec();
        all.push(self.live(rule));
        *rules = Arc::new(all);
        Ok(())
    }

    /// Puts a rule in the place of the one of its name, for requests that come after the call. What was
    /// counted stays counted.
    ///
    /// # Errors
    ///
    /// No rule has the name.
    pub fn update(&self, rule: Rule) -> Result<(), RuleError> {
        let mut rules = self.state.lock();
        let mut all = rules.to_vec();
        let found = all.iter_mut().find(|live| live.rule.name == rule.name);
        let live = found.ok_or(RuleError::NotFound)?;
        let counted = |count: &AtomicU64| AtomicU64::new(count.load(Ordering::Relaxed));
        *live = Arc::new(LiveRule {
            stream: live.stream,
            matched: counted(&live.matched),
            hit: counted(&live.hit),
            rule,
        });
        *rules = Arc::new(all);
        Ok(())
    }

    /// Removes a rule; gives whom it met. Requests that it has already acted on go on with that.
    pub fn remove(&self, name: &str) -> Option<RuleStatus> {
        let mut rules = self.state.lock();
        let mut all = rules.to_vec();
        let place = all.iter().position(|live| live.rule.name == name)?;
        let removed = all.remove(place);
        *rules = Arc::new(all);
        Some(removed.status())
    }

    /// All rules with whom they met, in creation order.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleStatus> {
        let rules = self.state.rules();
        rules.iter().map(|live| live.status()).collect()
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Requests that the upstream did not answer.
    #[must_use]
    pub fn unreachable(&self) -> u64 {
        self.state.unreachable.load(Ordering::Relaxed)
    }

    /// Closes the listener and the connections, for good.
    pub fn stop(&self) {
        let Some(Running { stop, thread }) = self.running().take() else {
            return;
        };
        drop(stop);
        // A thread that panicked has already said so.
        let _ = thread.join();
        if let Target::Unix(path) = &self.bound {
            // Somebody else may have removed it: then there is nothing to tidy up.
            let _ = std::fs::remove_file(path);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, rule: Rule) -> Arc<LiveRule> {
        Arc::new(LiveRule {
            stream: rng::stream(rng::stream(self.seed, &self.name), &rule.name),
            rule,
            matched: AtomicU64::new(0),
            hit: AtomicU64::new(0),
        })
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        self.stop();
    }
}
