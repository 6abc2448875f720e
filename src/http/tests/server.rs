//! A raw TCP server that runs a script of bytes, and the shorthand tests share.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use url::Url;

use crate::http::{Body, Client, Outcome, Request, Shared};

/// Runs a test as a worker runs virtual users: one thread, a `LocalSet`, a bound of 20 s.
pub fn run<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new()
        .block_on(&runtime, async {
            tokio::time::timeout(Duration::from_secs(20), test).await
        })
        .expect("the test took longer than 20 s");
}

/// Listens on loopback and hands each connection, with its number from 0, to `serve`.
pub async fn listen<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            stream.set_nodelay(true).unwrap();
            tokio::task::spawn_local(serve(stream, number));
        }
    });
    address
}

/// Answers every request, on every connection, with the same bytes, and stays open.
pub async fn always(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Rc<[u8]> = answer.into().into();
    listen(move |mut stream, _| {
        let answer = answer.clone();
        async move {
            while head(&mut stream).await.is_some() {
                if stream.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// Answers the first request of every connection with these bytes, then closes.
pub async fn once(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Rc<[u8]> = answer.into().into();
    listen(move |mut stream, _| {
        let answer = answer.clone();
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

/// Answers each request with what `answer` makes of it, head and body.
pub async fn reply(answer: impl Fn(&str) -> String + 'static) -> SocketAddr {
    let answer = Rc::new(answer);
    listen(move |mut stream, _| {
        let answer = answer.clone();
        async move {
            while let Some(request) = whole(&mut stream).await {
                if stream.write_all(answer(&request).as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// Reads up to the end of a request's head; `None` if the client has gone.
pub async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(bytes).unwrap())
}

/// Reads a request with its body.
pub async fn whole(stream: &mut TcpStream) -> Option<String> {
    let mut text = head(stream).await?;
    let length = header(&text, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

/// The value of a header in a request's text.
pub fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (candidate, value) = line.split_once(": ")?;
        candidate.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A plain response with this body.
pub fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}

pub fn client() -> Client {
    Client::new(Shared::new())
}

/// A request to a server of the test; it fails after 5 s.
pub fn to(address: SocketAddr, path: &str) -> Request {
    at(&format!("http://{address}{path}"))
}

pub fn at(url: &str) -> Request {
    let url = Url::parse(url).unwrap();
    let mut request = Request::new(Method::GET, Rc::new(url));
    request.timeout = Duration::from_secs(5);
    request
}

pub fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Request {
    let mut request = to(address, path);
    request.method = Method::POST;
    request.body = Body::Bytes(body.into());
    request
}

pub async fn get(address: SocketAddr) -> Outcome {
    client().send(to(address, "/")).await
}

/// The outcome's status and body, or its code and text.
pub fn result(outcome: &Outcome) -> Result<(u16, String), (u16, String)> {
    let response = &outcome.response;
    match &response.error {
        None => Ok((
            response.status,
            String::from_utf8_lossy(&response.body).into_owned(),
        )),
        Some(text) => Err((response.error_code, text.clone())),
    }
}

pub fn body(outcome: &Outcome) -> String {
    result(outcome).unwrap().1
}

pub fn code(outcome: &Outcome) -> u16 {
    result(outcome).unwrap_err().0
}
