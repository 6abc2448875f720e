//! `listen=ADDRESS`: a /metrics endpoint that Prometheus scrapes while the run goes on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::exposition::Totals;
use super::{Destination, Second};
use crate::output::Summary;

/// Connections at a time; more are closed at once.
const CONNECTIONS: usize = 16;
/// How long a connection may dawdle.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest head of a request that is read.
const HEAD: usize = 8 << 10;

/// The endpoint; it ends with the process.
pub(super) struct Listen(Arc<Mutex<Totals>>);

impl Listen {
    pub(super) fn bind(address: SocketAddr) -> Result<Self, String> {
        let cannot = |error| format!("cannot listen on {address}: {error}");
        let listener = TcpListener::bind(address).map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        tracing::info!("metrics on http://{bound}/metrics");
        let totals = Arc::new(Mutex::new(Totals::default()));
        let shared = Arc::clone(&totals);
        thread::Builder::new()
            .name("listen".to_owned())
            .spawn(move || accept(&listener, &shared))
            .map_err(cannot)?;
        Ok(Self(totals))
    }
}

impl Destination for Listen {
    fn second(&mut self, second: &Second) -> Result<(), String> {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        totals.add(second);
        Ok(())
    }

    fn end(&mut self, _: &Summary, _: u64) -> Result<(), String> {
        Ok(())
    }
}

fn accept(listener: &TcpListener, totals: &Arc<Mutex<Totals>>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of descriptors, as a rule: the load needs them more.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if open.load(Ordering::Relaxed) >= CONNECTIONS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (totals, counted) = (Arc::clone(totals), Arc::clone(&open));
        let spawned = thread::Builder::new().spawn(move || {
            // A scraper that went away has its own log.
            let _ = answer(stream, &totals);
            counted.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn answer(mut stream: TcpStream, totals: &Mutex<Totals>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let count = stream.read(&mut buffer)?;
        if count == 0 || head.len() > HEAD {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..count]);
    }
    let line = String::from_utf8_lossy(&head);
    let mut words = line.split([' ', '\r']);
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        (Some("GET" | "HEAD"), "/metrics" | "/") => {
            let totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            ("200 OK", totals.text())
        }
        (Some("GET" | "HEAD"), _) => ("404 Not Found", "figures are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "read /metrics\n".to_owned()),
    };
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(reply.as_bytes())?;
    if method != Some("HEAD") {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::super::testing::second;
    use super::*;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_scrape_gets_the_figures_so_far_and_nothing_else_is_served() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut listen = Listen::bind(address).unwrap();
        listen.second(&second(1, 3.0)).unwrap();
        let text = ask(address, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains("\nrchaos_http_reqs_total{"), "{text}");
        let body = text.split("\r\n\r\n").nth(1).unwrap();
        assert!(text.contains(&format!("content-length: {}\r\n", body.len())));
        let other = ask(address, "GET /etc/passwd HTTP/1.1\r\n\r\n");
        assert!(other.starts_with("HTTP/1.1 404"), "{other}");
        let post = ask(address, "POST /metrics HTTP/1.1\r\n\r\n");
        assert!(post.starts_with("HTTP/1.1 405"), "{post}");
        let head = ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        assert!(Listen::bind(address).is_err_and(|text| text.starts_with("cannot listen on")));
    }
}
