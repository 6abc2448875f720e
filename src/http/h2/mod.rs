//! HTTP/2: one connection per origin, shared by the requests of a client; the protocol is hyper's.

mod fault;
mod stream;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use url::Position;

use super::codes;
use super::cookies::Jar;
use super::failure::Failure;
use super::hop::{self, Hop};
use super::link::Link;
use super::origin::Origin;
use super::outcome::Headers;
use super::reply::Reply;
use super::request::Request;
use super::trace::{Phase, Trace};
use stream::{Counted, Counters, LocalTasks, Payload};

/// As for HTTP/1.1.
const MAX_HEAD: u32 = 256 * 1024;

/// An open connection; it ends with its last clone.
#[derive(Clone)]
pub(super) struct Session {
    sender: SendRequest<Payload>,
    pub origin: Rc<Origin>,
    pub remote: SocketAddr,
    connection: Rc<Connection>,
}

/// The task that drives a connection, and what it learnt when the connection broke.
struct Connection {
    task: tokio::task::AbortHandle,
    counters: Rc<Counters>,
    broken: Rc<RefCell<Option<Failure>>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    pub async fn open(link: Link) -> Result<Self, Failure> {
        let counters = Rc::new(Counters::default());
        let io = TokioIo::new(Counted::new(link.stream, counters.clone()));
        let (sender, connection) = Builder::new(LocalTasks)
            .max_header_list_size(MAX_HEAD)
            .handshake(io)
            .await
            .map_err(|error| fault::classify(&error))?;
        let broken = Rc::new(RefCell::new(None));
        let slot = broken.clone();
        let task = tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                *slot.borrow_mut() = Some(fault::classify(&error));
            }
        });
        Ok(Self {
            sender,
            origin: link.origin,
            remote: link.remote,
            connection: Rc::new(Connection {
                task: task.abort_handle(),
                counters,
                broken,
            }),
        })
    }

    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and reads its response; `None` if the connection was found closed before
    /// any of the request was written, so that it may go to another.
    pub async fn exchange(
        mut self,
        request: &Request,
        hop: &Hop,
        jar: &RefCell<Jar>,
        trace: &Trace,
    ) -> Result<Option<Reply>, Failure> {
        let payload = Payload::new(hop.body(request).bytes());
        let written = payload.written();
        let message = message(request, hop, &jar.borrow(), payload)?;
        trace.enter(Phase::Sending);
        let sending = self.sender.try_send_request(message);
        let answer = {
            let mut sending = pin!(sending);
            std::future::poll_fn(|cx| {
                let answer = sending.as_mut().poll(cx);
                if trace.phase() == Phase::Sending
                    && let Some(at) = written.get()
                {
                    trace.enter_at(Phase::Waiting, at);
                }
                answer
            })
            .await
        };
        let response = match answer {
            Ok(response) => response,
            Err(mut error) => {
                if error.take_message().is_some() {
                    return Ok(None);
                }
                return Err(self.explain(error.error(), trace));
            }
        };
        trace.enter(Phase::Receiving);
        trace.version("HTTP/2.0");
        let status = response.status().as_u16();
        let mut headers = Headers::with_capacity(response.headers().len(), 512);
        for (name, value) in response.headers() {
            headers.push(name.as_str(), value.as_bytes());
        }
        let body = self.read(response.into_body(), request, trace).await?;
        self.connection.counters.settle(trace);
        Ok(Some(Reply {
            status,
            headers,
            body,
        }))
    }

    async fn read(
        &self,
        mut incoming: Incoming,
        request: &Request,
        trace: &Trace,
    ) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await;
            let data = match frame {
                None => return Ok(body),
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(error)) => return Err(self.explain(&error, trace)),
            };
            if let (Ok(data), false) = (data, request.discard_body) {
                if (body.len() + data.len()) as u64 > request.max_body {
                    self.connection.counters.settle(trace);
                    return Err(Failure::too_large(request.max_body));
                }
                body.extend_from_slice(&data);
            }
        }
    }

    /// The failure of one request, which may be the connection's.
    fn explain(&self, error: &hyper::Error, trace: &Trace) -> Failure {
        self.connection.counters.settle(trace);
        let failure = fault::classify(error);
        match &*self.connection.broken.borrow() {
            Some(cause) if failure.code == codes::H2 => cause.clone(),
            _ => failure,
        }
    }
}

fn message(
    request: &Request,
    hop: &Hop,
    jar: &Jar,
    payload: Payload,
) -> Result<http::Request<Payload>, Failure> {
    let unfit = |error: &dyn std::fmt::Display| {
        Failure::invalid(format!("request cannot be sent over HTTP/2: {error}"))
    };
    let authority = match hop::own(request, "host") {
        Some(host) => String::from_utf8_lossy(host).into_owned(),
        None => hop.url[Position::BeforeHost..Position::AfterPort].to_owned(),
    };
    let uri = http::Uri::builder()
        .scheme(hop.url.scheme())
        .authority(authority)
        .path_and_query(&hop.url[Position::BeforePath..Position::AfterQuery])
        .build()
        .map_err(|error| unfit(&error))?;
    let mut message = http::Request::new(payload);
    *message.method_mut() = hop.method.clone();
    *message.uri_mut() = uri;
    *message.version_mut() = http::Version::HTTP_2;
    let mut failed = None;
    hop.headers(request, jar, |name, value| {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let value = http::HeaderValue::from_bytes(value);
        match (name, value) {
            (Ok(name), Ok(value)) => drop(message.headers_mut().append(name, value)),
            (Err(error), _) => failed = Some(unfit(&error)),
            (_, Err(error)) => failed = Some(unfit(&error)),
        }
    })?;
    match failed {
        Some(failure) => Err(failure),
        None => Ok(message),
    }
}
