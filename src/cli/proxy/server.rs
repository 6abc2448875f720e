//! The HTTP side of the API: hyper, one request after the other.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;

use super::ProxyError;
use super::api::{Api, Reply};
use super::route::{self, NoRoute};
use crate::fault::proxy::{Address, ListenError};

/// Bodies up to here are read: ten thousand proxies fit.
const BODY: usize = 8 << 20;

/// Connections to the API that are served at a time.
const CONNECTIONS: usize = 512;

/// How long a connection may stand idle or dawdle over its headers, as in Toxiproxy.
const IDLE: Duration = Duration::from_secs(60);

/// How long a request may take, as in Toxiproxy.
const PATIENCE: Duration = Duration::from_secs(25);

const TIMEOUT_PAGE: &str =
    "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>";

/// Serves the API until SIGINT or SIGTERM.
pub fn serve(api: Api, address: &Address, seed: u64) -> Result<(), ProxyError> {
    let listener = bind(address)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .map_err(ProxyError::Start)?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ProxyError::Start)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(ProxyError::Start)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ProxyError::Start)?;
        let bound = listener.local_addr().map_err(ProxyError::Start)?;
        eprintln!(
            "rchaos proxy {}: listening on {bound}, seed {seed}",
            route::VERSION
        );
        let server = Arc::new(Server {
            api,
            stamp: crate::base::rng::fresh_seed(),
            requests: AtomicU64::new(0),
        });
        accept(&server, &listener, &mut interrupt, &mut terminate).await;
        Ok(())
    })
}

fn bind(address: &Address) -> Result<TcpListener, ProxyError> {
    let refuse = |error: std::io::Error| {
        let text = error.to_string().to_lowercase();
        ProxyError::Listen(ListenError::Bind {
            network: "tcp",
            address: address.to_string(),
            reason: text
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_owned(),
        })
    };
    let targets = address.resolve().map_err(ProxyError::Host)?;
    let sockets: Vec<std::net::SocketAddr> = targets
        .iter()
        .filter_map(|target| target.to_string().parse().ok())
        .collect();
    let listener = TcpListener::bind(sockets.as_slice()).map_err(refuse)?;
    listener.set_nonblocking(true).map_err(refuse)?;
    Ok(listener)
}

struct Server {
    api: Api,
    stamp: u64,
    requests: AtomicU64,
}

async fn accept(
    server: &Arc<Server>,
    listener: &tokio::net::TcpListener,
    interrupt: &mut Signal,
    terminate: &mut Signal,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let accepted = tokio::select! {
            _ = interrupt.recv() => return,
            _ = terminate.recv() => return,
            accepted = next => accepted,
        };
        match accepted {
            Some((Ok((stream, _)), place)) => {
                // Requests and answers are small: waiting for more to send helps nobody.
                let _ = stream.set_nodelay(true);
                let server = server.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| handle(server.clone(), request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(IDLE)
                        .serve_connection(TokioIo::new(stream), service);
                    // A client that breaks off ends its own connection and nothing else.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Some((Err(_), _)) => tokio::time::sleep(Duration::from_millis(50)).await,
            None => return,
        }
    }
}

async fn handle(
    server: Arc<Server>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let route = match route::find(request.method().as_str(), request.uri().path()) {
        // Without counters there is no such path.
        Ok(route::Route::Metrics) if !server.api.has_metrics() => {
            return Ok(respond(Reply::text(404, "404 page not found")));
        }
        Ok(route) => route,
        Err(NoRoute::Elsewhere(path)) => return Ok(redirect(path, request.uri().query())),
        Err(NoRoute::NotFound) => return Ok(respond(Reply::text(404, "404 page not found"))),
        Err(NoRoute::WrongMethod) => {
            let reply = Reply {
                status: 405,
                kind: None,
                body: String::new(),
            };
            return Ok(respond(reply));
        }
    };
    let number = server.requests.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:013x}{number:07x}", server.stamp);
    let agent = request.headers().get(header::USER_AGENT);
    let browser = agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    let reply = if browser {
        // A page that a browser visits could otherwise drive the API.
        Reply::text(403, "User agent not allowed")
    } else {
        match tokio::time::timeout(PATIENCE, answer(server, route, request)).await {
            Ok(reply) => reply,
            Err(_) => Reply {
                status: 503,
                kind: Some("text/html; charset=utf-8"),
                body: TIMEOUT_PAGE.to_owned(),
            },
        }
    };
    let mut response = respond(reply);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-toxiproxy-request-id", id);
    }
    Ok(response)
}

async fn answer(server: Arc<Server>, route: route::Route, request: Request<Incoming>) -> Reply {
    let Ok(body) = Limited::new(request.into_body(), BODY).collect().await else {
        return Reply::text(413, "request body too large or broken off");
    };
    let body = body.to_bytes();
    // A listener's name may have to be looked up, which blocks.
    let answered = tokio::task::spawn_blocking(move || server.api.answer(&route, &body)).await;
    answered.unwrap_or_else(|_| Reply::text(500, "internal error"))
}

/// To the same path as it should have been written.
fn redirect(path: String, query: Option<&str>) -> Response<Full<Bytes>> {
    let to = match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut response = respond(Reply {
        status: 301,
        kind: None,
        body: String::new(),
    });
    if let Ok(to) = HeaderValue::from_str(&to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let is_text = reply.is_text();
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    if let Ok(status) = http::StatusCode::from_u16(reply.status) {
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    if let Some(kind) = reply.kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if is_text {
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
    }
    response
}
