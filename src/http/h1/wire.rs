//! Bytes to and from one connection: writes what is left of the request whenever it reads.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use crate::http::failure::Failure;
use crate::http::link::Link;
use crate::http::shared::Shared;
use crate::http::trace::{Phase, Trace};

/// What is still to be written.
pub(super) struct Outgoing {
    /// The head, and a small body with it.
    pub head: Vec<u8>,
    /// A body too large to be copied behind the head.
    pub body: Bytes,
    written: usize,
    flushed: bool,
    error: Option<io::Error>,
}

impl Outgoing {
    fn is_done(&self) -> bool {
        self.flushed || self.error.is_some()
    }
}

/// A connection during an exchange, with the buffers it needs only now.
pub(super) struct Wire<'a> {
    pub link: Link,
    pub out: Outgoing,
    shared: &'a Shared,
    trace: &'a Trace,
    buffer: Vec<u8>,
    start: usize,
}

impl<'a> Wire<'a> {
    pub fn new(shared: &'a Shared, link: Link, trace: &'a Trace) -> Self {
        let out = Outgoing {
            head: shared.take_buffer(),
            body: Bytes::new(),
            written: 0,
            flushed: false,
            error: None,
        };
        Self {
            link,
            out,
            shared,
            trace,
            buffer: Vec::new(),
            start: 0,
        }
    }

    /// What was read and not yet consumed.
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub fn consume(&mut self, count: usize) {
        self.start += count;
    }

    pub fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// Whether both sides have said everything and nothing more.
    pub fn is_clean(&self) -> bool {
        self.out.flushed && self.out.error.is_none() && self.unread().is_empty()
    }

    pub fn into_link(mut self, reusable: bool) -> Option<Link> {
        self.shared.give_back(std::mem::take(&mut self.buffer));
        reusable.then_some(self.link)
    }

    /// Reads more behind what is unread; 0 is the end of the stream.
    pub async fn fill(&mut self) -> Result<usize, Failure> {
        let read = std::future::poll_fn(|cx| self.poll_fill(cx)).await;
        self.arrived(read)
    }

    /// Reads straight into a body, at most `limit` bytes; only when nothing is unread.
    pub async fn read_into(&mut self, body: &mut Vec<u8>, limit: usize) -> Result<usize, Failure> {
        let read = std::future::poll_fn(|cx| {
            self.poll_write(cx);
            let mut target = (&mut *body).limit(limit);
            pin!(self.link.stream.read_buf(&mut target)).poll(cx)
        })
        .await;
        self.arrived(read)
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_write(cx);
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > 0 && self.buffer.len() == self.buffer.capacity() {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        // A buffer is borrowed only once there is something to put into it.
        if self.buffer.capacity() == 0 {
            self.buffer = self.shared.take_buffer();
        }
        let read = pin!(self.link.stream.read_buf(&mut self.buffer)).poll(cx);
        if read.is_pending() && self.buffer.is_empty() {
            self.shared.give_back(std::mem::take(&mut self.buffer));
        }
        read
    }

    fn arrived(&mut self, read: io::Result<usize>) -> Result<usize, Failure> {
        let nothing_yet = !self.trace.has_received();
        match read {
            Ok(0) => match self.out.error.take() {
                Some(error) if nothing_yet => Err(Failure::io(&error, "writing the request")),
                _ => Ok(0),
            },
            Ok(count) => {
                if self.trace.phase() != Phase::Receiving {
                    self.trace.enter(Phase::Receiving);
                }
                self.trace.received(count);
                Ok(count)
            }
            Err(error) => match self.out.error.take() {
                Some(first) if nothing_yet => Err(Failure::io(&first, "writing the request")),
                _ if truncated(&error) && nothing_yet => Ok(0),
                _ if truncated(&error) => Err(Failure::closed_mid_response()),
                _ => Err(Failure::io(&error, "reading the response")),
            },
        }
    }

    /// Writes what can be written now. An error is kept: the server may have answered before it
    /// stopped listening, and that answer is worth more than the error.
    fn poll_write(&mut self, cx: &mut Context<'_>) {
        if self.out.is_done() {
            return;
        }
        match self.poll_write_all(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => self.out.flushed = true,
            Poll::Ready(Err(error)) => self.out.error = Some(error),
        }
        self.shared.give_back(std::mem::take(&mut self.out.head));
        self.out.body = Bytes::new();
        if self.trace.phase() == Phase::Sending {
            self.trace.enter(Phase::Waiting);
        }
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let out = &mut self.out;
        let mut stream = Pin::new(&mut self.link.stream);
        let all = out.head.len() + out.body.len();
        while out.written < all {
            let head = out.head.get(out.written..).unwrap_or_default();
            let body = &out.body[out.written.saturating_sub(out.head.len())..];
            let count = if body.is_empty() {
                ready!(stream.as_mut().poll_write(cx, head))?
            } else {
                let slices = [IoSlice::new(head), IoSlice::new(body)];
                ready!(stream.as_mut().poll_write_vectored(cx, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            out.written += count;
            self.trace.sent(count);
        }
        stream.poll_flush(cx)
    }
}

/// TLS without a proper end: the server went away.
fn truncated(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}
