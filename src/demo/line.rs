//! The line protocol of the cache and the store: one command a line, one line in reply.
//!
//! ```text
//! PING              PONG
//! GET key           VALUE text   or NONE
//! SET key text      OK
//! DEL key           OK           or NONE
//! anything else     ERROR reason
//! ```
//!
//! A key has no blanks, a text no line break. Commands may be pipelined.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The longest line either side accepts, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// What a client may ask.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    Ping,
    Get(&'a str),
    Set(&'a str, &'a str),
    Del(&'a str),
}

impl<'a> Command<'a> {
    /// Reads a line without its line break; the error is the reason to send back.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8")?;
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let key = || match rest {
            "" => Err("a key is missing"),
            key if key.contains(' ') => Err("a key has no blanks"),
            key => Ok(key),
        };
        match verb {
            "PING" => Ok(Self::Ping),
            "GET" => key().map(Self::Get),
            "DEL" => key().map(Self::Del),
            "SET" => match rest.split_once(' ') {
                Some((key, text)) if !key.is_empty() => Ok(Self::Set(key, text)),
                _ => Err("write SET key text"),
            },
            _ => Err("the commands are PING, GET, SET and DEL"),
        }
    }
}

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Pong,
    Value(Bytes),
    Nothing,
    Done,
    Refused,
}

impl Reply {
    /// Reads a line without its line break; `None` for anything outside the protocol.
    pub(super) fn parse(line: Bytes) -> Option<Self> {
        match &line[..] {
            b"PONG" => Some(Self::Pong),
            b"NONE" => Some(Self::Nothing),
            b"OK" => Some(Self::Done),
            other if other.starts_with(b"VALUE ") => Some(Self::Value(line.slice(6..))),
            other if other.starts_with(b"ERROR") => Some(Self::Refused),
            _ => None,
        }
    }
}

/// The next line without its line break; `None` at the end of the stream.
///
/// # Errors
///
/// Those of the socket, a line above the limit, and a stream that ends within a line.
pub(super) async fn read_line(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> io::Result<Option<Bytes>> {
    let mut searched = 0;
    loop {
        if let Some(found) = buffer[searched..].iter().position(|byte| *byte == b'\n') {
            let mut line = buffer.split_to(searched + found);
            buffer.advance(1);
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
            }
            return Ok(Some(line.freeze()));
        }
        searched = buffer.len();
        if searched > MAX_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "line too long"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return match searched {
                0 => Ok(None),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_the_rest_is_refused() {
        assert_eq!(Command::parse(b"PING"), Ok(Command::Ping));
        assert_eq!(Command::parse(b"GET a"), Ok(Command::Get("a")));
        assert_eq!(Command::parse(b"SET a b c"), Ok(Command::Set("a", "b c")));
        assert_eq!(Command::parse(b"DEL a"), Ok(Command::Del("a")));
        for bad in [
            &b""[..],
            b"GET",
            b"GET a b",
            b"SET a",
            b"SET  b",
            b"NOPE x",
            b"\xff",
        ] {
            assert!(Command::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn replies_are_read_and_the_rest_is_refused() {
        let parse = |text: &'static str| Reply::parse(Bytes::from_static(text.as_bytes()));
        assert_eq!(parse("VALUE a b"), Some(Reply::Value("a b".into())));
        assert_eq!(parse("NONE"), Some(Reply::Nothing));
        assert_eq!(parse("ERROR because"), Some(Reply::Refused));
        assert_eq!(parse("HTTP/1.1 200 OK"), None);
    }
}
