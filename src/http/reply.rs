//! A complete response as it came from the wire, before redirects and decompression.

use super::outcome::Headers;

/// Status, headers and body of one exchange.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}
