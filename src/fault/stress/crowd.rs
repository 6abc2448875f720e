//! A crowd of connections, held by one child: plain, over TLS, or never let past their first packet.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_error};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde::{Deserialize, Serialize};

use super::crew::Report;
use crate::base::tls::AnyCertificate;
use crate::fault::net::drop_all_received;

/// What a connection does once it is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// Nothing.
    #[default]
    Idle,
    /// It sends the beginning of a request, and a little more of it every five seconds.
    Slow,
    /// It never gets there: the server's answer to its first packet is not answered.
    HalfOpen,
}

impl Manner {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Slow => "with requests that never end",
            Self::HalfOpen => "half open",
        }
    }
}

/// What one child does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Crowd {
    pub(super) to: SocketAddr,
    pub(super) count: usize,
    pub(super) rate: Option<f64>,
    pub(super) manner: Manner,
    /// The name that TLS asks for; plain where left out.
    pub(super) tls: Option<String>,
}

/// The first piece of a request that never ends.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: stress\r\n";

/// What is added to it.
const MORE: &[u8] = b"x-more: 1\r\n";

/// How often it is added to, and whether those that the server has closed are opened again.
const AGAIN: Duration = Duration::from_secs(5);

/// How long connections are opened before the next look at those that are held.
const SLICE: Duration = Duration::from_millis(100);

/// How long a server may take for one connection: a full queue must not hold up those that are held.
const PATIENCE: Duration = Duration::from_secs(2);

/// One connection.
enum Held {
    Plain(OwnedFd),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Held {
    fn socket(&self) -> BorrowedFd<'_> {
        match self {
            Self::Plain(fd) => fd.as_fd(),
            Self::Tls(stream) => stream.sock.as_fd(),
        }
    }

    fn say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(fd) => {
                send(fd, bytes, SendFlags::NOSIGNAL)?;
                Ok(())
            }
            Self::Tls(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }

    /// Whether the server keeps it.
    fn lives(&self, manner: Manner) -> bool {
        if manner == Manner::HalfOpen {
            // The kernel gives up asking after a while.
            return matches!(socket_error(self.socket()), Ok(Ok(())));
        }
        let mut byte = [0; 1];
        let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK;
        match recv(self.socket(), &mut byte[..], flags) {
            Ok((_, count)) => count > 0,
            Err(error) => error == Errno::AGAIN,
        }
    }
}

impl Crowd {
    pub(super) fn run(self) -> std::io::Result<()> {
        let limit = getrlimit(Resource::Nofile);
        let maximum = limit.maximum;
        // Left as it is where that is not allowed; then fewer are held, and that is told.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: maximum,
                maximum,
            },
        );
        let config = self.tls.as_ref().map(|_| config()).transpose()?;
        let mut held: Vec<Held> = Vec::new();
        let began = Instant::now();
        let (mut opened, mut swept, mut told) = (0_u64, began, None);
        loop {
            let budget = self
                .rate
                .map_or(f64::MAX, |rate| rate * began.elapsed().as_secs_f64());
            let mut refused = None;
            let slice = Instant::now();
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            while held.len() < self.count && (opened as f64) < budget.max(1.0) {
                match self.open(config.as_ref()) {
                    Ok(one) => {
                        held.push(one);
                        opened += 1;
                    }
                    Err(error) => {
                        refused = Some(error);
                        break;
                    }
                }
                // However long the server takes for each, what is there is told.
                if slice.elapsed() > SLICE {
                    break;
                }
            }
            if swept.elapsed() > AGAIN {
                swept = Instant::now();
                held.retain_mut(|one| {
                    one.lives(self.manner) && (self.manner != Manner::Slow || one.say(MORE).is_ok())
                });
            }
            let text = match refused {
                Some(ref error) => format!("{} held, the next one: {error}", held.len()),
                None => format!("{} held", held.len()),
            };
            if told.as_ref() != Some(&text) {
                Report::tell(held.len() as u64, text.clone())?;
                told = Some(text);
            }
            let idle = held.len() >= self.count || refused.is_some() || self.rate.is_some();
            std::thread::sleep(Duration::from_millis(if idle { 50 } else { 1 }));
        }
    }

    fn open(&self, config: Option<&Arc<ClientConfig>>) -> std::io::Result<Held> {
        let family = match self.to {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let half = self.manner == Manner::HalfOpen;
        let mut flags = SocketFlags::CLOEXEC;
        flags.set(SocketFlags::NONBLOCK, half);
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        if half {
            // The server's answer never gets to the socket, which therefore neither confirms nor refuses it.
            drop_all_received(&socket)?;
            return match connect(&socket, &self.to) {
                Ok(()) | Err(Errno::INPROGRESS) => Ok(Held::Plain(socket)),
                Err(error) => Err(error.into()),
            };
        }
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        connect(&socket, &self.to)?;
        let mut held = match (&self.tls, config) {
            (Some(name), Some(config)) => secured(socket, name, config)?,
            _ => Held::Plain(socket),
        };
        if self.manner == Manner::Slow {
            held.say(REQUEST)?;
        }
        Ok(held)
    }
}

/// Finishes the handshake.
fn secured(socket: OwnedFd, name: &str, config: &Arc<ClientConfig>) -> std::io::Result<Held> {
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let name = ServerName::try_from(name.to_owned()).map_err(std::io::Error::other)?;
    let tls = ClientConnection::new(config.clone(), name).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(tls, TcpStream::from(socket));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(Held::Tls(Box::new(stream)))
}

fn config() -> std::io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        // It is there to take the server's time, not to trust it.
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
