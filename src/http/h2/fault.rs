//! What an HTTP/2 error means: GOAWAY, a reset stream, or a broken connection.

use std::error::Error;

use crate::http::codes;
use crate::http::failure::Failure;

/// The highest error code of RFC 9113, `HTTP_1_1_REQUIRED`.
const LAST_REASON: u32 = 13;

pub(super) fn classify(error: &hyper::Error) -> Failure {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = source {
        if let Some(error) = current.downcast_ref::<h2::Error>() {
            return of_protocol(error);
        }
        if let Some(error) = current.downcast_ref::<std::io::Error>() {
            return Failure::io(error, "HTTP/2 connection");
        }
        source = current.source();
    }
    Failure::new(codes::H2, format!("HTTP/2: {error}"))
}

fn of_protocol(error: &h2::Error) -> Failure {
    if let Some(error) = error.get_io() {
        return Failure::io(error, "HTTP/2 connection");
    }
    let (base, what) = if error.is_go_away() && error.is_remote() {
        (codes::H2_GOAWAY, "server gave up the connection")
    } else if error.is_reset() {
        (codes::H2_STREAM, "stream was reset")
    } else {
        (codes::H2_CONNECTION, "connection broke")
    };
    let reason = error.reason();
    let code = match reason.map(u32::from) {
        Some(reason) if reason <= LAST_REASON => {
            base + 1 + u16::try_from(reason).unwrap_or_default()
        }
        _ => base,
    };
    let why = reason.map_or_else(
        || error.to_string(),
        |reason| reason.description().to_owned(),
    );
    Failure::new(code, format!("HTTP/2 {what}: {why}"))
}
