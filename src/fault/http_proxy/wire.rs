//! A connection of whichever kind, with what was read of it too early put back.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// What an HTTP/2 client sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub struct Wire {
    stream: Box<dyn Stream>,
    /// Read already, and to be read again first.
    early: Bytes,
}

impl Wire {
    /// Wraps a stream.
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            early: Bytes::new(),
        }
    }

    /// Whether the peer begins as HTTP/2 does. Waits for its first bytes.
    pub async fn is_http2(&mut self) -> io::Result<bool> {
        let mut read = BytesMut::with_capacity(PREFACE.len());
        while read.len() < PREFACE.len() && PREFACE.starts_with(&read) {
            let room = PREFACE.len() - read.len();
            let mut piece = [0; PREFACE.len()];
            let count = self.stream.read(&mut piece[..room]).await?;
            if count == 0 {
                break;
            }
            read.extend_from_slice(&piece[..count]);
        }
        self.early = read.freeze();
        Ok(&self.early[..] == PREFACE)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut *self.stream).poll_read(cx, buffer);
        }
        let count = self.early.len().min(buffer.remaining());
        buffer.put_slice(&self.early[..count]);
        self.early.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}

/// A second hold on a client's socket, to make its end a reset.
pub struct Fuse(pub Option<OwnedFd>);

impl Fuse {
    /// Makes closing the connection reset it. A Unix socket knows no reset: its peer sees the end.
    pub fn blow(&self) {
        if let Some(socket) = &self.0 {
            // Fails only on a connection that is gone already.
            let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
        }
    }
}
