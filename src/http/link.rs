//! One open connection, with or without TLS, and whether it is still good after idling.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::origin::Origin;

/// Bytes both ways.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// An HTTP/1.1 connection and what it leads to.
pub(super) struct Link {
    pub stream: Stream,
    pub origin: Rc<Origin>,
    pub remote: SocketAddr,
    /// When it was last put aside.
    pub idle_since: Instant,
}

/// Below this the driver's readiness, which costs no system call, is enough to trust.
const TRUSTED_IDLE: Duration = Duration::from_millis(1);

impl Link {
    /// Whether a request may be written. A server that has closed, or sent what nobody asked
    /// for, makes the connection useless; asking costs no byte on the wire.
    pub async fn is_good(&mut self, now: Instant) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let socket = self.stream.socket();
        let quiet = socket.poll_read_ready(&mut cx).is_pending();
        if quiet && now.saturating_duration_since(self.idle_since) < TRUSTED_IDLE {
            return true;
        }
        let mut byte = [0u8];
        match recv(socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Err(rustix::io::Errno::AGAIN) => true,
            Ok((_, 1)) => self.only_tickets().await,
            Ok(_) | Err(_) => false,
        }
    }

    /// After TLS's handshake a server may send session tickets, which are not data.
    async fn only_tickets(&mut self) -> bool {
        let Stream::Tls(stream) = &mut self.stream else {
            return false;
        };
        let mut cx = Context::from_waker(Waker::noop());
        // Twice, because the first time the driver may not know yet that there is something.
        for _ in 0..2 {
            let mut byte = [0u8];
            let mut buffer = ReadBuf::new(&mut byte);
            if Pin::new(&mut *stream)
                .poll_read(&mut cx, &mut buffer)
                .is_ready()
            {
                return false;
            }
            tokio::task::yield_now().await;
        }
        true
    }
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
