//! The shop's HTTP server: accepts, routes, counts.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::endpoint::Endpoint;
use super::peer::Peer;
use super::reply::{Reply, not_found, problem, too_many, wrong_method};
use super::stats::Stats;
use super::store::Store;
use super::{front, playground};

/// Connections each listener serves at once; further ones wait to be accepted.
pub(super) const MAX_CONNECTIONS: usize = 8192;
/// The longest request body, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;
/// The time a client has to send a whole request body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The time a client has to send its next request head.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// What all requests share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) cache: Peer,
    pub(super) store: Store,
    pub(super) stats: Stats,
    pub(super) items: usize,
    pub(super) next_order: AtomicU64,
    pub(super) compressed: Bytes,
}

/// Accepts for ever, and runs `session` for each connection, at most `limit` at once.
pub(super) async fn accept<F>(listener: TcpListener, limit: usize, session: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(limit));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: some are given back in a while.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // A socket that refuses the option is already closed, as its first read will say.
        let _ = stream.set_nodelay(true);
        let session = session(stream);
        tokio::spawn(async move {
            session.await;
            drop(permit);
        });
    }
}

/// Serves the shop to all who connect.
pub(super) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
    accept(listener, MAX_CONNECTIONS, move |stream| {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(respond(&state, request).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        async move {
            // A broken connection is the client's business.
            let _ = connection.await;
        }
    })
    .await;
}

async fn respond(state: &State, request: Request<Incoming>) -> Reply {
    let started = Instant::now();
    let _in_flight = state.stats.enter();
    let (parts, body) = request.into_parts();
    let endpoint = Endpoint::of(parts.uri.path());
    let response = match endpoint.refuses(&parts.method) {
        Some(allowed) => wrong_method(allowed),
        None => match admit(state, endpoint) {
            Ok(()) => dispatch(state, endpoint, &parts, body).await,
            Err(after) => too_many(after),
        },
    };
    let status = response.status().as_u16();
    state
        .stats
        .record(endpoint.route(), status, started.elapsed());
    response
}

/// Whether a request is let in, else after how many seconds; only what visitors come for is counted.
fn admit(state: &State, endpoint: Endpoint<'_>) -> Result<(), u64> {
    match endpoint {
        Endpoint::Items | Endpoint::Item(_) | Endpoint::Orders | Endpoint::Order(_) => {
            state.store.guard.admit()
        }
        _ => Ok(()),
    }
}

async fn dispatch(state: &State, endpoint: Endpoint<'_>, parts: &Parts, body: Incoming) -> Reply {
    let query = parts.uri.query().unwrap_or_default();
    match endpoint {
        Endpoint::Index => front::index(),
        Endpoint::Items => front::items(state, query).await,
        Endpoint::Item(id) => front::item(state, id).await,
        Endpoint::Orders => match read(body).await {
            Ok(body) => front::create_order(state, &body).await,
            Err(refusal) => refusal,
        },
        Endpoint::Order(id) => front::order(state, id).await,
        Endpoint::Health => front::health(state).await,
        Endpoint::Metrics => front::metrics(state),
        Endpoint::Echo => match read(body).await {
            Ok(body) => playground::echo(&parts.headers, body),
            Err(refusal) => refusal,
        },
        Endpoint::Slow => playground::slow(query).await,
        Endpoint::Status(code) => playground::status(code),
        Endpoint::Headers => playground::headers(&parts.headers),
        Endpoint::Cookies => playground::cookies(&parts.headers),
        Endpoint::SetCookies => playground::set_cookies(query),
        Endpoint::Redirect(count) => playground::redirect(count),
        Endpoint::Bytes(count) => playground::bytes(count),
        Endpoint::Gzip => playground::gzip(state.compressed.clone()),
        Endpoint::BasicAuth(user, password) => {
            playground::basic_auth(&parts.headers, user, password)
        }
        Endpoint::Unknown => not_found("no such page; GET / lists them"),
    }
}

/// The whole body, or the response that says why not.
async fn read(body: Incoming) -> Result<Bytes, Reply> {
    let too_large = || {
        let message = "the body is larger than 1 MiB";
        problem(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // A client that announces too much is told before it sends.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let whole = tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await;
    match whole {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(problem(StatusCode::BAD_REQUEST, "the body was cut short")),
        Err(_) => Err(problem(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long",
        )),
    }
}
