//! What came of a request: every exchange with its timings, and the response.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::Method;
use url::Url;

/// What came of a request; a failure is data here, not an error.
#[derive(Debug)]
pub struct Outcome {
    /// Every exchange with a server in order: redirects, an authentication challenge, the last
    /// one. Empty only if the request could not be sent at all (an invalid header, say).
    pub exchanges: Vec<Exchange>,
    /// The last response, or the failure.
    pub response: Response,
}

/// One request to a server and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method of this hop.
    pub method: Method,
    /// The address of this hop.
    pub url: Rc<Url>,
    /// The status, 0 on failure.
    pub status: u16,
    /// 0, or one of [`super::codes`].
    pub error_code: u16,
    /// When it began; it ended [`Timings::total`] later.
    pub started: Instant,
    /// Where its time went.
    pub timings: Timings,
    /// Bytes of HTTP written (inside TLS): head and body.
    pub sent_bytes: u64,
    /// Bytes of HTTP read (inside TLS): head and body as they were sent.
    pub received_bytes: u64,
    /// `"HTTP/1.1"`, `"HTTP/1.0"`, `"HTTP/2.0"`; empty if there was no response.
    pub version: &'static str,
    /// The address that answered; `None` if no connection was made.
    pub remote_address: Option<SocketAddr>,
    /// Whether the connection had been used before.
    pub reused: bool,
    /// How many kept connections were found closed before this exchange.
    pub reconnects: u32,
}

/// The last response of a request.
#[derive(Debug)]
pub struct Response {
    /// The status, 0 on failure.
    pub status: u16,
    /// The headers, names in lower case; empty on failure.
    pub headers: Headers,
    /// The body, decompressed; empty if it was discarded and on failure.
    pub body: Vec<u8>,
    /// What went wrong; `None` for every response, also one with status 500.
    pub error: Option<String>,
    /// 0, or one of [`super::codes`].
    pub error_code: u16,
    /// The address after redirects.
    pub url: Rc<Url>,
    /// As in [`Exchange::version`].
    pub version: &'static str,
    /// The address that answered; `None` if no connection was made.
    pub remote_address: Option<SocketAddr>,
    /// Where the time of the last exchange went.
    pub timings: Timings,
}

/// Where the time of an exchange went. A failed exchange has the time until it failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Waiting for another request of this client to open a shared connection; else near zero.
    pub blocked: Duration,
    /// Name resolution; zero on a kept connection, and near it for addresses.
    pub dns: Duration,
    /// TCP, and the proxy's tunnel; zero on a kept connection.
    pub connecting: Duration,
    /// The TLS handshake; zero on a kept connection.
    pub tls: Duration,
    /// Writing the request.
    pub sending: Duration,
    /// From the last byte written to the first byte read.
    pub waiting: Duration,
    /// From the first byte read to the last.
    pub receiving: Duration,
}

impl Timings {
    /// Sending, waiting and receiving, as k6 defines a request's duration.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.sending + self.waiting + self.receiving
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.blocked + self.dns + self.connecting + self.tls + self.duration()
    }
}

/// Headers of a response in the order they came, names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    // One allocation for all text instead of two for each header.
    text: Vec<u8>,
    // Where each name and each value ends.
    ends: Vec<(u32, u32)>,
}

impl Headers {
    pub(super) fn with_capacity(headers: usize, bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(headers),
        }
    }

    /// Adds a header; the name is made lower case. Total text is bounded by the head's limit.
    pub(super) fn push(&mut self, name: &str, value: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        self.text[start..].make_ascii_lowercase();
        let name_end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.extend_from_slice(value);
        let value_end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.ends.push((name_end, value_end));
    }

    /// All of it as bytes, quickly; [`Headers::unpacked`] reads them.
    pub fn pack(&self, into: &mut Vec<u8>) {
        into.reserve(self.ends.len() * 8 + self.text.len() + 4);
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        into.extend_from_slice(&count.to_le_bytes());
        for (name, value) in &self.ends {
            let both = u64::from(*name) | u64::from(*value) << 32;
            into.extend_from_slice(&both.to_le_bytes());
        }
        into.extend_from_slice(&self.text);
    }

    /// Name and value of each header in bytes that [`Headers::pack`] made; of other bytes, as
    /// much as there is sense in them.
    pub fn unpacked(packed: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
        let (count, rest) = packed.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let length = (u32::from_le_bytes(*count) as usize).saturating_mul(8);
        let (ends, text) = rest.split_at_checked(length).unwrap_or_default();
        let mut start = 0;
        let (ends, _) = ends.as_chunks();
        ends.iter().map_while(move |both| {
            let both = u64::from_le_bytes(*both);
            let (name_end, value_end) = ((both & 0xffff_ffff) as usize, (both >> 32) as usize);
            let name = std::str::from_utf8(text.get(start..name_end)?).ok()?;
            let value = text.get(name_end..value_end)?;
            start = value_end;
            Some((name, value))
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Name and value of each header.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        // Names are tokens, so always ASCII.
        self.raw()
            .map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// The value of the first header with this name (lower case).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.raw();
        all.find(|(candidate, _)| *candidate == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The values of all headers with this name (lower case).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.raw()
            .filter(move |(candidate, _)| *candidate == name.as_bytes())
            .map(|(_, value)| value)
    }

    fn raw(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |&(name_end, value_end)| {
            let name = &self.text[start..name_end as usize];
            start = value_end as usize;
            (name, &self.text[name_end as usize..value_end as usize])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_order_and_lose_case() {
        let mut headers = Headers::default();
        headers.push("Set-Cookie", b"a=1");
        headers.push("X-Empty", b"");
        headers.push("SET-COOKIE", b"b=2");
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all[0], ("set-cookie", &b"a=1"[..]));
        assert_eq!(all[1], ("x-empty", &b""[..]));
        assert_eq!(headers.all("set-cookie").count(), 2);
        assert_eq!(headers.get("set-cookie"), Some(&b"a=1"[..]));
        assert_eq!(headers.get("nothing"), None);
        assert_eq!((headers.len(), headers.is_empty()), (3, false));
        let mut packed = Vec::new();
        headers.pack(&mut packed);
        assert_eq!(Headers::unpacked(&packed).collect::<Vec<_>>(), all);
        for end in 0..packed.len() {
            assert!(Headers::unpacked(&packed[..end]).count() <= 3);
        }
        assert_eq!(Headers::unpacked(&[0xff; 80]).count(), 0);
    }

    #[test]
    fn duration_leaves_out_connecting() {
        let ms = Duration::from_millis;
        let timings = Timings {
            dns: ms(1),
            connecting: ms(2),
            tls: ms(4),
            sending: ms(8),
            waiting: ms(16),
            receiving: ms(32),
            blocked: ms(64),
        };
        assert_eq!(timings.duration(), ms(56));
        assert_eq!(timings.total(), ms(127));
    }
}
