//! Pages for trying an HTTP client without the internet: statuses, cookies, redirects, bodies.

use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION,
    SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::reply::{Payload, Reply, bad_request, json, problem};

/// The longest that `GET /slow` waits, in milliseconds.
const MAX_SLOW: u64 = 60_000;
/// The most redirects of `GET /redirect/:n`.
const MAX_REDIRECTS: u32 = 100;
/// The largest body of `GET /bytes/:n`.
const MAX_BYTES: u64 = 1 << 30;

pub(super) async fn slow(query: &str) -> Reply {
    let millis = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "ms")
        .and_then(|(_, value)| value.parse::<u64>().ok())
        .filter(|millis| *millis <= MAX_SLOW);
    let Some(millis) = millis else {
        return bad_request("ms: write a number from 0 to 60000, as in /slow?ms=100");
    };
    tokio::time::sleep(Duration::from_millis(millis)).await;
    json(StatusCode::OK, format!("{{\"slept_ms\":{millis}}}"))
}

pub(super) fn status(code: &str) -> Reply {
    match code.parse::<u16>().map(StatusCode::from_u16) {
        Ok(Ok(status)) if (200..600).contains(&status.as_u16()) => {
            json(status, format!("{{\"status\":{}}}", status.as_u16()))
        }
        _ => bad_request("code: write a status from 200 to 599"),
    }
}

pub(super) fn echo(headers: &HeaderMap, body: Bytes) -> Reply {
    let mut response = Response::new(Payload::Held(body));
    let kind = headers
        .get(CONTENT_TYPE)
        .cloned()
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

pub(super) fn headers(headers: &HeaderMap) -> Reply {
    let mut shown = Map::new();
    for name in headers.keys() {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        shown.insert(name.to_string(), Value::String(values.join(", ")));
    }
    let body = serde_json::json!({ "headers": shown });
    json(StatusCode::OK, body.to_string())
}

pub(super) fn cookies(headers: &HeaderMap) -> Reply {
    let mut shown = Map::new();
    for value in headers.get_all(COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for (name, text) in value.split(';').filter_map(|pair| pair.split_once('=')) {
            shown.insert(name.trim().to_owned(), text.trim().into());
        }
    }
    let body = serde_json::json!({ "cookies": shown });
    json(StatusCode::OK, body.to_string())
}

pub(super) fn set_cookies(query: &str) -> Reply {
    let mut response = moved("/cookies".to_owned());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let plain = |c: char| c.is_ascii_graphic() && !";,=\"\\".contains(c);
        if name.is_empty() || !name.chars().all(plain) || !value.chars().all(plain) {
            return bad_request("cookies: write /cookies/set?name=value in plain characters");
        }
        if let Ok(cookie) = HeaderValue::try_from(format!("{name}={value}; Path=/")) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

pub(super) fn redirect(count: &str) -> Reply {
    match count.parse::<u32>() {
        Ok(0 | 1) => moved("/".to_owned()),
        Ok(count) if count <= MAX_REDIRECTS => moved(format!("/redirect/{}", count - 1)),
        _ => bad_request("n: write a number from 0 to 100"),
    }
}

fn moved(to: String) -> Reply {
    let mut response = Response::new(Payload::Held(Bytes::new()));
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

pub(super) fn bytes(count: &str) -> Reply {
    let Some(count) = count.parse().ok().filter(|count| *count <= MAX_BYTES) else {
        return bad_request("n: write a number of bytes up to 1073741824");
    };
    let mut response = Response::new(Payload::Letters(count));
    let kind = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The body of `GET /gzip`, compressed once at the start.
pub(super) fn compress() -> std::io::Result<Bytes> {
    let text = serde_json::json!({ "gzipped": true, "text": "rchaos ".repeat(200) }).to_string();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?.into())
}

pub(super) fn gzip(compressed: Bytes) -> Reply {
    let mut response = json(StatusCode::OK, compressed);
    let coding = HeaderValue::from_static("gzip");
    response.headers_mut().insert(CONTENT_ENCODING, coding);
    response
}

pub(super) fn basic_auth(headers: &HeaderMap, user: &str, password: &str) -> Reply {
    let expected = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, credentials)| credentials.trim());
    if given == Some(&expected) {
        let body = serde_json::json!({ "authenticated": true, "user": user });
        return json(StatusCode::OK, body.to_string());
    }
    let mut response = problem(StatusCode::UNAUTHORIZED, "wrong or missing credentials");
    let challenge = HeaderValue::from_static("Basic realm=\"demo shop\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}
