//! The shop's responses and their bodies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

/// A response of the shop.
pub(super) type Reply = Response<Payload>;

/// A body: held in memory, or repeated letters of any length that are never held at once.
#[derive(Debug)]
pub(super) enum Payload {
    Held(Bytes),
    Letters(u64),
}

const BLOCK: usize = 32 * 1024;
static LETTERS: [u8; BLOCK] = {
    let mut block = [b'a'; BLOCK];
    let mut index = 0;
    while index < BLOCK {
        block[index] = b"abcdefghijklmnop"[index % 16];
        index += 1;
    }
    block
};

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = match &mut *self {
            Self::Held(bytes) => std::mem::take(bytes),
            Self::Letters(left) => {
                let length = usize::try_from(*left).unwrap_or(BLOCK).min(BLOCK);
                *left -= length as u64;
                Bytes::from_static(&LETTERS[..length])
            }
        };
        Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Held(bytes) => bytes.is_empty(),
            Self::Letters(left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Letters(left) => *left,
        })
    }
}

/// A response with a body of the given type.
pub(super) fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(Payload::Held(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

pub(super) fn text(body: impl Into<Bytes>) -> Reply {
    reply(StatusCode::OK, "text/plain; charset=utf-8", body)
}

pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    reply(status, "application/json", body)
}

/// `{"error": message}`.
pub(super) fn problem(status: StatusCode, message: &str) -> Reply {
    json(status, serde_json::json!({ "error": message }).to_string())
}

pub(super) fn not_found(message: &str) -> Reply {
    problem(StatusCode::NOT_FOUND, message)
}

pub(super) fn bad_request(message: &str) -> Reply {
    problem(StatusCode::BAD_REQUEST, message)
}

/// 503 with `retry-after` in seconds.
pub(super) fn unavailable(message: &str, after: u64) -> Reply {
    later(problem(StatusCode::SERVICE_UNAVAILABLE, message), after)
}

/// 429 with `retry-after` in seconds.
pub(super) fn too_many(after: u64) -> Reply {
    let message = "too many requests";
    later(problem(StatusCode::TOO_MANY_REQUESTS, message), after)
}

fn later(mut response: Reply, after: u64) -> Reply {
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(after));
    response
}

/// 405 with the methods that are allowed.
pub(super) fn wrong_method(allowed: &'static str) -> Reply {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(ALLOW, allowed);
    response
}
