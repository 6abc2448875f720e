//! `abort`: the proxy answers instead of the upstream.

use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

/// Answers a request itself; the upstream does not see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abort {
    /// The status of the answer, 200 to 599.
    pub status: u16,
    /// Its headers. Without a `content-type` it is `text/plain`.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Abort {
    pub(in crate::fault::http_proxy) fn validate(&self) -> Result<(), (&'static str, String)> {
        status(self.status)?;
        self.headers
            .iter()
            .try_for_each(|(name, value)| header("response_headers", name, value).map(drop))
    }
}

/// A status that ends a request.
pub(super) fn status(code: u16) -> Result<StatusCode, (&'static str, String)> {
    StatusCode::from_u16(code)
        .ok()
        .filter(|_| (200..600).contains(&code))
        .ok_or_else(|| ("status", format!("{code} is no status from 200 to 599")))
}

/// A header that can be sent; its length is the proxy's own business.
pub(super) fn header(
    option: &'static str,
    name: &str,
    value: &str,
) -> Result<(HeaderName, HeaderValue), (&'static str, String)> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let name = parsed.map_err(|_| (option, format!("{name:?} is no header name")))?;
    if [
        http::header::CONTENT_LENGTH,
        http::header::TRANSFER_ENCODING,
    ]
    .contains(&name)
    {
        let text = format!("{name} follows from the body; leave it out");
        return Err((option, text));
    }
    let value = HeaderValue::from_str(value);
    let value = value.map_err(|_| {
        (
            option,
            format!("the value of {name} has control characters"),
        )
    })?;
    Ok((name, value))
}
