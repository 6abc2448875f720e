//! HTTP/1.1 within the caller's task: one write, then reads until the response is complete.

mod body;
mod encode;
mod parse;
mod wire;

use super::cookies::Jar;
use super::failure::Failure;
use super::hop::{self, Hop};
use super::link::Link;
use super::reply::Reply;
use super::request::Request;
use super::shared::Shared;
use super::trace::{Phase, Trace};
use wire::Wire;

/// Writes the request, reads the response; the connection comes back if it can be used again.
pub(super) async fn exchange(
    shared: &Shared,
    link: Link,
    request: &Request,
    step: &Hop,
    jar: &std::cell::RefCell<Jar>,
    trace: &Trace,
) -> Result<(Reply, Option<Link>), Failure> {
    let mut wire = Wire::new(shared, link, trace);
    encode::request(
        &mut wire.out,
        request,
        step,
        &jar.borrow(),
        &wire.link.origin,
    )?;
    trace.enter(Phase::Sending);
    let head = parse::head(&mut wire, &step.method).await?;
    let body = body::read(&mut wire, head.framing, request).await?;
    trace.rest();
    let closing = hop::own(request, "connection").is_some_and(|v| v.eq_ignore_ascii_case(b"close"));
    let reusable = head.keep_alive && request.keep_alive && !closing && wire.is_clean();
    let reply = Reply {
        status: head.status,
        headers: head.headers,
        body,
    };
    Ok((reply, wire.into_link(reusable)))
}
