//! Fixtures and faults as an agent holds them, looked at from outside.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;
use crate::fault::http_proxy::kinds::Abort;
use crate::fault::http_proxy::{HttpFault, Match, OriginTls, Rule, Version};
use crate::fault::proxy::kinds::{Latency, ResetPeer, Slicer};
use crate::fault::proxy::{self, Protocol, ProxyOptions, Stream};
use crate::fault::{Context, Fault, Healed, Shared, Spec, Trouble, find};

const LEASE: Duration = Duration::from_secs(5);

/// The faults of one agent.
#[derive(Default)]
struct Agent {
    shared: std::sync::Arc<Shared>,
    last: u64,
}

impl Agent {
    fn build(&mut self, spec: &Spec) -> Result<Box<dyn Fault>, Trouble> {
        self.last += 1;
        let context = Context {
            agent: "a1b2c3d4e5f6".to_owned(),
            id: self.last,
            name: spec.kind.clone(),
            seed: 7,
            exempt: Vec::new(),
            max_blast: 1.0,
            protected: Default::default(),
            shared: self.shared.clone(),
        };
        (find(&spec.kind)?.build)(spec, &context)
    }

    fn hold(&mut self, spec: &Spec) -> Box<dyn Fault> {
        let mut fault = self.build(spec).unwrap();
        fault.preflight().unwrap();
        fault.inject(LEASE).unwrap();
        assert!(fault.inspect().unwrap().installed);
        fault
    }

    fn proxy(&mut self, listen: &str, upstream: &str) -> (Box<dyn Fault>, u64, String) {
        let held = self.hold(&proxy_spec(listen, upstream, Protocol::Tcp));
        let facts = held.facts();
        let id = facts["id"].as_u64().unwrap();
        (held, id, facts["listen"].as_str().unwrap().to_owned())
    }
}

fn proxy_spec(listen: &str, upstream: &str, protocol: Protocol) -> Spec {
    let options = ProxyFixture {
        name: "db".to_owned(),
        listen: listen.to_owned(),
        upstream: upstream.to_owned(),
        protocol,
        idle_timeout: ProxyOptions::IDLE_TIMEOUT,
    };
    Spec::new(&PROXY, &options).unwrap()
}

fn toxic_spec(proxy: u64, fault: proxy::Fault) -> Spec {
    let kind = format!("proxy.{}", fault.kind());
    let options = ToxicOptions {
        proxy,
        stream: Stream::Downstream,
        toxicity: 1.0,
        fault,
    };
    Spec::new(find(&kind).unwrap(), &options).unwrap()
}

fn latency(ms: i64) -> proxy::Fault {
    proxy::Fault::Latency(Latency {
        latency_us: ms * 1000,
        jitter_us: 0,
    })
}

/// An upstream that sends back what it gets.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut reader, &mut &stream);
            });
        }
    });
    address
}

fn ping(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let begin = Instant::now();
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])?;
    Ok(begin.elapsed())
}

#[test]
fn a_proxy_is_held_its_faults_come_and_go_and_its_end_frees_the_port() {
    let mut agent = Agent::default();
    let (mut held, id, listen) = agent.proxy("127.0.0.1:0", &echo());
    let mut client = TcpStream::connect(&listen).unwrap();
    ping(&mut client).unwrap();

    let mut slow = agent.hold(&toxic_spec(id, latency(60)));
    assert_eq!(slow.inspect().unwrap().hits, Some(0));
    assert!(ping(&mut client).unwrap() >= Duration::from_millis(60));
    assert_eq!(slow.inspect().unwrap().hits, Some(1));
    // A second of the same name stacks.
    let mut slower = agent.hold(&toxic_spec(id, latency(60)));
    assert!(ping(&mut client).unwrap() >= Duration::from_millis(120));
    assert_eq!(slower.heal().unwrap(), Healed::Restored);
    assert_eq!(slow.heal().unwrap(), Healed::Restored);
    assert_eq!(slow.heal().unwrap(), Healed::Unchanged);
    let quick = (0..20).map(|_| ping(&mut client).unwrap()).min();
    assert!(quick < Some(Duration::from_millis(50)), "{quick:?}");

    assert_eq!(held.heal().unwrap(), Healed::Restored);
    assert_eq!(held.heal().unwrap(), Healed::Unchanged);
    assert!(ping(&mut client).is_err());
    drop(TcpListener::bind(&listen).unwrap());
    assert!(matches!(held.inspect(), Err(Trouble::Vanished(_))));
    assert!(matches!(slow.inspect(), Err(Trouble::Vanished(_))));
    assert_eq!(slow.heal().unwrap(), Healed::Vanished);
    let Err(Trouble::Precondition(text)) = slow.preflight() else {
        panic!("a closed proxy takes faults");
    };
    assert!(text.contains("closed"), "{text}");
    assert_eq!((PROXY.recover)(&held.undo()).unwrap(), Healed::Unchanged);
}

#[test]
fn a_port_in_use_and_what_does_not_suit_are_found_before_anything_is_touched() {
    let mut agent = Agent::default();
    let upstream = echo();
    let mut taken = agent
        .build(&proxy_spec(&upstream, &upstream, Protocol::Tcp))
        .unwrap();
    let Err(Trouble::Precondition(text)) = taken.preflight() else {
        panic!("a port in use is fine");
    };
    assert!(text.contains("address already in use"), "{text}");
    let refused = |agent: &mut Agent, spec: &Spec| match agent.build(spec) {
        Err(Trouble::Misuse(text)) => text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was built"),
    };
    let text = refused(
        &mut agent,
        &proxy_spec("localhost", &upstream, Protocol::Tcp),
    );
    assert_eq!(
        text,
        "option `listen`: address localhost: missing port in address"
    );
    let text = refused(&mut agent, &proxy_spec("/tmp/x", &upstream, Protocol::Udp));
    assert!(text.contains("unix sockets"), "{text}");
    let mut wrong = toxic_spec(1, latency(1));
    wrong.kind = "proxy.down".to_owned();
    refused(&mut agent, &wrong);

    let dns = agent.hold(&proxy_spec("127.0.0.1:0", "127.0.0.1:53", Protocol::Udp));
    let id = dns.facts()["id"].as_u64().unwrap();
    let slicer = toxic_spec(id, proxy::Fault::Slicer(Slicer::default()));
    let preflight = agent.build(&slicer).unwrap().preflight();
    assert!(
        matches!(preflight, Err(Trouble::Misuse(_))),
        "{preflight:?}"
    );
}

#[test]
fn a_socket_file_left_behind_is_removed_and_others_are_not() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("front");
    let mut agent = Agent::default();
    let spec = proxy_spec(path.to_str().unwrap(), "127.0.0.1:1", Protocol::Tcp);
    let mut held = agent.build(&spec).unwrap();
    held.preflight().unwrap();
    let undo: Value = held.undo();
    assert_eq!((PROXY.recover)(&undo).unwrap(), Healed::Unchanged);
    // As a killed holder leaves it: bound, and nobody listens.
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!((PROXY.recover)(&undo).unwrap(), Healed::Restored);
    assert!(!path.exists());
    let other = UnixListener::bind(&path).unwrap();
    assert!(matches!(
        (PROXY.recover)(&undo).unwrap(),
        Healed::Drifted(_)
    ));
    drop(other);
    // What was there before is not ours to remove.
    let before = agent.build(&spec).unwrap().undo();
    assert_eq!((PROXY.recover)(&before).unwrap(), Healed::Unchanged);
    assert!(path.exists());
}

/// An upstream that answers 200 to everything.
fn always_ok() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    upstream
}

/// The whole answer to one request.
fn get(listen: &str) -> String {
    let mut stream = TcpStream::connect(listen).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn an_http_proxy_is_held_and_its_rules_count() {
    let mut agent = Agent::default();
    let options = HttpProxyFixture {
        name: "web".to_owned(),
        listen: "127.0.0.1:0".to_owned(),
        upstream: always_ok(),
        tls: OriginTls::default(),
        version: Version::Auto,
        host: None,
        mark: true,
    };
    let mut held = agent.hold(&Spec::new(&HTTP_PROXY, &options).unwrap());
    let facts = held.facts();
    let listen = facts["listen"].as_str().unwrap().to_owned();
    let rule = |status| {
        let rule = Rule {
            name: String::new(),
            matches: Match::default(),
            toxicity: 1.0,
            first: Some(1),
            fault: HttpFault::Abort(Abort {
                status,
                headers: Vec::new(),
                body: String::new(),
            }),
        };
        let proxy = facts["id"].as_u64().unwrap();
        Spec::new(
            find("http_proxy.abort").unwrap(),
            &RuleOptions { proxy, rule },
        )
        .unwrap()
    };
    let mut abort = agent.hold(&rule(503));
    let answer = get(&listen);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains("x-rchaos-fault: http_proxy.abort"),
        "{answer}"
    );
    assert!(get(&listen).starts_with("HTTP/1.1 200"));
    let sight = abort.inspect().unwrap();
    assert_eq!(sight.hits, Some(1));
    assert_eq!(sight.detail, "acted on 1 of 2 requests that it is for");
    let Err(Trouble::Misuse(text)) = agent.build(&rule(99)) else {
        panic!("99 is a status");
    };
    assert!(text.starts_with("option `status`"), "{text}");
    assert_eq!(abort.heal().unwrap(), Healed::Restored);
    assert_eq!(held.heal().unwrap(), Healed::Restored);
    assert!(TcpStream::connect(&listen).is_err());
}

#[test]
fn the_seed_and_the_names_decide_which_connections_are_hit() {
    let upstream = echo();
    let hits = || {
        let mut agent = Agent::default();
        let (_held, id, listen) = agent.proxy("127.0.0.1:0", &upstream);
        let mut spec = toxic_spec(id, proxy::Fault::ResetPeer(ResetPeer { timeout_us: 0 }));
        spec.options["toxicity"] = 0.5.into();
        let mut reset = agent.hold(&spec);
        let one = |_| ping(&mut TcpStream::connect(&listen).unwrap()).is_err();
        let all: Vec<bool> = (0..30).map(one).collect();
        let count = all.iter().filter(|hit| **hit).count() as u64;
        assert_eq!(reset.inspect().unwrap().hits, Some(count));
        all
    };
    let first = hits();
    assert_eq!(first, hits());
    assert!(first.contains(&true) && first.contains(&false));
}
