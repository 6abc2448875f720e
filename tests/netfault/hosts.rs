//! Hosts on a bridge, and what passes between them.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use rchaos::fault::net::namespace::Place;
use rchaos::fault::net::{NETWORK, NetworkOf};
use rchaos::fault::{Context, Fault, Shared, Spec, Target, find};
use serde_json::Value;

use crate::support::gate;

/// How long a packet may take that arrives: far above what a busy machine needs.
const PATIENCE: Duration = Duration::from_millis(700);

static NETWORKS: AtomicU8 = AtomicU8::new(1);
static FAULTS: AtomicU64 = AtomicU64::new(1);

/// What a fault is built with; each has an id of its own.
pub fn context(shared: &Arc<Shared>) -> Context {
    Context {
        // One for each test: a table has one owner, also where several tests meet on this host.
        agent: format!("{:x}", Arc::as_ptr(shared) as usize),
        id: FAULTS.fetch_add(1, Ordering::Relaxed),
        name: "test".to_owned(),
        seed: 1,
        exempt: Vec::new(),
        max_blast: 1.0,
        protected: Default::default(),
        shared: shared.clone(),
    }
}

/// An inert fault of a kind.
pub fn build(kind: &str, options: Value, shared: &Arc<Shared>) -> Box<dyn Fault> {
    let spec = Spec {
        kind: kind.to_owned(),
        options,
    };
    (find(kind).unwrap().build)(&spec, &context(shared)).unwrap()
}

/// Three hosts on a bridge, each answering what it is sent over TCP and UDP, port 7.
pub struct Hosts {
    made: Box<dyn Fault>,
    pub shared: Arc<Shared>,
    pub names: Vec<String>,
    addresses: Vec<(IpAddr, IpAddr)>,
    pub own: (IpAddr, IpAddr),
    stop: Arc<AtomicBool>,
}

impl Hosts {
    /// None where the machine cannot.
    pub fn make(test: &str) -> Option<Self> {
        if !gate::met("netns", test) {
            return None;
        }
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let names: Vec<_> = (1..=3)
            .map(|host| format!("t{}-{number}-{host}", std::process::id()))
            .collect();
        let options = NetworkOf {
            hosts: names.clone(),
            subnet: format!("10.201.{number}.0/24").parse().unwrap(),
            subnet6: format!("fd66:{number}::/64").parse().unwrap(),
        };
        let shared = Arc::default();
        let spec = Spec::new(&NETWORK, &options).unwrap();
        let mut made = build(NETWORK.name, spec.options, &shared);
        made.preflight().unwrap();
        made.inject(Duration::from_secs(5)).unwrap();
        assert!(made.inspect().unwrap().installed);
        let facts = made.facts();
        let pair = |value: &Value| -> (IpAddr, IpAddr) {
            let read = |key: &str| value[key].as_str().unwrap().parse().unwrap();
            (read("address"), read("address6"))
        };
        let hosts = Self {
            shared,
            addresses: facts["hosts"]
                .as_array()
                .unwrap()
                .iter()
                .map(pair)
                .collect(),
            own: pair(&facts),
            names,
            made,
            stop: Arc::default(),
        };
        for host in 0..3 {
            let stop = hosts.stop.clone();
            hosts.inside(host, move || answer(&stop));
        }
        Some(hosts)
    }

    /// As scripts name one.
    pub fn target(&self, host: usize) -> Target {
        Target::Namespace {
            name: self.names[host].clone(),
        }
    }

    pub fn address(&self, host: usize) -> IpAddr {
        self.addresses[host].0
    }

    pub fn address6(&self, host: usize) -> IpAddr {
        self.addresses[host].1
    }

    /// Does something in a host's network.
    pub fn inside<R: Send>(&self, host: usize, work: impl FnOnce() -> R + Send) -> R {
        Place::Named(self.names[host].clone()).enter(work).unwrap()
    }

    /// Whether a datagram from a host to an address comes back.
    pub fn udp(&self, from: usize, to: IpAddr, port: u16) -> bool {
        self.inside(from, || udp(to, port))
    }

    /// How a connection from a host to an address ends: it is answered, refused, or nothing comes.
    pub fn tcp(&self, from: usize, to: IpAddr, port: u16) -> Outcome {
        self.inside(from, || tcp(to, port))
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.made.heal().unwrap();
        for name in &self.names {
            assert!(!Place::Named(name.clone()).path().exists());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Refused,
    Silent,
}

pub fn tcp(to: IpAddr, port: u16) -> Outcome {
    let mut stream = match TcpStream::connect_timeout(&SocketAddr::new(to, port), PATIENCE) {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Outcome::Refused,
        Err(_) => return Outcome::Silent,
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(b"x");
    match stream.read(&mut [0; 1]) {
        Ok(1) => Outcome::Answered,
        _ => Outcome::Silent,
    }
}

pub fn udp(to: IpAddr, port: u16) -> bool {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // What is dropped on its way out says so to the sender.
    let _ = socket.send_to(b"x", (to, port));
    socket.recv(&mut [0; 1]).is_ok()
}

fn echo(mut stream: TcpStream) {
    let _ = stream.set_nonblocking(false);
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// Opens the sockets in the namespace of this thread, and answers on others.
fn answer(stop_all: &Arc<AtomicBool>) {
    for port in [7, 8] {
        let tcp = TcpListener::bind(("::", port)).unwrap();
        let udp = UdpSocket::bind(("::", port)).unwrap();
        udp.set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        tcp.set_nonblocking(true).unwrap();
        let stop = stop_all.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                if let Ok((count, from)) = udp.recv_from(&mut buffer) {
                    let _ = udp.send_to(&buffer[..count], from);
                }
            }
        });
        let stop = stop_all.clone();
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match tcp.accept() {
                    Ok((stream, _)) => drop(std::thread::spawn(move || echo(stream))),
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
    }
}
