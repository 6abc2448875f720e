//! Starting and stopping a shop.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;

use super::backing::{self, Table};
use super::guard::{Guard, Protections};
use super::peer::Peer;
use super::server::{self, State};
use super::stats::Stats;
use super::store::Store;
use super::{front, playground};

/// Rows the cache holds; the oldest makes room.
const CACHE_ROWS: usize = 10_000;
/// Orders the store holds; the oldest makes room.
const STORE_ORDERS: usize = 200_000;
/// The most items a shop may offer.
const MAX_ITEMS: usize = 100_000;
const BACKLOG: u32 = 4096;

/// How a shop is set up. Every address must be a loopback address.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// Where the shop listens; default `127.0.0.1:0`, a free port.
    pub listen: SocketAddr,
    /// Where the cache listens; default `127.0.0.1:0`.
    pub cache_listen: SocketAddr,
    /// Where the store listens; default `127.0.0.1:0`.
    pub store_listen: SocketAddr,
    /// Where the shop dials its cache, for instance a proxy's address; default its own cache.
    pub cache: Option<SocketAddr>,
    /// Where the shop dials its store; default its own store.
    pub store: Option<SocketAddr>,
    /// How long the store takes for a query; default 2 ms.
    pub store_delay: Duration,
    /// How long the cache keeps a row; default 10 s.
    pub cache_ttl: Duration,
    /// How many items the shop offers, 1 to 100 000; default 100.
    pub items: usize,
    /// How long the shop waits for its cache or its store; default 1 s.
    pub upstream_timeout: Duration,
    /// What protects the shop; default nothing.
    pub protections: Protections,
}

impl Default for ShopOptions {
    fn default() -> Self {
        let free_port = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            listen: free_port,
            cache_listen: free_port,
            store_listen: free_port,
            cache: None,
            store: None,
            store_delay: Duration::from_millis(2),
            cache_ttl: Duration::from_secs(10),
            items: 100,
            upstream_timeout: Duration::from_secs(1),
            protections: Protections::default(),
        }
    }
}

/// Why a shop could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// An address outside this machine.
    #[error("{what}: \"{address}\" is not a loopback address; write 127.0.0.1 and a port")]
    NotLoopback {
        /// The option that holds it.
        what: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A number of items that cannot be offered.
    #[error("items: \"{0}\" is out of range; write a number from 1 to {MAX_ITEMS}")]
    Items(usize),
    /// An address that cannot be listened on.
    #[error("cannot listen on \"{address}\": {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// The system gave no thread or no event loop.
    #[error("cannot start the shop: {0}")]
    Start(io::Error),
}

impl From<io::Error> for DemoError {
    fn from(cause: io::Error) -> Self {
        Self::Start(cause)
    }
}

/// Where a shop's three servers listen.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The shop itself, over HTTP.
    pub shop: SocketAddr,
    /// The cache, over its line protocol.
    pub cache: SocketAddr,
    /// The store, over its line protocol.
    pub store: SocketAddr,
}

/// A running shop, on a thread of its own; dropping it stops it and cuts open connections.
#[derive(Debug)]
pub struct Shop {
    addresses: Addresses,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shop {
    /// Starts a shop; it is ready to serve on return.
    ///
    /// # Errors
    ///
    /// An option out of range, an address in use, or no thread to be had.
    pub fn start(options: ShopOptions) -> Result<Self, DemoError> {
        let (started, ready) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("demo-shop".to_owned())
            .spawn(move || {
                let at_start = started.clone();
                let stopped = async {
                    // A sender dropped unused is a request to stop too.
                    let _ = stopped.await;
                };
                let ran = run(
                    &options,
                    |shop| {
                        // Only a starter that is gone does not listen.
                        let _ = at_start.send(Ok(shop));
                    },
                    stopped,
                );
                if let Err(error) = ran {
                    let _ = started.try_send(Err(error));
                }
            })?;
        let (addresses, state) = ready
            .recv()
            .map_err(|_| io::Error::other("its thread ended"))??;
        Ok(Self {
            addresses,
            state,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the shop listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses.shop
    }

    /// Where its cache listens, whatever the shop dials.
    #[must_use]
    pub fn cache_address(&self) -> SocketAddr {
        self.addresses.cache
    }

    /// Where its store listens, whatever the shop dials.
    #[must_use]
    pub fn store_address(&self) -> SocketAddr {
        self.addresses.store
    }

    /// The shop's base URL, such as `http://127.0.0.1:8080`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addresses.shop)
    }

    /// Dials the cache at another address from now on, such as a proxy in front of it.
    ///
    /// # Errors
    ///
    /// An address outside this machine.
    pub fn dial_cache(&self, address: SocketAddr) -> Result<(), DemoError> {
        loopback("cache", address)?;
        self.state.cache.dial(address);
        Ok(())
    }

    /// Dials the store at another address from now on.
    ///
    /// # Errors
    ///
    /// An address outside this machine.
    pub fn dial_store(&self, address: SocketAddr) -> Result<(), DemoError> {
        loopback("store", address)?;
        self.state.store.peer.dial(address);
        Ok(())
    }

    /// Stops the shop and waits until its ports are free.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed, and must not become a second one here.
            let _ = thread.join();
        }
    }
}

/// Serves a shop on this thread until `stop` resolves; `ready` learns the bound addresses.
///
/// `stop` is polled on the shop's own event loop, where signals and timers work. Not to be called
/// within another event loop.
///
/// # Errors
///
/// As [`Shop::start`].
pub fn serve(
    options: &ShopOptions,
    ready: impl FnOnce(Addresses),
    stop: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    run(options, |(addresses, _)| ready(addresses), stop)
}

fn run(
    options: &ShopOptions,
    ready: impl FnOnce((Addresses, Arc<State>)),
    stop: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    validate(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let shop = listen(options.listen)?;
        let cache = listen(options.cache_listen)?;
        let store = listen(options.store_listen)?;
        let addresses = Addresses {
            shop: shop.local_addr()?,
            cache: cache.local_addr()?,
            store: store.local_addr()?,
        };
        let dial = |asked: Option<SocketAddr>, own| {
            Peer::new(asked.unwrap_or(own), options.upstream_timeout)
        };
        let state = Arc::new(State {
            cache: dial(options.cache, addresses.cache),
            store: Store {
                peer: dial(options.store, addresses.store),
                guard: Guard::new(&options.protections),
            },
            stats: Stats::default(),
            items: options.items,
            next_order: AtomicU64::new(1),
            compressed: playground::compress()?,
        });
        let mut rows = Table::new(STORE_ORDERS, None);
        front::seed(&mut rows, options.items);
        let cached = Table::new(CACHE_ROWS, Some(options.cache_ttl));
        tokio::spawn(backing::serve(cache, cached, Duration::ZERO));
        tokio::spawn(backing::serve(store, rows, options.store_delay));
        tokio::spawn(server::serve(shop, Arc::clone(&state)));
        ready((addresses, state));
        stop.await;
        Ok(())
    })
}

fn validate(options: &ShopOptions) -> Result<(), DemoError> {
    loopback("listen", options.listen)?;
    loopback("cache_listen", options.cache_listen)?;
    loopback("store_listen", options.store_listen)?;
    options.cache.map_or(Ok(()), |at| loopback("cache", at))?;
    options.store.map_or(Ok(()), |at| loopback("store", at))?;
    match options.items {
        1..=MAX_ITEMS => Ok(()),
        items => Err(DemoError::Items(items)),
    }
}

fn loopback(what: &'static str, address: SocketAddr) -> Result<(), DemoError> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(DemoError::NotLoopback { what, address })
}

fn listen(address: SocketAddr) -> Result<TcpListener, DemoError> {
    let bind = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|cause| DemoError::Listen { address, cause })
}
