//! The head of a response: status, headers, and how its body ends.

use std::mem::MaybeUninit;

use http::Method;
use httparse::{ParserConfig, Status};

use super::wire::Wire;
use crate::http::codes;
use crate::http::failure::Failure;
use crate::http::outcome::Headers;

/// How large a head may be, and how many headers it may have.
pub(super) const MAX_HEAD: usize = 256 * 1024;
const MAX_HEADERS: usize = 256;
/// How many interim responses (1xx) may come before the final one.
const MAX_INTERIM: usize = 64;

/// How the end of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
    Close,
}

#[derive(Debug)]
pub(super) struct Head {
    pub status: u16,
    pub headers: Headers,
    pub framing: Framing,
    pub keep_alive: bool,
}

/// Reads the final head, past interim ones.
pub(super) async fn head(wire: &mut Wire<'_>, method: &Method) -> Result<Head, Failure> {
    for _ in 0..MAX_INTERIM {
        let head = one(wire, method).await?;
        match head.status {
            101 => {
                return Err(Failure::malformed(
                    "server switched protocols (101), which was not asked for",
                ));
            }
            100..=199 => {}
            _ => return Ok(head),
        }
    }
    Err(Failure::malformed(
        "server sends interim responses (1xx) without end",
    ))
}

async fn one(wire: &mut Wire<'_>, method: &Method) -> Result<Head, Failure> {
    // How much has been searched for the head's end: a head in many pieces is parsed only once
    // more when it is complete, so that many small pieces cost linear time.
    let mut searched = 0usize;
    loop {
        let unread = wire.unread();
        if !unread.is_empty() && (searched == 0 || ends(&unread[searched.saturating_sub(3)..])) {
            if let Some((head, version, length)) = parse(unread, method)? {
                wire.trace().version(version);
                wire.consume(length);
                return Ok(head);
            }
            if unread.len() > MAX_HEAD {
                return Err(too_large());
            }
        }
        searched = unread.len();
        if searched > MAX_HEAD {
            return Err(too_large());
        }
        if wire.fill().await? == 0 {
            return Err(if wire.trace().has_received() {
                Failure::closed_mid_response()
            } else {
                Failure::new(
                    codes::CLOSED,
                    "server closed the connection without a response",
                )
            });
        }
    }
}

fn ends(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

fn too_large() -> Failure {
    Failure::new(
        codes::HEAD_TOO_LARGE,
        "head of the response is larger than 256 KiB",
    )
}

/// A complete head with its version and its length in bytes; `None` if more is needed.
fn parse(bytes: &[u8], method: &Method) -> Result<Option<(Head, &'static str, usize)>, Failure> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    );
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Failure::new(
                codes::HEAD_TOO_LARGE,
                "response has more than 256 headers",
            ));
        }
        Err(error) => return Err(Failure::malformed(format!("response is not HTTP: {error}"))),
    };
    let status = response.code.unwrap_or_default();
    if !(100..=999).contains(&status) {
        return Err(Failure::malformed(format!("response has status {status}")));
    }
    let modern = response.version == Some(1);
    let mut facts = Facts::default();
    let mut kept = Headers::with_capacity(response.headers.len(), length);
    for header in response.headers.iter() {
        facts.note(header.name, header.value)?;
        kept.push(header.name, header.value);
    }
    let framing = facts.framing(status, method)?;
    let head = Head {
        status,
        headers: kept,
        framing,
        keep_alive: facts.keep_alive(modern, framing),
    };
    let version = if modern { "HTTP/1.1" } else { "HTTP/1.0" };
    Ok(Some((head, version, length)))
}

/// What the headers say about framing and the connection.
#[derive(Default)]
struct Facts {
    length: Option<u64>,
    encoded: bool,
    chunked: bool,
    close: bool,
    stay: bool,
}

impl Facts {
    fn note(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => self.note_length(value),
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                for coding in tokens(value) {
                    if self.chunked || !coding.eq_ignore_ascii_case(b"chunked") {
                        return Err(Failure::malformed(
                            "response has a transfer-encoding other than \"chunked\"",
                        ));
                    }
                    self.chunked = true;
                }
                self.encoded = true;
                Ok(())
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                for token in tokens(value) {
                    self.close |= token.eq_ignore_ascii_case(b"close");
                    self.stay |= token.eq_ignore_ascii_case(b"keep-alive");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The same length twice is harmless, two lengths are an attack or a bug.
    fn note_length(&mut self, value: &[u8]) -> Result<(), Failure> {
        for part in value.split(|&byte| byte == b',') {
            let part = part.trim_ascii();
            let length = std::str::from_utf8(part)
                .ok()
                .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Failure::malformed("response has an invalid content-length"))?;
            if self.length.is_some_and(|other| other != length) {
                return Err(Failure::malformed(
                    "response has two different content-lengths",
                ));
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn framing(&self, status: u16, method: &Method) -> Result<Framing, Failure> {
        Ok(
            if method == Method::HEAD || status < 200 || status == 204 || status == 304 {
                Framing::None
            } else if self.encoded {
                if !self.chunked {
                    return Err(Failure::malformed(
                        "response has an empty transfer-encoding",
                    ));
                }
                Framing::Chunked
            } else {
                self.length.map_or(Framing::Close, Framing::Length)
            },
        )
    }

    fn keep_alive(&self, modern: bool, framing: Framing) -> bool {
        // Both a length and chunks: who is right about where it ends? Nobody gets another one.
        let ambiguous = self.encoded && (self.length.is_some() || !modern);
        !self.close && (modern || self.stay) && framing != Framing::Close && !ambiguous
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(headers: &str) -> Result<(Framing, bool), Failure> {
        let text = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        let (head, _, length) = parse(text.as_bytes(), &Method::GET)?.unwrap();
        assert_eq!(length, text.len());
        Ok((head.framing, head.keep_alive))
    }

    #[test]
    fn framing_follows_the_headers() {
        assert_eq!(
            framing("Content-Length: 5\r\n"),
            Ok((Framing::Length(5), true))
        );
        assert_eq!(
            framing("Content-Length: 5, 5\r\n"),
            Ok((Framing::Length(5), true))
        );
        assert_eq!(
            framing("Transfer-Encoding: Chunked\r\n"),
            Ok((Framing::Chunked, true))
        );
        assert_eq!(framing(""), Ok((Framing::Close, false)));
        let close = framing("Content-Length: 5\r\nConnection: x, Close\r\n");
        assert_eq!(close, Ok((Framing::Length(5), false)));
        let both = framing("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
        assert_eq!(both, Ok((Framing::Chunked, false)));
    }

    #[test]
    fn lies_about_length_are_refused() {
        for headers in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: \r\n",
            "Content-Length: 99999999999999999999999\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: \r\n",
        ] {
            assert_eq!(
                framing(headers).unwrap_err().code,
                codes::MALFORMED,
                "{headers}"
            );
        }
    }

    #[test]
    fn old_http_closes_unless_it_says_otherwise() {
        let parse = |text: &str| parse(text.as_bytes(), &Method::GET).unwrap().unwrap();
        let (head, version, _) = parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_eq!((head.keep_alive, version), (false, "HTTP/1.0"));
        let (head, ..) =
            parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
        assert!(head.keep_alive);
    }

    #[test]
    fn some_responses_never_have_a_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let (head, ..) = parse(text, &Method::HEAD).unwrap().unwrap();
        assert_eq!((head.framing, head.keep_alive), (Framing::None, true));
        for status in [204, 304] {
            let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n");
            let (head, ..) = parse(text.as_bytes(), &Method::GET).unwrap().unwrap();
            assert_eq!(head.framing, Framing::None);
        }
    }
}
