//! One request through the proxy: the rules, the upstream, the answer.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::task::spawn_local;

use super::body::Body;
use super::kinds::{Abort, Patch};
use super::origin::Origin;
use super::rule::{HttpFault, LiveRule};
use super::serve::Desk;
use super::upstream::Upstream;
use super::wire::Fuse;

/// The header that names the rules that acted, where it is asked for.
const MARK: HeaderName = HeaderName::from_static("x-rchaos-fault");

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What the rules have decided about one request.
#[derive(Default)]
struct Decision {
    /// Rules that act, in creation order.
    names: Vec<String>,
    patches: Vec<Patch>,
    abort: Option<Abort>,
    /// Reset the answer after so many bytes; none within is at once.
    reset: Option<Option<u64>>,
}

/// Serves one request. An error breaks the connection, or the stream of an HTTP/2 one.
pub async fn exchange(
    request: Request<Incoming>,
    desk: &Desk,
    upstream: Rc<Upstream>,
    fuse: Rc<Fuse>,
) -> io::Result<Response<Body>> {
    desk.state.requests.fetch_add(1, Ordering::Relaxed);
    let (mut parts, body) = request.into_parts();
    let upgrade = take_upgrade(&mut parts);
    let decision = decide(desk, &parts).await;
    let method = parts.method.clone();
    let mut response = if let Some(abort) = &decision.abort {
        aborted(abort)
    } else if decision.reset == Some(None) {
        fuse.blow();
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    } else {
        let body = outgoing(&mut parts, Body::Passed(body), desk, &decision);
        let answer = upstream.send(Request::from_parts(parts, body)).await;
        match answer {
            Ok(answer) => passed(answer, upgrade),
            Err(error) if is_clients(&error) => return Err(error),
            Err(error) => {
                desk.state.unreachable.fetch_add(1, Ordering::Relaxed);
                unreachable(&desk.origin, &error)
            }
        }
    };
    if decision.abort.is_none() {
        let downstream = decision.patches.iter().filter(|patch| !patch.upstream);
        for patch in downstream {
            response = patched(response, patch, &method);
        }
    }
    if let Some(Some(after)) = decision.reset {
        response = response.map(|body| body.cut(after, fuse));
    }
    if desk.mark && !decision.names.is_empty() {
        let names = decision.names.join(", ");
        // A name that no header can carry is left out.
        if let Ok(value) = HeaderValue::from_str(&names) {
            response.headers_mut().insert(MARK, value);
        }
    }
    Ok(response)
}

/// Asks every rule, and waits for as long as they say.
async fn decide(desk: &Desk, parts: &http::request::Parts) -> Decision {
    let mut decision = Decision::default();
    for live in desk.state.rules().iter() {
        let live: &Arc<LiveRule> = live;
        let Some(mut rng) = live.takes(parts) else {
            continue;
        };
        decision.names.push(live.rule.name.clone());
        match &live.rule.fault {
            HttpFault::Delay(delay) => tokio::time::sleep(delay.draw(&mut rng)).await,
            HttpFault::Patch(patch) => decision.patches.push(patch.clone()),
            HttpFault::Abort(abort) => {
                decision.abort = Some(abort.clone());
                break;
            }
            HttpFault::Reset(reset) => {
                decision.reset = Some(reset.after);
                break;
            }
        }
    }
    decision
}

/// An answer of the proxy's own.
fn aborted(abort: &Abort) -> Response<Body> {
    let mut response = Response::new(Body::text(abort.body.clone()));
    *response.status_mut() = StatusCode::from_u16(abort.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let set = Patch {
        set: abort.headers.clone(),
        ..Patch::default()
    };
    set.headers(headers);
    response
}

fn unreachable(origin: &Origin, error: &io::Error) -> Response<Body> {
    let text = format!("rchaos: no answer from {origin}: {}\n", reason(error));
    let mut response = Response::new(Body::text(text));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    let kind = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Whether it was the client who broke off, in the middle of its request.
fn is_clients(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.is_some_and(hyper::Error::is_user)
}

/// An error with what caused it: hyper's own texts leave that out.
fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.get_ref().and_then(std::error::Error::source);
    while let Some(source) = inner {
        text = format!("{text}: {source}");
        inner = source.source();
    }
    text
}

/// The request as it goes upstream.
fn outgoing(
    parts: &mut http::request::Parts,
    mut body: Body,
    desk: &Desk,
    decision: &Decision,
) -> Body {
    let authority = parts.uri.authority().map(Authority::as_str);
    let authority = authority.and_then(|text| HeaderValue::from_str(text).ok());
    match (&desk.host, authority) {
        (Some(host), _) => {
            parts.headers.insert(HOST, host.clone());
        }
        // An HTTP/2 client says it in the URL.
        (None, Some(authority)) => {
            parts.headers.insert(HOST, authority);
        }
        (None, None) => {}
    }
    for patch in &decision.patches {
        if !patch.upstream {
            if !patch.replace.is_empty() {
                parts.headers.remove(ACCEPT_ENCODING);
            }
            continue;
        }
        patch.headers(&mut parts.headers);
        if patch.has_body() {
            body = change(&mut parts.headers, body, patch);
        }
    }
    body
}

/// The answer as it came, with the upgrade that it agrees to.
fn passed(answer: Response<Incoming>, upgrade: Option<OnUpgrade>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(client) = upgrade
        && let Some(server) = parts.extensions.remove::<OnUpgrade>()
    {
        spawn_local(async move {
            if let Ok((client, server)) = tokio::try_join!(client, server) {
                let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
                // Whoever breaks it off, both ends are closed.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
        let mut response = Response::from_parts(parts, Body::empty());
        *response.version_mut() = Version::HTTP_11;
        return response;
    }
    strip(&mut parts.headers);
    parts.version = Version::HTTP_11;
    Response::from_parts(parts, Body::Passed(body))
}

fn patched(response: Response<Body>, patch: &Patch, method: &Method) -> Response<Body> {
    let (mut parts, mut body) = response.into_parts();
    if let Some(status) = patch.status {
        parts.status = StatusCode::from_u16(status).unwrap_or(parts.status);
    }
    let bare = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    let has_body = method != Method::HEAD && !bare.contains(&parts.status);
    patch.headers(&mut parts.headers);
    if patch.has_body() && has_body {
        body = change(&mut parts.headers, body, patch);
    }
    Response::from_parts(parts, body)
}

fn change(headers: &mut HeaderMap, body: Body, patch: &Patch) -> Body {
    headers.remove(CONTENT_LENGTH);
    match &patch.body {
        Some(text) => {
            headers.remove(http::header::CONTENT_ENCODING);
            Body::text(text.clone())
        }
        None => body.replaced(&patch.replace),
    }
}

/// The client's side of an upgrade it asks for, and the headers it needs put in order.
fn take_upgrade(parts: &mut http::request::Parts) -> Option<OnUpgrade> {
    let wanted = parts.headers.get(UPGRADE).cloned();
    let names = parts.headers.get_all(CONNECTION).iter();
    let asked = names
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    strip(&mut parts.headers);
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    let wanted = wanted.filter(|_| asked)?;
    // HTTP/2 by upgrade is asked of the proxy, which need not agree.
    if wanted.as_bytes().eq_ignore_ascii_case(b"h2c") {
        return None;
    }
    parts.headers.insert(UPGRADE, wanted);
    let upgrade = HeaderValue::from_static("upgrade");
    parts.headers.insert(CONNECTION, upgrade);
    on_upgrade
}

/// Removes what is between two neighbours only (RFC 9110, 7.6.1).
fn strip(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    let trailers = headers.get(TE).is_some_and(|te| te == "trailers");
    for name in listed {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// A request as HTTP/1.1 writes it: a path, and the host as a header.
pub fn for_http1(request: &mut Request<Body>, origin: &Origin) {
    *request.version_mut() = Version::HTTP_11;
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    if !request.headers().contains_key(HOST)
        && let Ok(host) = HeaderValue::from_str(&origin.authority)
    {
        request.headers_mut().insert(HOST, host);
    }
}

/// A request as HTTP/2 writes it: a whole URL, and nothing about the connection.
pub fn for_http2(request: &mut Request<Body>, origin: &Origin) {
    *request.version_mut() = Version::HTTP_2;
    let host = request.headers_mut().remove(HOST);
    let host = host.as_ref().and_then(|host| host.to_str().ok());
    let host = host.unwrap_or(&origin.authority);
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if origin.scheme() == "https" {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    });
    parts.authority = host.parse().ok();
    let path = request.uri().path_and_query().cloned();
    parts.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    for name in [CONNECTION, UPGRADE, TRAILER] {
        request.headers_mut().remove(name);
    }
}
