//! Proxies over loopback: what clients and upstreams really see.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::kinds::Latency;
use super::{Address, Fault, Plane, Protocol, Proxy, ProxyOptions, Stream, Toxic};

mod datagrams;
mod faults;
mod life;

const LONG: Duration = Duration::from_secs(20);

fn tcp(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn options(upstream: &str) -> ProxyOptions {
    ProxyOptions {
        name: "db".to_owned(),
        listen: tcp("127.0.0.1:0"),
        upstream: tcp(upstream),
        protocol: Protocol::Tcp,
        idle_timeout: LONG,
        seed: 7,
    }
}

fn toxic(name: &str, stream: Stream, fault: Fault) -> Toxic {
    Toxic {
        name: name.to_owned(),
        stream,
        toxicity: 1.0,
        fault,
    }
}

/// A proxy to a listener, with the toxics.
fn through(toxics: Vec<Toxic>) -> (Proxy, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plane = Plane::start(2).unwrap();
    let proxy = plane.proxy(options(&listener.local_addr().unwrap().to_string()), toxics);
    proxy.start().unwrap();
    (proxy, listener)
}

fn dial(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.listen()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Both ends of a connection through the proxy, known to be open.
fn pair(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = dial(proxy);
    let server = listener.accept().unwrap().0;
    server.set_read_timeout(Some(LONG)).unwrap();
    server.set_nodelay(true).unwrap();
    (client, server)
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, text: &[u8]) -> Duration {
    let begin = Instant::now();
    from.write_all(text).unwrap();
    let mut read = vec![0; text.len()];
    to.read_exact(&mut read).unwrap();
    assert_eq!(read, text);
    begin.elapsed()
}

fn latency(ms: i64) -> Fault {
    Fault::Latency(Latency {
        latency_us: ms * 1000,
        jitter_us: 0,
    })
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 + n / 251) as u8).collect()
}
