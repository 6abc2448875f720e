//! Connections of clients: HTTP/1.1, or HTTP/2 when they begin with it.

use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_local;

use super::exchange::exchange;
use super::handle::State;
use super::origin::Origin;
use super::upstream::Upstream;
use super::wire::{Fuse, Wire};

/// Connections served at once; further ones wait to be accepted.
const CONNECTIONS: usize = 8192;

/// How long accepting rests when there are no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// Where clients call.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// Runs what hyper spawns on this thread.
#[derive(Clone, Copy)]
pub struct LocalExecutor;

impl<F: Future + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        spawn_local(async { drop(future.await) });
    }
}

/// What the connections of a proxy share on its thread.
pub struct Desk {
    pub state: Arc<State>,
    pub origin: Rc<Origin>,
    /// The host header that is sent upstream; none leaves the client's.
    pub host: Option<http::HeaderValue>,
    /// Whether answers say which rules acted.
    pub mark: bool,
}

/// Serves until told to stop.
pub async fn serve(listener: Listener, desk: Rc<Desk>, mut stop: oneshot::Receiver<()>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = async {
            let permit = permits.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        let (accepted, permit) = tokio::select! {
            // Ends also with its sender.
            _ = &mut stop => return,
            accepted = accepted => match accepted {
                Some(accepted) => accepted,
                None => return,
            },
        };
        let Ok((wire, fuse)) = accepted else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let desk = desk.clone();
        spawn_local(async move {
            // A broken connection is the client's business.
            let _ = session(wire, fuse, desk).await;
            drop(permit);
        });
    }
}

impl Listener {
    async fn accept(&self) -> io::Result<(Wire, Fuse)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A socket that refuses the option is already closed, as its first read will say.
                let _ = stream.set_nodelay(true);
                let fuse = Fuse(stream.as_fd().try_clone_to_owned().ok());
                Ok((Wire::new(stream), fuse))
            }
            Self::Unix(listener) => Ok((Wire::new(listener.accept().await?.0), Fuse(None))),
        }
    }
}

async fn session(mut wire: Wire, fuse: Fuse, desk: Rc<Desk>) -> Result<(), hyper::Error> {
    let Ok(is_http2) = wire.is_http2().await else {
        return Ok(());
    };
    let upstream = Rc::new(Upstream::new(desk.origin.clone(), !is_http2));
    // Only HTTP/1.1 is reset as a connection: others share an HTTP/2 one.
    let fuse = Rc::new(if is_http2 { Fuse(None) } else { fuse });
    let service = service_fn(move |request| {
        let (desk, upstream, fuse) = (desk.clone(), upstream.clone(), fuse.clone());
        async move { exchange(request, &desk, upstream, fuse).await }
    });
    let io = TokioIo::new(wire);
    if is_http2 {
        let mut builder = http2::Builder::new(LocalExecutor);
        builder.timer(TokioTimer::new());
        return builder.serve_connection(io, service).await;
    }
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).preserve_header_case(true);
    builder.half_close(true);
    builder.serve_connection(io, service).with_upgrades().await
}
