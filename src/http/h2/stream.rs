//! What hyper is given: a stream that counts, a body that tells when it is gone, local tasks.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::link::Stream;
use crate::http::trace::Trace;

/// hyper's tasks run where the client runs.
#[derive(Clone, Copy)]
pub(super) struct LocalTasks;

impl<F> hyper::rt::Executor<F> for LocalTasks
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

/// Bytes of a connection that no exchange has been charged with.
#[derive(Default)]
pub(super) struct Counters {
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Counters {
    /// Charges an exchange with everything since the last was charged: with several at once it
    /// is not known whose byte is whose, but the sum is exact.
    pub fn settle(&self, trace: &Trace) {
        trace.add_bytes(self.sent.take(), self.received.take());
    }
}

/// A stream that counts what goes through it.
pub(super) struct Counted {
    stream: Stream,
    counters: Rc<Counters>,
}

impl Counted {
    pub fn new(stream: Stream, counters: Rc<Counters>) -> Self {
        Self { stream, counters }
    }

    fn count_sent(&self, written: &io::Result<usize>) {
        if let Ok(count) = written {
            let sent = &self.counters.sent;
            sent.set(sent.get() + *count as u64);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let received = &self.counters.received;
        received.set(received.get() + (buffer.filled().len() - before) as u64);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.count_sent(&written);
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.count_sent(&written);
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A frame's worth, so that flow control is felt and the time of sending means something.
const PIECE: usize = 16 * 1024;

/// A request's body.
pub(super) struct Payload {
    rest: Bytes,
    written: Rc<Cell<Option<Instant>>>,
}

impl Payload {
    pub fn new(body: Bytes) -> Self {
        let written = body.is_empty().then(Instant::now);
        Self {
            rest: body,
            written: Rc::new(Cell::new(written)),
        }
    }

    /// Set when the last of the body has been handed over.
    pub fn written(&self) -> Rc<Cell<Option<Instant>>> {
        self.written.clone()
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let count = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(count);
        if self.rest.is_empty() {
            self.written.set(Some(Instant::now()));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
