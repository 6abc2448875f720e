//! The request as bytes: head, and the body behind it if it is small.

use http::Method;
use std::io::Write as _;
use url::Position;

use super::wire::Outgoing;
use crate::http::cookies::Jar;
use crate::http::failure::Failure;
use crate::http::hop::{self, Hop};
use crate::http::origin::Origin;
use crate::http::request::{Body, Request};

/// Copying a body up to this size behind the head is cheaper than a second buffer.
const COALESCED: usize = 8 * 1024;

pub(super) fn request(
    out: &mut Outgoing,
    request: &Request,
    hop: &Hop,
    jar: &Jar,
    origin: &Origin,
) -> Result<(), Failure> {
    let head = &mut out.head;
    start_line(head, hop, origin);
    head.extend_from_slice(b"Host: ");
    match hop::own(request, "host") {
        Some(host) => head.extend_from_slice(host),
        None => {
            head.extend_from_slice(hop.url[Position::BeforeHost..Position::AfterPort].as_bytes())
        }
    }
    head.extend_from_slice(b"\r\n");
    let sent = hop.headers(request, jar, |name, value| line(head, name, value));
    sent?;
    if let Some(proxy) = origin.proxy.as_ref().filter(|_| !origin.https)
        && let Some(value) = proxy.authorization()
    {
        line(head, "Proxy-Authorization", value.as_bytes());
    }
    if !request.keep_alive {
        line(head, "Connection", b"close");
    } else if let Some(value) = hop::own(request, "connection") {
        line(head, "Connection", value);
    }
    let body = hop.body(request);
    let announced = match &body {
        Body::Bytes(_) => true,
        Body::Empty => [Method::POST, Method::PUT, Method::PATCH].contains(&hop.method),
    };
    let bytes = body.bytes();
    if announced {
        // Writing to a vector cannot fail.
        let _ = write!(head, "Content-Length: {}\r\n", bytes.len());
    }
    head.extend_from_slice(b"\r\n");
    if bytes.len() <= COALESCED {
        head.extend_from_slice(&bytes);
    } else {
        out.body = bytes;
    }
    Ok(())
}

fn start_line(head: &mut Vec<u8>, hop: &Hop, origin: &Origin) {
    head.extend_from_slice(hop.method.as_str().as_bytes());
    head.push(b' ');
    if origin.proxy.is_some() && !origin.https {
        head.extend_from_slice(b"http://");
        head.extend_from_slice(hop.url[Position::BeforeHost..Position::AfterPort].as_bytes());
    }
    head.extend_from_slice(hop.url[Position::BeforePath..Position::AfterQuery].as_bytes());
    head.extend_from_slice(b" HTTP/1.1\r\n");
}

fn line(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}
