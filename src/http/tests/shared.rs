//! HTTP/2 against hyper's server: one connection for many requests, and what breaks it.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::server::*;
use super::tls::{Authority, acceptor, trusting};
use crate::http::{Request, VersionPreference, codes};

#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

/// A body of one piece.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }
}

/// `/slow` waits; `/teapot` is 418; `/big` is a megabyte; else shows what it got.
async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<Whole>, Infallible> {
    let (parts, mut incoming) = request.into_parts();
    let mut length = 0;
    while let Some(Ok(frame)) =
        std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await
    {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    let mut response = hyper::Response::new(Whole(None));
    let text = match parts.uri.path() {
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            "slow".to_owned()
        }
        "/teapot" => {
            *response.status_mut() = hyper::StatusCode::IM_A_TEAPOT;
            String::new()
        }
        "/big" => "x".repeat(1 << 20),
        _ => {
            let header = parts
                .headers
                .get("x-a")
                .map(|value| value.to_str().unwrap());
            format!("{} {} {length} {header:?}", parts.method, parts.uri)
        }
    };
    response
        .headers_mut()
        .insert("x-reply", "yes".parse().unwrap());
    response.body_mut().0 = Some(text.into());
    Ok(response)
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S) {
    let service = service_fn(answer);
    let _ = http2::Builder::new(Local)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A server by prior knowledge, and how many connections it has had.
async fn plain() -> (SocketAddr, Rc<Cell<usize>>) {
    let connections = Rc::new(Cell::new(0));
    let counted = connections.clone();
    let server = listen(move |stream, _| {
        counted.set(counted.get() + 1);
        speak(stream)
    })
    .await;
    (server, connections)
}

fn h2(server: SocketAddr, path: &str) -> Request {
    let mut request = to(server, path);
    request.version = VersionPreference::Http2;
    request
}

#[test]
fn prior_knowledge_works_without_tls() {
    run(async {
        let (server, _) = plain().await;
        let client = client();
        let mut request = h2(server, "/a?b");
        request.headers.push(("X-A".into(), b"1".to_vec().into()));
        request
            .headers
            .push(("Connection".into(), b"close".to_vec().into()));
        let outcome = client.send(request).await;
        assert_eq!(
            body(&outcome),
            format!("GET http://{server}/a?b 0 Some(\"1\")")
        );
        let response = &outcome.response;
        assert_eq!(response.version, "HTTP/2.0");
        assert_eq!(response.headers.get("x-reply"), Some(&b"yes"[..]));
        assert_eq!(response.remote_address, Some(server));
        let exchange = &outcome.exchanges[0];
        assert!(exchange.sent_bytes > 0 && exchange.received_bytes > 0 && !exchange.reused);
        let outcome = client.send(h2(server, "/teapot")).await;
        assert_eq!(
            (outcome.response.status, outcome.response.error_code),
            (418, 1418)
        );
        assert!(outcome.exchanges[0].reused);
    });
}

#[test]
fn bodies_go_both_ways() {
    run(async {
        let (server, _) = plain().await;
        let mut request = post(server, "/", vec![b'x'; 500_000]);
        request.version = VersionPreference::Http2;
        let outcome = client().send(request).await;
        assert!(body(&outcome).contains(" 500000 "), "{}", body(&outcome));
        assert!(outcome.exchanges[0].sent_bytes > 500_000);
        let outcome = client().send(h2(server, "/big")).await;
        assert_eq!(outcome.response.body.len(), 1 << 20);
        let mut request = h2(server, "/big");
        request.max_body = 1000;
        assert_eq!(
            code(&client().send(request.clone()).await),
            codes::BODY_TOO_LARGE
        );
        request.discard_body = true;
        assert_eq!(body(&client().send(request).await), "");
    });
}

#[test]
fn requests_at_once_share_one_connection() {
    run(async {
        let (server, connections) = plain().await;
        let client = client();
        let one = || client.send(h2(server, "/slow"));
        let (a, b, c) = tokio::join!(one(), one(), one());
        for outcome in [&a, &b, &c] {
            assert_eq!(body(outcome), "slow");
            assert!(outcome.response.timings.waiting >= Duration::from_millis(90));
        }
        assert_eq!(connections.get(), 1);
        assert_eq!(
            [a, b, c].iter().filter(|o| o.exchanges[0].reused).count(),
            2
        );
    });
}

#[test]
fn alpn_chooses_http2_unless_told_otherwise() {
    run(async {
        let authority = Authority::new();
        let identity = authority.issue(&["127.0.0.1"]);
        let acceptor = acceptor(&identity, &["h2"], None);
        let server = listen(move |stream, _| {
            let accepting = acceptor.accept(stream);
            async move {
                if let Ok(stream) = accepting.await {
                    speak(stream).await;
                }
            }
        })
        .await;
        let mut request = trusting(&format!("https://{server}/"), &authority);
        let outcome = client().send(request.clone()).await;
        assert_eq!(outcome.response.version, "HTTP/2.0", "{outcome:?}");
        assert!(!outcome.response.timings.tls.is_zero());
        request.version = VersionPreference::Http1;
        let outcome = client().send(request).await;
        assert_eq!(code(&outcome), codes::TLS, "{outcome:?}");
    });
}

#[test]
fn a_closed_connection_is_replaced() {
    run(async {
        let server = listen(|stream, _| async move {
            let _ = tokio::time::timeout(Duration::from_millis(50), speak(stream)).await;
        })
        .await;
        let client = client();
        assert_eq!(client.send(h2(server, "/")).await.response.status, 200);
        tokio::time::sleep(Duration::from_millis(120)).await;
        let outcome = client.send(h2(server, "/")).await;
        assert_eq!(outcome.response.status, 200);
        assert_eq!(outcome.exchanges[0].reconnects, 1);
    });
}

#[test]
fn a_broken_connection_fails_its_requests() {
    run(async {
        let server = listen(|stream, _| async move {
            let _ = tokio::time::timeout(Duration::from_millis(30), speak(stream)).await;
        })
        .await;
        let outcome = client().send(h2(server, "/slow")).await;
        let code = code(&outcome);
        assert!(
            (1200..1300).contains(&code) || (1600..1700).contains(&code),
            "{outcome:?}"
        );
    });
}

/// A frame: type, flags, stream, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[test]
fn goaway_and_reset_have_their_codes() {
    run(async {
        let reason = 11u32.to_be_bytes(); // ENHANCE_YOUR_CALM
        let goaway = frame(7, 0, 0, &[&[0; 4], &reason[..]].concat());
        let reset = frame(3, 0, 1, &reason);
        for (last, expected) in [
            (goaway, codes::H2_GOAWAY + 12),
            (reset, codes::H2_STREAM + 12),
        ] {
            let server = listen(move |mut stream, _| {
                let last = last.clone();
                async move {
                    stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
                    let mut seen = vec![0; 4096];
                    let mut total = 0;
                    // The preface, SETTINGS and HEADERS.
                    while !seen[..total]
                        .windows(4)
                        .any(|window| window == [1, 5, 0, 0])
                    {
                        total += stream.read(&mut seen[total..]).await.unwrap();
                    }
                    let _ = stream.write_all(&last).await;
                    let _ = stream.read(&mut seen).await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            })
            .await;
            let outcome = client().send(h2(server, "/")).await;
            assert_eq!(code(&outcome), expected, "{outcome:?}");
        }
    });
}

#[test]
fn a_server_that_speaks_only_http1_fails_clearly() {
    run(async {
        let server = once("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let code = code(&client().send(h2(server, "/")).await);
        assert!((1200..1700).contains(&code), "{code}");
    });
}

#[test]
fn a_timeout_resets_only_its_stream() {
    run(async {
        let (server, connections) = plain().await;
        let client = client();
        let mut late = h2(server, "/slow");
        late.timeout = Duration::from_millis(30);
        let outcome = client.send(late).await;
        assert_eq!(code(&outcome), codes::TIMEOUT, "{outcome:?}");
        assert!(
            outcome.response.timings.waiting > Duration::from_millis(10),
            "{outcome:?}"
        );
        assert_eq!(client.send(h2(server, "/")).await.response.status, 200);
        assert_eq!(connections.get(), 1);
    });
}
