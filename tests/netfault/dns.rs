//! Names that are not found, or elsewhere, or late; asked by a client of a server that knows them all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rchaos::fault::Fault;
use serde_json::{Value, json};

use super::held::inject;
use super::hosts::{Hosts, Outcome, tcp};

const A: u16 = 1;
const AAAA: u16 = 28;

/// A server on host 1 that says 10.9.9.9 and fd09::9, whatever the name.
struct Server(Arc<AtomicBool>);

impl Server {
    fn start(hosts: &Hosts) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for host in [0, 1] {
            // On host 0 only for itself, as an engine's own resolver in a container.
            let at = if host == 0 {
                "127.0.0.11:53"
            } else {
                "[::]:53"
            };
            let udp = hosts.inside(host, || UdpSocket::bind(at).unwrap());
            udp.set_read_timeout(Some(Duration::from_millis(100)))
                .unwrap();
            let stop = stop.clone();
            std::thread::spawn(move || {
                let mut query = [0; 512];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((count, from)) = udp.recv_from(&mut query) {
                        let _ = udp.send_to(&answer(&query[..count]), from);
                    }
                }
            });
        }
        let over_tcp = hosts.inside(1, || TcpListener::bind("[::]:53").unwrap());
        over_tcp.set_nonblocking(true).unwrap();
        let seen = stop.clone();
        std::thread::spawn(move || {
            let mut open: Vec<TcpStream> = Vec::new();
            while !seen.load(Ordering::Relaxed) {
                open.extend(over_tcp.accept().ok().map(|(stream, _)| stream));
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self(stop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn answer(query: &[u8]) -> Vec<u8> {
    let mut bytes = query.to_vec();
    (bytes[2], bytes[3], bytes[7]) = (0x81, 0x80, 1);
    let kind = u16::from_be_bytes([query[query.len() - 4], query[query.len() - 3]]);
    bytes.extend_from_slice(&[0xc0, 12]);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1, 0, 0, 0, 9]);
    match kind {
        A => bytes.extend_from_slice(&[0, 4, 10, 9, 9, 9]),
        _ => {
            let address: Ipv6Addr = "fd09::9".parse().unwrap();
            bytes.extend_from_slice(&[0, 16]);
            bytes.extend_from_slice(&address.octets());
        }
    }
    bytes
}

/// How a query ended: the code, the address if there was one, and the milliseconds.
type Ended = Option<(u8, Option<IpAddr>, f64)>;

/// Asks once, and does not ask again.
fn ask(hosts: &Hosts, from: usize, server: IpAddr, name: &str, kind: u16) -> Ended {
    let mut query = vec![0x77, 0x01, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    query.extend_from_slice(&kind.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = hosts.inside(from, || UdpSocket::bind(any).unwrap());
    // As resolvers do: what comes from elsewhere is not heard.
    hosts.inside(from, || socket.connect((server, 53)).unwrap());
    socket
        .set_read_timeout(Some(Duration::from_millis(1500)))
        .unwrap();
    let begun = Instant::now();
    // What is dropped on its way out says so.
    let _ = socket.send(&query);
    let mut bytes = [0; 512];
    let count = socket.recv(&mut bytes).ok()?;
    let time = begun.elapsed().as_secs_f64() * 1e3;
    assert_eq!((bytes[0], bytes[1], bytes[5]), (0x77, 1, 1));
    assert_eq!(bytes[12..query.len()], query[12..]);
    let rest = &bytes[query.len()..count];
    let address = match (bytes[7], kind) {
        (0, _) => None,
        (_, A) => Some(Ipv4Addr::from(<[u8; 4]>::try_from(&rest[12..16]).unwrap()).into()),
        _ => Some(Ipv6Addr::from(<[u8; 16]>::try_from(&rest[12..28]).unwrap()).into()),
    };
    Some((bytes[3] & 0xf, address, time))
}

fn told(hosts: &Hosts, server: IpAddr, name: &str, kind: u16) -> Option<(u8, Option<String>)> {
    let (code, address, _) = ask(hosts, 0, server, name, kind)?;
    Some((code, address.map(|address| address.to_string())))
}

fn said(code: u8, address: &str) -> Option<(u8, Option<String>)> {
    let address = (!address.is_empty()).then(|| address.to_owned());
    Some((code, address))
}

fn options(target: &impl serde::Serialize, answer: Value, names: &[&str]) -> Value {
    json!({
        "target": target, "answer": answer, "delay": Duration::ZERO, "names": names, "share": 1.0,
        "refuse_tcp": true, "port": [{ "first": 53, "last": 53 }],
    })
}

fn hits(fault: &mut Box<dyn Fault>) -> u64 {
    fault.inspect().unwrap().hits.unwrap()
}

#[test]
fn names_are_not_found_in_the_way_that_was_asked_for() {
    let Some(hosts) = Hosts::make("dns errors") else {
        return;
    };
    let _server = Server::start(&hosts);
    let local = IpAddr::from([127, 0, 0, 11]);
    let servers = [hosts.address(1), hosts.address6(1), local];
    for server in servers {
        assert_eq!(told(&hosts, server, "db.example", A), said(0, "10.9.9.9"));
    }
    for (word, code) in [("nxdomain", 3), ("servfail", 2), ("refused", 5)] {
        let answer = json!({ "error": word });
        let mut fault = inject(
            &hosts,
            "dns",
            options(&hosts.target(0), answer, &["*.example"]),
        );
        for server in servers {
            assert_eq!(
                told(&hosts, server, "db.example", A),
                said(code, ""),
                "{word}"
            );
            assert_eq!(told(&hosts, server, "A.dB.Example", AAAA), said(code, ""));
            assert_eq!(told(&hosts, server, "db.other", A), said(0, "10.9.9.9"));
        }
        assert_eq!(hits(&mut fault), 6);
        fault.heal().unwrap();
    }
    let answer = json!({ "error": "timeout" });
    let mut fault = inject(&hosts, "dns", options(&hosts.target(0), answer, &[]));
    assert_eq!(told(&hosts, hosts.address6(1), "db.example", A), None);
    // Who is not the target is answered.
    let other = ask(&hosts, 2, hosts.address(1), "db.example", A);
    assert_eq!(other.unwrap().0, 0);
    fault.heal().unwrap();
    assert_eq!(
        told(&hosts, hosts.address(1), "db.example", AAAA),
        said(0, "fd09::9")
    );
}

#[test]
fn names_are_found_elsewhere() {
    let Some(hosts) = Hosts::make("dns spoof") else {
        return;
    };
    let _server = Server::start(&hosts);
    let server = hosts.address(1);
    let list = json!([
        ["db.example", ["10.1.1.1", "fd01::1"]],
        ["*.example", ["10.2.2.2"]]
    ]);
    let mut fault = inject(
        &hosts,
        "dns",
        options(&hosts.target(0), json!({ "spoof": list }), &[]),
    );
    assert_eq!(told(&hosts, server, "db.example", A), said(0, "10.1.1.1"));
    assert_eq!(told(&hosts, server, "db.example", AAAA), said(0, "fd01::1"));
    assert_eq!(told(&hosts, server, "web.example", A), said(0, "10.2.2.2"));
    assert_eq!(told(&hosts, server, "web.example", AAAA), said(0, ""));
    assert_eq!(told(&hosts, server, "example", A), said(0, "10.9.9.9"));
    fault.heal().unwrap();
    let mut fault = inject(
        &hosts,
        "dns",
        options(&hosts.target(0), json!("random"), &[]),
    );
    let mut seen = Vec::new();
    for _ in 0..8 {
        let (code, address) = told(&hosts, server, "db.example", A).unwrap();
        let address = address.unwrap();
        let reserved = ["192.0.2.", "198.51.100.", "203.0.113."];
        assert!(
            code == 0 && reserved.iter().any(|range| address.starts_with(range)),
            "{address}"
        );
        seen.push(address);
    }
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 2, "{seen:?}");
    let (_, six) = told(&hosts, server, "db.example", AAAA).unwrap();
    assert!(six.unwrap().starts_with("2001:db8:"));
    fault.heal().unwrap();
}

#[test]
fn names_are_found_late_and_only_a_share_of_them_not_at_all() {
    let Some(hosts) = Hosts::make("dns delay") else {
        return;
    };
    let _server = Server::start(&hosts);
    let typical = |server: IpAddr| {
        let mut times: Vec<f64> = (0..9)
            .map(|_| ask(&hosts, 0, server, "db.example", A).unwrap().2)
            .collect();
        times.sort_by(f64::total_cmp);
        times[2]
    };
    // At the one who asks, and at the one who is asked.
    for (target, direction) in [(0, "egress"), (1, "ingress")] {
        let mut options = options(&hosts.target(target), json!("true"), &[]);
        options["delay"] = json!(Duration::from_millis(80));
        options["direction"] = json!(direction);
        options["refuse_tcp"] = json!(false);
        let mut fault = inject(&hosts, "dns", options);
        for server in [hosts.address(1), hosts.address6(1)] {
            let time = typical(server);
            assert!((80.0..110.0).contains(&time), "{time} ms, {direction}");
        }
        fault.heal().unwrap();
    }
    let mut options = options(&hosts.target(0), json!({ "error": "servfail" }), &[]);
    options["share"] = json!(0.4);
    let mut fault = inject(&hosts, "dns", options);
    let ask = || told(&hosts, hosts.address(1), "db.example", A) == said(2, "");
    let failed = (0..200).filter(|_| ask()).count();
    assert!((50..110).contains(&failed), "{failed} of 200 at 40%");
    fault.heal().unwrap();
}

#[test]
fn the_server_s_side_and_tcp_are_hit_as_documented() {
    let Some(hosts) = Hosts::make("dns server") else {
        return;
    };
    let _server = Server::start(&hosts);
    let (to, limit) = (
        SocketAddr::new(hosts.address(1), 53),
        Duration::from_secs(1),
    );
    let connects = || hosts.inside(0, || TcpStream::connect_timeout(&to, limit).is_ok());
    assert!(connects());
    let mut options = options(&hosts.target(1), json!({ "error": "nxdomain" }), &[]);
    options["direction"] = json!("ingress");
    let mut fault = inject(&hosts, "dns", options.clone());
    for server in [hosts.address(1), hosts.address6(1)] {
        assert_eq!(told(&hosts, server, "db.example", A), said(3, ""));
        assert_eq!(hosts.inside(0, || tcp(server, 53)), Outcome::Refused);
    }
    fault.heal().unwrap();
    options["refuse_tcp"] = json!(false);
    let mut fault = inject(&hosts, "dns", options);
    assert_eq!(told(&hosts, hosts.address(1), "db.example", A), said(3, ""));
    assert!(connects());
    fault.heal().unwrap();
}
