//! The body of a response: by length, in chunks, or until the connection closes.

use httparse::Status;

use super::parse::{Framing, MAX_HEAD};
use super::wire::Wire;
use crate::http::failure::Failure;
use crate::http::request::Request;

/// How long the line before a chunk may be, extensions included.
const MAX_CHUNK_LINE: usize = 8 * 1024;
/// Memory is taken in steps of at most this, so that an announced length costs nothing by itself.
const STEP: usize = 1 << 20;
/// From here on, reading straight into the body is worth it.
const DIRECT: u64 = 2 * 1024;

/// Where a body goes, and how much of it may come.
struct Sink {
    body: Vec<u8>,
    kept: bool,
    total: u64,
    max: u64,
}

impl Sink {
    fn new(request: &Request) -> Self {
        Self {
            body: Vec::new(),
            kept: !request.discard_body,
            total: 0,
            max: if request.discard_body {
                u64::MAX
            } else {
                request.max_body
            },
        }
    }

    /// Announces `count` more bytes.
    fn expect(&mut self, count: u64) -> Result<(), Failure> {
        self.total = self.total.saturating_add(count);
        if self.total > self.max {
            return Err(Failure::too_large(self.max));
        }
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.kept {
            self.body.extend_from_slice(bytes);
        }
    }
}

pub(super) async fn read(
    wire: &mut Wire<'_>,
    framing: Framing,
    request: &Request,
) -> Result<Vec<u8>, Failure> {
    let mut sink = Sink::new(request);
    match framing {
        Framing::None => {}
        Framing::Length(length) => {
            sink.expect(length)?;
            exactly(wire, &mut sink, length).await?;
        }
        Framing::Chunked => chunks(wire, &mut sink).await?,
        Framing::Close => until_close(wire, &mut sink).await?,
    }
    Ok(sink.body)
}

async fn more(wire: &mut Wire<'_>) -> Result<(), Failure> {
    match wire.fill().await? {
        0 => Err(Failure::closed_mid_response()),
        _ => Ok(()),
    }
}

/// `count` bytes of body.
async fn exactly(wire: &mut Wire<'_>, sink: &mut Sink, mut count: u64) -> Result<(), Failure> {
    if sink.kept && sink.body.capacity() == 0 {
        sink.body.reserve_exact(at_most(count, STEP));
    }
    loop {
        let unread = wire.unread();
        let taken = at_most(count, unread.len());
        sink.push(&unread[..taken]);
        wire.consume(taken);
        count -= taken as u64;
        if count == 0 {
            return Ok(());
        }
        if sink.kept && count >= DIRECT {
            let step = at_most(count, STEP);
            sink.body.reserve(step);
            match wire.read_into(&mut sink.body, step).await? {
                0 => return Err(Failure::closed_mid_response()),
                read => count -= read as u64,
            }
            if count == 0 {
                return Ok(());
            }
        } else {
            more(wire).await?;
        }
    }
}

fn at_most(count: u64, limit: usize) -> usize {
    usize::try_from(count).unwrap_or(limit).min(limit)
}

async fn chunks(wire: &mut Wire<'_>, sink: &mut Sink) -> Result<(), Failure> {
    loop {
        let size = chunk_size(wire).await?;
        if size == 0 {
            return trailers(wire).await;
        }
        sink.expect(size)?;
        exactly(wire, sink, size).await?;
        while wire.unread().len() < 2 {
            more(wire).await?;
        }
        if !wire.unread().starts_with(b"\r\n") {
            return Err(Failure::malformed("chunk is longer than it says"));
        }
        wire.consume(2);
    }
}

async fn chunk_size(wire: &mut Wire<'_>) -> Result<u64, Failure> {
    loop {
        match httparse::parse_chunk_size(wire.unread()) {
            Ok(Status::Complete((length, size))) => {
                wire.consume(length);
                return Ok(size);
            }
            Ok(Status::Partial) if wire.unread().len() <= MAX_CHUNK_LINE => more(wire).await?,
            Ok(Status::Partial) => {
                return Err(Failure::malformed(
                    "line before a chunk is longer than 8 KiB",
                ));
            }
            Err(_) => return Err(Failure::malformed("chunk has an invalid size")),
        }
    }
}

/// Headers after the last chunk: read, since the next response begins behind them, and left out.
async fn trailers(wire: &mut Wire<'_>) -> Result<(), Failure> {
    let mut total = 0;
    let mut searched = 0;
    loop {
        let unread = wire.unread();
        let found = unread[searched..].iter().position(|&byte| byte == b'\n');
        let Some(end) = found.map(|at| searched + at) else {
            searched = unread.len();
            if total + searched > MAX_HEAD {
                return Err(Failure::malformed("trailers are larger than 256 KiB"));
            }
            more(wire).await?;
            continue;
        };
        let line = unread[..end].trim_ascii_end();
        let (last, valid) = (line.is_empty(), line.contains(&b':'));
        wire.consume(end + 1);
        total += end + 1;
        searched = 0;
        if last {
            return Ok(());
        }
        if !valid {
            return Err(Failure::malformed("trailer is not a header"));
        }
        if total > MAX_HEAD {
            return Err(Failure::malformed("trailers are larger than 256 KiB"));
        }
    }
}

async fn until_close(wire: &mut Wire<'_>, sink: &mut Sink) -> Result<(), Failure> {
    loop {
        let unread = wire.unread();
        sink.expect(unread.len() as u64)?;
        sink.push(unread);
        wire.consume(unread.len());
        if wire.fill().await? == 0 {
            return Ok(());
        }
    }
}
