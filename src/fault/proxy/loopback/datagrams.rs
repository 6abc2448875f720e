//! UDP over loopback: exchanges like those of DNS, and every fault measured.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::{LONG, latency, options, tcp, toxic};
use crate::fault::proxy::kinds::{Bandwidth, Duplicate, Noop, PacketLoss, Reorder, Slicer};
use crate::fault::proxy::{Fault, Plane, Protocol, Proxy, Stream, Toxic, ToxicError};

const SOON: Duration = Duration::from_millis(150);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

/// A proxy to a socket, with the toxics.
fn through(toxics: Vec<Toxic>) -> (Proxy, UdpSocket) {
    let server = socket();
    let mut options = options(&server.local_addr().unwrap().to_string());
    options.protocol = Protocol::Udp;
    options.idle_timeout = Duration::from_secs(1);
    let proxy = Plane::start(2).unwrap().proxy(options, toxics);
    proxy.start().unwrap();
    (proxy, server)
}

fn client(proxy: &Proxy) -> UdpSocket {
    let client = socket();
    client.connect(proxy.listen()).unwrap();
    client
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let count = socket.recv(&mut buffer).unwrap();
    buffer[..count].to_vec()
}

/// All that arrives until nothing has come for `quiet`.
fn drain(socket: &UdpSocket, quiet: Duration) -> Vec<Vec<u8>> {
    socket.set_read_timeout(Some(quiet)).unwrap();
    let mut buffer = vec![0; 65_536];
    let mut all = Vec::new();
    while let Ok(count) = socket.recv(&mut buffer) {
        all.push(buffer[..count].to_vec());
    }
    socket.set_read_timeout(Some(LONG)).unwrap();
    all
}

/// Sends 200 numbered datagrams, slowly enough for the kernel, and gives what arrived.
fn numbered(fault: Fault) -> Vec<u8> {
    let (proxy, server) = through(vec![toxic("t", Stream::Upstream, fault)]);
    let client = client(&proxy);
    for n in 0..200u8 {
        client.send(&[n]).unwrap();
        if n % 20 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let all = drain(&server, SOON).into_iter().map(|data| data[0]);
    all.collect()
}

#[test]
fn clients_get_their_own_answers_in_datagrams_of_any_size() {
    let (proxy, server) = through(Vec::new());
    let clients: Vec<_> = (0..5).map(|_| client(&proxy)).collect();
    let mut peers = BTreeMap::new();
    for (n, client) in clients.iter().enumerate() {
        for len in [0, 1, 512, 1472, 60_000] {
            let question = vec![n as u8; len];
            client.send(&question).unwrap();
            let mut buffer = vec![0; 65_536];
            let (count, peer) = server.recv_from(&mut buffer).unwrap();
            assert_eq!(buffer[..count], question);
            peers.insert(peer, n);
            server.send_to(&buffer[..count], peer).unwrap();
            assert_eq!(receive(client), question);
        }
    }
    assert_eq!(peers.len(), 5);
    // Bytes are counted once they are sent: a client may read them first.
    let begin = Instant::now();
    while proxy.traffic().received != proxy.traffic().sent {
        assert!(begin.elapsed() < LONG);
        std::thread::yield_now();
    }
    assert_eq!((proxy.traffic().accepted, proxy.traffic().dropped), (5, 0));
}

#[test]
fn latency_delays_each_way_and_its_removal_flushes_in_order() {
    let lag = toxic("lag", Stream::Downstream, latency(100));
    let (proxy, server) = through(vec![lag]);
    let client = client(&proxy);
    client.send(b"question").unwrap();
    let mut buffer = [0; 64];
    let (_, peer) = server.recv_from(&mut buffer).unwrap();
    let begin = Instant::now();
    server.send_to(b"answer", peer).unwrap();
    assert_eq!(receive(&client), b"answer");
    let taken = begin.elapsed();
    assert!(
        taken >= Duration::from_millis(100) && taken < LONG / 10,
        "{taken:?}"
    );

    proxy.update("lag", 1.0, latency(60_000)).unwrap();
    for n in 0..50u8 {
        server.send_to(&[n], peer).unwrap();
    }
    client.set_read_timeout(Some(SOON)).unwrap();
    let silent = client.recv(&mut buffer).unwrap_err();
    assert_eq!(silent.kind(), ErrorKind::WouldBlock);
    proxy.remove("lag").unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    let flushed: Vec<u8> = (0..50).map(|_| receive(&client)[0]).collect();
    assert!(flushed.into_iter().eq(0..50));
}

#[test]
fn loss_duplicates_and_reordering_hit_their_share_and_repeat_with_the_seed() {
    let loss = || {
        numbered(Fault::PacketLoss(PacketLoss {
            loss_rate: 0.3,
            correlation: 0.0,
        }))
    };
    let lost = loss();
    assert!((110..170).contains(&lost.len()), "{}", lost.len());
    assert!(lost.is_sorted());
    assert_eq!(lost, loss());

    let twice = numbered(Fault::Duplicate(Duplicate {
        duplicate_rate: 0.3,
    }));
    assert!((230..290).contains(&twice.len()), "{}", twice.len());

    let shuffled = numbered(Fault::Reorder(Reorder {
        reorder_rate: 0.3,
        gap: 2,
        hold_us: 10_000,
    }));
    assert_eq!(shuffled.len(), 200);
    assert!(!shuffled.is_sorted());
    let mut sorted = shuffled;
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..200));
}

#[test]
fn bandwidth_passes_whole_datagrams_at_its_rate() {
    let narrow = Fault::Bandwidth(Bandwidth {
        bytes_per_second: 50_000,
    });
    let (proxy, server) = through(vec![toxic("narrow", Stream::Upstream, narrow)]);
    let client = client(&proxy);
    let begin = Instant::now();
    for n in 0..20u8 {
        client.send(&[n; 1000]).unwrap();
    }
    for n in 0..20u8 {
        assert_eq!(receive(&server), [n; 1000]);
    }
    let taken = begin.elapsed();
    assert!(
        taken >= Duration::from_millis(390) && taken < LONG / 10,
        "{taken:?}"
    );
}

#[test]
fn a_silent_client_is_forgotten_and_comes_back_as_a_new_one() {
    let (proxy, server) = through(vec![toxic("n", Stream::Upstream, Fault::Noop(Noop))]);
    let client = client(&proxy);
    let mut buffer = [0; 64];
    let mut ask = || {
        client.send(b"x").unwrap();
        server.recv_from(&mut buffer).unwrap().1
    };
    let first = ask();
    assert_eq!(ask(), first);
    std::thread::sleep(Duration::from_millis(1500));
    assert_ne!(ask(), first);
    assert_eq!(proxy.traffic().accepted, 2);
    assert_eq!(proxy.faults()[0].connections, 2);
}

#[test]
fn more_clients_than_there_is_room_for_push_out_the_oldest() {
    let (proxy, server) = through(Vec::new());
    let mut buffer = [0; 64];
    let socket = socket();
    socket.connect(proxy.listen()).unwrap();
    socket.send(b"first").unwrap();
    let (_, old) = server.recv_from(&mut buffer).unwrap();
    for n in 0..100u32 {
        let client = client(&proxy);
        client.send(&n.to_be_bytes()).unwrap();
        let (count, _) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..count], n.to_be_bytes());
    }
    socket.send(b"still").unwrap();
    let (_, peer) = server.recv_from(&mut buffer).unwrap();
    assert_ne!(peer, old);
    server.send_to(b"here", peer).unwrap();
    assert_eq!(receive(&socket), b"here");
}

#[test]
fn an_upstream_that_refuses_is_counted_and_can_come_back() {
    let gone = socket();
    let address = gone.local_addr().unwrap();
    drop(gone);
    // A name, which is looked up while the first datagrams wait.
    let mut options = options(&format!("localhost:{}", address.port()));
    options.protocol = Protocol::Udp;
    let proxy = Plane::start(1).unwrap().proxy(options, Vec::new());
    proxy.start().unwrap();
    let client = client(&proxy);
    let begin = Instant::now();
    while proxy.traffic().unreachable == 0 {
        client.send(b"x").unwrap();
        std::thread::sleep(Duration::from_millis(5));
        assert!(begin.elapsed() < LONG);
    }
    let server = UdpSocket::bind(address).unwrap();
    server.set_read_timeout(Some(LONG)).unwrap();
    client.send(b"again").unwrap();
    while receive(&server) != b"again" {}
}

#[test]
fn what_does_not_suit_datagrams_is_refused_and_a_taken_port_too() {
    let (proxy, _server) = through(Vec::new());
    let slicer = toxic("s", Stream::Upstream, Fault::Slicer(Slicer::default()));
    let refused = proxy.add(slicer).unwrap_err();
    assert_eq!(refused, ToxicError::Unsuited("slicer", Protocol::Udp));
    let (tcp_proxy, _listener) = super::through(Vec::new());
    let twice = Fault::Duplicate(Duplicate::default());
    let refused = tcp_proxy
        .add(toxic("d", Stream::Upstream, twice))
        .unwrap_err();
    let text = "toxic type duplicate does not suit a tcp proxy";
    assert_eq!(refused.to_string(), text);

    let mut taken = options("127.0.0.1:1");
    taken.protocol = Protocol::Udp;
    taken.listen = tcp(&proxy.listen());
    let plane = Plane::start(1).unwrap();
    let error = plane.proxy(taken.clone(), Vec::new()).start().unwrap_err();
    let wanted = format!(
        "listen udp {}: bind: address already in use",
        proxy.listen()
    );
    assert_eq!(error.to_string(), wanted);
    taken.listen = tcp("/tmp/rchaos-never");
    assert!(plane.proxy(taken, Vec::new()).start().is_err());
}

#[test]
fn stopping_refuses_and_starting_listens_on_the_same_port() {
    let (proxy, server) = through(vec![toxic("lag", Stream::Upstream, latency(1))]);
    let client = client(&proxy);
    client.send(b"x").unwrap();
    assert_eq!(receive(&server), b"x");
    let address = proxy.listen();
    proxy.stop();
    // Nobody has the port any more, so that it can be bound by another.
    drop(UdpSocket::bind(&address).unwrap());
    proxy.start().unwrap();
    assert_eq!(proxy.listen(), address);
    let again = self::client(&proxy);
    again.send(b"y").unwrap();
    assert_eq!(receive(&server), b"y");
}
