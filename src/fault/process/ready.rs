//! When a spawned program is ready: it listens on a port, answers over HTTP, or has said so.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::output::Output;
use super::sockets::Listeners;
use super::supervise::descendants;
use crate::fault::Trouble;

/// What is waited for, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The sign of it.
    pub sign: Sign,
    /// How long it may take.
    pub within: Duration,
}

/// How a program shows that it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// It, or what it forked, listens on this TCP port or has bound this UDP port.
    Port(u16),
    /// This URL answers with a status from 200 to 399, asked from its own network namespace.
    Http(String),
    /// Its output has this text.
    Log(String),
}

impl Sign {
    /// As messages name it: `listens on port 2379`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Port(port) => format!("listens on port {port}"),
            Self::Http(url) => format!("{url} answers"),
            Self::Log(text) => format!("writes \"{text}\""),
        }
    }

    /// What is wrong with it, before anything is started.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        match self {
            Self::Http(url) => Address::parse(url).map(|_| ()),
            Self::Port(_) | Self::Log(_) => Ok(()),
        }
    }

    /// Whether it is ready now.
    pub(super) fn seen(&self, program: &Identity, output: &Output) -> bool {
        match self {
            Self::Port(port) => {
                let mut listeners = Listeners::on(*port);
                listeners.has(program.pid)
                    || descendants(program.pid)
                        .iter()
                        .any(|one| listeners.has(one.pid))
            }
            Self::Log(text) => output.text().contains(text.as_str()),
            Self::Http(url) => {
                let namespace = PathBuf::from(format!("/proc/{}/ns/net", program.pid));
                Address::parse(url).is_ok_and(|address| address.answers(namespace))
            }
        }
    }
}

/// A plain HTTP URL, taken apart.
struct Address {
    authority: String,
    target: String,
}

impl Address {
    fn parse(url: &str) -> Result<Self, Trouble> {
        let wrong = |text: String| Trouble::Misuse(format!("ready: {text}"));
        let parsed =
            url::Url::parse(url).map_err(|error| wrong(format!("\"{url}\" is no URL: {error}")))?;
        let host = parsed.host_str().filter(|_| parsed.scheme() == "http");
        let Some(host) = host else {
            return Err(wrong(format!(
                "\"{url}\" must begin with http://; for others use `port` or `log`"
            )));
        };
        let port = parsed.port_or_known_default().unwrap_or(80);
        let query = parsed
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self {
            authority: format!("{host}:{port}"),
            target: format!("{}{query}", parsed.path()),
        })
    }

    /// Asks from inside the namespace, on a thread that ends there.
    fn answers(self, namespace: PathBuf) -> bool {
        let asked = std::thread::spawn(move || {
            enter(&namespace)?;
            self.status()
        });
        let status = asked.join().ok().and_then(Result::ok);
        status.is_some_and(|status| (200..400).contains(&status))
    }

    fn status(&self) -> std::io::Result<u16> {
        let limit = Duration::from_secs(1);
        let none = || std::io::Error::from(std::io::ErrorKind::InvalidData);
        let address = self.authority.to_socket_addrs()?.next().ok_or_else(none)?;
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        let (target, host) = (&self.target, &self.authority);
        // In one piece: a server that answers at once would reset what comes after.
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        let text = std::str::from_utf8(&start).map_err(|_| none())?;
        let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        status
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(none)
    }
}

/// Takes this thread into a network namespace, unless it is there.
fn enter(namespace: &std::path::Path) -> std::io::Result<()> {
    let own = std::fs::read_link("/proc/thread-self/ns/net")?;
    if std::fs::read_link(namespace)? == own {
        return Ok(());
    }
    let file = std::fs::File::open(namespace)?;
    let kind = Some(rustix::thread::LinkNameSpaceType::Network);
    Ok(rustix::thread::move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&file),
        kind,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Identity {
        Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap()
    }

    fn serve(answer: &'static str) -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        });
        port
    }

    #[test]
    fn an_answer_is_ready_and_an_error_is_not() {
        let seen = |answer| {
            let url = format!("http://127.0.0.1:{}/health?x=1", serve(answer));
            Sign::Http(url).seen(&me(), &Output::default())
        };
        assert!(seen("HTTP/1.1 200 OK\r\n\r\n"));
        assert!(seen("HTTP/1.0 302 Found\r\n\r\n"));
        assert!(!seen("HTTP/1.1 503 Unavailable\r\n\r\n"));
        assert!(!seen("SSH-2.0-OpenSSH_9.2p1\r\n"));
    }

    #[test]
    fn what_cannot_be_asked_is_said_before() {
        let error = Sign::Http("https://x/".to_owned()).check().unwrap_err();
        let text = "ready: \"https://x/\" must begin with http://; for others use `port` or `log`";
        assert_eq!(error.to_string(), text);
    }
}
