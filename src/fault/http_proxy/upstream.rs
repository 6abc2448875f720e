//! Connections to the upstream, kept for one client connection: a client has its own.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::body::Body;
use super::origin::{Origin, Version};
use super::serve::LocalExecutor;
use super::wire::Wire;
use crate::fault::proxy::Target;

/// How long one of the upstream's addresses may take to answer, TLS included.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a kept connection may take to be ready again before another one is opened.
const READY: Duration = Duration::from_millis(50);

/// The connections of one client connection to the upstream.
pub struct Upstream {
    origin: Rc<Origin>,
    /// HTTP/1.1 connections between requests, or about to be.
    kept: RefCell<Vec<http1::SendRequest<Body>>>,
    shared: RefCell<Option<http2::SendRequest<Body>>>,
    /// Whether the client sends a request only after the answer to the one before.
    one_at_a_time: bool,
    /// Whether HTTP/2 was agreed upon; none before the first connection.
    is_http2: RefCell<Option<bool>>,
}

/// A connection that was just opened.
enum Opened {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Upstream {
    /// No connections yet.
    pub fn new(origin: Rc<Origin>, one_at_a_time: bool) -> Self {
        Self {
            one_at_a_time,
            is_http2: RefCell::new(match (origin.version, &origin.tls) {
                (Version::Http1, _) | (Version::Auto, None) => Some(false),
                (Version::Http2, _) => Some(true),
                (Version::Auto, Some(_)) => None,
            }),
            origin,
            kept: RefCell::default(),
            shared: RefCell::default(),
        }
    }

    /// Sends a request and waits for the head of its answer. One that a kept connection could not
    /// take any more is sent on a new one; what was begun is never sent twice.
    pub async fn send(&self, mut request: Request<Body>) -> io::Result<Response<Incoming>> {
        if let Some(mut sender) = self.shared_sender().await {
            super::exchange::for_http2(&mut request, &self.origin);
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(mut error) => {
                    self.shared.replace(None);
                    match error.take_message() {
                        Some(back) => request = back,
                        None => return Err(io::Error::other(error.into_error())),
                    }
                }
            }
        }
        while let Some(mut sender) = self.kept_sender().await {
            super::exchange::for_http1(&mut request, &self.origin);
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(self.keep(sender, response)),
                Err(mut error) => match error.take_message() {
                    Some(back) => request = back,
                    None => return Err(io::Error::other(error.into_error())),
                },
            }
        }
        match self.open().await? {
            Opened::Http1(mut sender) => {
                super::exchange::for_http1(&mut request, &self.origin);
                let response = sender.send_request(request).await;
                Ok(self.keep(sender, response.map_err(io::Error::other)?))
            }
            Opened::Http2(mut sender) => {
                super::exchange::for_http2(&mut request, &self.origin);
                self.shared.replace(Some(sender.clone()));
                sender.send_request(request).await.map_err(io::Error::other)
            }
        }
    }

    async fn shared_sender(&self) -> Option<http2::SendRequest<Body>> {
        let mut sender = self.shared.borrow().clone()?;
        sender.ready().await.ok()?;
        Some(sender)
    }

    /// A kept connection that is ready, or, where nobody else can be using it, is so within a
    /// moment.
    async fn kept_sender(&self) -> Option<http1::SendRequest<Body>> {
        loop {
            let mut sender = {
                let mut kept = self.kept.borrow_mut();
                kept.retain(|sender| !sender.is_closed());
                let ready = kept.iter().position(http1::SendRequest::is_ready);
                match ready {
                    Some(place) => kept.swap_remove(place),
                    None if self.one_at_a_time => kept.pop()?,
                    None => return None,
                }
            };
            if matches!(timeout(READY, sender.ready()).await, Ok(Ok(()))) {
                return Some(sender);
            }
        }
    }

    fn keep(
        &self,
        sender: http1::SendRequest<Body>,
        response: Response<Incoming>,
    ) -> Response<Incoming> {
        self.kept.borrow_mut().push(sender);
        response
    }

    async fn open(&self) -> io::Result<Opened> {
        let (wire, agreed) = dial(&self.origin).await?;
        let is_http2 = *self.is_http2.borrow_mut().get_or_insert(agreed);
        if is_http2 || agreed {
            let mut builder = http2::Builder::new(LocalExecutor);
            builder.timer(TokioTimer::new());
            let handshake = builder.handshake(TokioIo::new(wire)).await;
            let (sender, connection) = handshake.map_err(io::Error::other)?;
            // What breaks a connection is told to its requests.
            spawn_local(async { drop(connection.await) });
            return Ok(Opened::Http2(sender));
        }
        let mut builder = http1::Builder::new();
        builder.preserve_header_case(true);
        let handshake = builder.handshake(TokioIo::new(wire)).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        spawn_local(async { drop(connection.with_upgrades().await) });
        Ok(Opened::Http1(sender))
    }
}

/// Opens a connection; true with it if TLS agreed on HTTP/2.
async fn dial(origin: &Origin) -> io::Result<(Wire, bool)> {
    let address = origin.address.clone();
    // A name blocks while it is looked up.
    let targets = spawn_blocking(move || address.resolve()).await;
    let targets = targets
        .map_err(io::Error::other)?
        .map_err(io::Error::other)?;
    let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for target in targets {
        match timeout(PATIENCE, connect(origin, &target)).await {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(error)) => refused = error,
            Err(_) => refused = io::Error::from(io::ErrorKind::TimedOut),
        }
    }
    Err(refused)
}

async fn connect(origin: &Origin, target: &Target) -> io::Result<(Wire, bool)> {
    let stream = match target {
        Target::Unix(path) => return Ok((Wire::new(UnixStream::connect(path).await?), false)),
        Target::Ip(address) => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    let Some((config, name)) = &origin.tls else {
        return Ok((Wire::new(stream), false));
    };
    let connector = TlsConnector::from(config.clone());
    let stream = connector.connect(name.clone(), stream).await?;
    let agreed = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok((Wire::new(stream), agreed))
}
