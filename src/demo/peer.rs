//! The shop's pooled connections to its cache or its store.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::line::{Reply, read_line};

/// Connections to one peer; further requests queue.
const MAX_CONNECTIONS: usize = 64;
/// Requests that may queue for a connection; further ones are refused at once.
const MAX_WAITING: usize = 4096;

/// Why a peer gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error("no answer in time")]
    Timeout,
    #[error("too many requests are waiting")]
    Busy,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("an answer outside the protocol")]
    Protocol,
}

/// A server behind the shop. Lost connections are replaced at the next use.
#[derive(Debug)]
pub(super) struct Peer {
    address: Mutex<SocketAddr>,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    waiting: AtomicUsize,
    timeout: Duration,
}

#[derive(Debug)]
struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: BytesMut,
}

impl Peer {
    pub(super) fn new(address: SocketAddr, timeout: Duration) -> Self {
        Self {
            address: Mutex::new(address),
            idle: Mutex::default(),
            permits: Semaphore::new(MAX_CONNECTIONS),
            waiting: AtomicUsize::new(0),
            timeout,
        }
    }

    /// Dials elsewhere from now on.
    pub(super) fn dial(&self, address: SocketAddr) {
        *lock(&self.address) = address;
        lock(&self.idle).clear();
    }

    /// Requests that wait for a connection at this moment.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, PeerError> {
        match self.call(format!("GET {key}\n").as_bytes()).await? {
            Reply::Value(text) => Ok(Some(text)),
            Reply::Nothing => Ok(None),
            _ => Err(PeerError::Protocol),
        }
    }

    pub(super) async fn set(&self, key: &str, text: &[u8]) -> Result<(), PeerError> {
        let request = [b"SET ", key.as_bytes(), b" ", text, b"\n"].concat();
        match self.call(&request).await? {
            Reply::Done => Ok(()),
            _ => Err(PeerError::Protocol),
        }
    }

    pub(super) async fn ping(&self) -> Result<(), PeerError> {
        match self.call(b"PING\n").await? {
            Reply::Pong => Ok(()),
            _ => Err(PeerError::Protocol),
        }
    }

    /// One exchange; queueing and connecting count towards the time limit.
    async fn call(&self, request: &[u8]) -> Result<Reply, PeerError> {
        let exchange = async {
            let _permit = self.permit().await?;
            self.exchange(request).await
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| PeerError::Timeout)?
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, PeerError> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let queue = Queued(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(PeerError::Busy);
        }
        let permit = self.permits.acquire().await;
        drop(queue);
        permit.map_err(|_| PeerError::Busy)
    }

    async fn exchange(&self, request: &[u8]) -> Result<Reply, PeerError> {
        let pooled = lock(&self.idle).pop();
        if let Some(mut connection) = pooled {
            if let Ok(line) = connection.ask(request).await {
                return self.finish(connection, line);
            }
            // It died in the pool, and so, most likely, did the others. Every command here may be
            // repeated: reads, and writes of a whole row.
            lock(&self.idle).clear();
        }
        let address = *lock(&self.address);
        let mut connection = Connection::open(address).await?;
        let line = connection.ask(request).await?;
        self.finish(connection, line)
    }

    fn finish(&self, connection: Connection, line: Bytes) -> Result<Reply, PeerError> {
        let reply = Reply::parse(line).ok_or(PeerError::Protocol)?;
        // Bytes nobody asked for would be taken for the answer to the next request.
        if connection.buffer.is_empty() && connection.address == *lock(&self.address) {
            lock(&self.idle).push(connection);
        }
        Ok(reply)
    }
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address,
            stream,
            buffer: BytesMut::with_capacity(1024),
        })
    }

    async fn ask(&mut self, request: &[u8]) -> io::Result<Bytes> {
        self.stream.write_all(request).await?;
        read_line(&mut self.stream, &mut self.buffer)
            .await?
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Leaves the queue when dropped, also when the request is given up while it waits.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
