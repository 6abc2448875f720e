//! Proxies over loopback: what clients and upstreams really see.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use super::kinds::{
    Bandwidth, Down, Latency, LimitData, Noop, PacketLoss, ResetPeer, Slicer, SlowClose, Timeout,
};
use super::*;

const LONG: Duration = Duration::from_secs(20);

fn tcp(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn options(upstream: &str) -> ProxyOptions {
    ProxyOptions {
        name: "db".to_owned(),
        listen: tcp("127.0.0.1:0"),
        upstream: tcp(upstream),
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

#[test]
fn bytes_pass_unchanged_both_ways_in_bulk_and_in_bits() {
    for fault in [None, Some(latency(1)), Some(Fault::Noop(Noop))] {
        let streams = [Stream::Upstream, Stream::Downstream];
        let toxics = fault
            .into_iter()
            .flat_map(|fault| streams.map(|stream| toxic(stream.name(), stream, fault)));
        let (proxy, listener) = through(toxics.collect());
        let (client, server) = pair(&proxy, &listener);
        for len in [1, 5, 70_000, 16 << 20] {
            let sent = pattern(len);
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut writer, mut to) = (from.try_clone().unwrap(), to);
                let copy = sent.clone();
                let writing = std::thread::spawn(move || writer.write_all(&copy).unwrap());
                let mut read = vec![0; len];
                to.read_exact(&mut read).unwrap();
                writing.join().unwrap();
                assert!(read == sent, "{len} bytes were changed");
            }
        }
    }
}

#[test]
fn a_half_close_is_passed_on_and_the_answer_still_comes() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut question = Vec::new();
    server.read_to_end(&mut question).unwrap();
    assert_eq!(question, b"question");
    server.write_all(b"answer").unwrap();
    drop(server);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"answer");
}

#[test]
fn latency_comes_goes_and_changes_on_an_open_connection() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    assert!(pass(&mut server, &mut client, b"x") < Duration::from_millis(90));
    proxy
        .add(toxic("lag", Stream::Downstream, latency(100)))
        .unwrap();
    let took = pass(&mut server, &mut client, b"x");
    assert!(
        took >= Duration::from_millis(100) && took < Duration::from_millis(180),
        "{took:?}"
    );
    assert!(pass(&mut client, &mut server, b"x") < Duration::from_millis(90));
    proxy.update("lag", 1.0, latency(200)).unwrap();
    let took = pass(&mut server, &mut client, b"x");
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_millis(290),
        "{took:?}"
    );
    proxy.update("lag", 0.0, latency(200)).unwrap();
    assert!(pass(&mut server, &mut client, b"x") < Duration::from_millis(90));
    proxy.remove("lag").unwrap();
    assert_eq!(proxy.remove("lag"), Err(ToxicError::NotFound));
}

#[test]
fn what_latency_bandwidth_and_slicer_hold_is_flushed_in_order_when_they_go() {
    let slow = [
        latency(60_000),
        Fault::Bandwidth(Bandwidth {
            bytes_per_second: 0,
        }),
        Fault::Slicer(Slicer {
            average_size: 10,
            size_variation: 0,
            delay_us: 60_000_000,
        }),
    ];
    for fault in slow {
        let (proxy, listener) = through(vec![toxic("slow", Stream::Upstream, fault)]);
        let (mut client, mut server) = pair(&proxy, &listener);
        let sent = pattern(100_000);
        let (head, tail) = sent.split_at(60_000);
        client.write_all(head).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        client.write_all(tail).unwrap();
        let begin = Instant::now();
        proxy.remove("slow").unwrap();
        let mut read = vec![0; sent.len()];
        server.read_exact(&mut read).unwrap();
        assert!(read == sent, "{} changed the bytes", fault.kind());
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn bandwidth_keeps_its_rate() {
    let fault = Fault::Bandwidth(Bandwidth {
        bytes_per_second: 500_000,
    });
    let (proxy, listener) = through(vec![toxic("slow", Stream::Downstream, fault)]);
    let (mut client, mut server) = pair(&proxy, &listener);
    let took = pass(&mut server, &mut client, &pattern(250_000)).as_secs_f64();
    assert!((0.48..0.62).contains(&took), "{took}");
}

#[test]
fn slow_close_delays_the_end_and_not_the_bytes() {
    let fault = Fault::SlowClose(SlowClose { delay_us: 200_000 });
    let (proxy, listener) = through(vec![toxic("slow", Stream::Downstream, fault)]);
    let (mut client, mut server) = pair(&proxy, &listener);
    assert!(pass(&mut server, &mut client, b"x") < Duration::from_millis(150));
    let begin = Instant::now();
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert!(begin.elapsed() >= Duration::from_millis(200));
}

#[test]
fn timeout_swallows_then_closes_and_so_does_its_removal() {
    let fault = |ms: i64| {
        Fault::Timeout(Timeout {
            timeout_us: ms * 1000,
        })
    };
    let (proxy, listener) = through(vec![toxic("gone", Stream::Upstream, fault(150))]);
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"swallowed").unwrap();
    let begin = Instant::now();
    assert_eq!(server.read(&mut [0; 9]).unwrap(), 0);
    assert!(
        begin.elapsed() >= Duration::from_millis(140),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(client.read(&mut [0]).unwrap(), 0);

    proxy.update("gone", 1.0, fault(0)).unwrap();
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"swallowed").unwrap();
    server
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let silent = server.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(
        silent,
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    proxy.remove("gone").unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn reset_peer_resets_both_sides_also_when_they_were_open_before() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    let fault = Fault::ResetPeer(ResetPeer { timeout_us: 0 });
    proxy.add(toxic("rst", Stream::Upstream, fault)).unwrap();
    client.write_all(b"x").unwrap();
    assert_eq!(
        client.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        server.read(&mut [0]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let status = &proxy.faults()[0];
    assert_eq!((status.connections, status.drawn, status.hit), (1, 1, 1));
}

#[test]
fn reset_peer_without_toxicity_leaves_an_orderly_end() {
    let fault = Fault::ResetPeer(ResetPeer { timeout_us: 0 });
    let mut miss = toxic("rst", Stream::Downstream, fault);
    miss.toxicity = 0.0;
    let (proxy, listener) = through(vec![miss]);
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn slicer_and_limit_data_cut_what_they_should() {
    let slicer = Fault::Slicer(Slicer {
        average_size: 100,
        size_variation: 0,
        delay_us: 20_000,
    });
    let limit = Fault::LimitData(LimitData { bytes: 250 });
    let (proxy, listener) = through(vec![
        toxic("cut", Stream::Downstream, slicer),
        toxic("limit", Stream::Downstream, limit),
    ]);
    let (mut client, mut server) = pair(&proxy, &listener);
    let sent = pattern(1000);
    server.write_all(&sent).unwrap();
    let mut buffer = [0; 1000];
    assert_eq!(client.read(&mut buffer).unwrap(), 100);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, &sent[100..250]);
}

#[test]
fn packet_loss_takes_all_or_nothing_at_its_ends() {
    let loss = |loss_rate| {
        Fault::PacketLoss(PacketLoss {
            loss_rate,
            correlation: 0.0,
        })
    };
    let (proxy, listener) = through(vec![toxic("loss", Stream::Upstream, loss(1.0))]);
    let (mut client, mut server) = pair(&proxy, &listener);
    client.write_all(b"lost").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    proxy.update("loss", 1.0, loss(0.0)).unwrap();
    pass(&mut client, &mut server, b"kept");
}

#[test]
fn down_cuts_open_and_new_connections() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    proxy
        .add(toxic("down", Stream::Downstream, Fault::Down(Down)))
        .unwrap();
    assert!(client.read(&mut [0]).is_err());
    assert!(dial(&proxy).read(&mut [0]).is_err());
    proxy.clear();
    listener.accept().unwrap();
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
}

#[test]
fn stop_refuses_and_closes_and_start_listens_on_the_same_port() {
    let (proxy, listener) = through(vec![toxic("lag", Stream::Upstream, latency(1))]);
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    let address = proxy.listen();
    proxy.stop();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    let refused = TcpStream::connect(&address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    proxy.start().unwrap();
    assert_eq!(proxy.listen(), address);
    assert_eq!(proxy.toxics().len(), 1);
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
    drop(proxy);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_port_in_use_is_refused_in_go_s_words() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut options = options("127.0.0.1:1");
    options.listen = tcp(&address);
    let error = Plane::start(1)
        .unwrap()
        .proxy(options, Vec::new())
        .start()
        .unwrap_err();
    let wanted = format!("listen tcp {address}: bind: address already in use");
    assert_eq!(error.to_string(), wanted);
}

#[test]
fn an_upstream_that_refuses_closes_the_client() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for upstream in [
        gone.to_string(),
        format!("localhost:{}", gone.port()),
        "no.such.invalid:1".to_owned(),
    ] {
        let proxy = Plane::start(1)
            .unwrap()
            .proxy(options(&upstream), Vec::new());
        proxy.start().unwrap();
        assert_eq!(dial(&proxy).read(&mut [0]).unwrap_or(0), 0);
        assert_eq!(proxy.traffic().unreachable, 1);
    }
}

#[test]
fn ipv6_names_and_unix_sockets_are_served_on_both_sides() {
    let home = tempfile::tempdir().unwrap();
    let (front, back) = (home.path().join("front"), home.path().join("back"));
    let upstream = UnixListener::bind(&back).unwrap();
    let plane = Plane::start(1).unwrap();
    let mut unix = options(&format!("unix:{}", back.display()));
    unix.listen = tcp(front.to_str().unwrap());
    let proxy = plane.proxy(unix.clone(), Vec::new());
    proxy.start().unwrap();
    let mut client = UnixStream::connect(&front).unwrap();
    let mut server = upstream.accept().unwrap().0;
    client.write_all(b"hello").unwrap();
    let mut read = [0; 5];
    server.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"hello");
    assert!(plane.proxy(unix.clone(), Vec::new()).start().is_err());
    drop(proxy);
    assert!(!front.exists());
    drop(UnixListener::bind(&front).unwrap());
    plane.proxy(unix, Vec::new()).start().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut six = options(&format!(
        "localhost:{}",
        listener.local_addr().unwrap().port()
    ));
    six.listen = tcp("[::1]:0");
    let proxy = plane.proxy(six, Vec::new());
    proxy.start().unwrap();
    let (mut client, mut server) = pair(&proxy, &listener);
    pass(&mut client, &mut server, b"x");
}

#[test]
fn a_reader_that_stands_still_holds_the_sender_back() {
    for fault in [None, Some(latency(1))] {
        let toxics = fault
            .into_iter()
            .map(|fault| toxic("lag", Stream::Upstream, fault));
        let (proxy, listener) = through(toxics.collect());
        let (mut client, server) = pair(&proxy, &listener);
        client
            .set_write_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let block = vec![1; 1 << 20];
        let mut sent = 0u64;
        while sent < 1 << 30 && client.write_all(&block).is_ok() {
            sent += 1 << 20;
        }
        assert!(sent < 128 << 20, "{sent} bytes were taken");
        drop(server);
    }
}

#[test]
fn a_reset_is_passed_on_in_both_directions() {
    let (proxy, listener) = through(Vec::new());
    for to_server in [true, false] {
        let (client, server) = pair(&proxy, &listener);
        let (from, mut to) = if to_server {
            (client, server)
        } else {
            (server, client)
        };
        let zero = Some(Duration::ZERO);
        rustix::net::sockopt::set_socket_linger(&from, zero).unwrap();
        drop(from);
        assert_eq!(
            to.read(&mut [0]).unwrap_err().kind(),
            ErrorKind::ConnectionReset
        );
    }
}

#[test]
fn proxies_come_and_go_under_load() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut reader, &mut &stream);
            });
        }
    });
    let plane = Plane::start(2).unwrap();
    for round in 0..30 {
        let proxy = plane.proxy(options(&upstream), Vec::new());
        proxy.start().unwrap();
        let address = proxy.listen();
        let clients = (0..4).map(|_| {
            let address = address.clone();
            std::thread::spawn(move || {
                while let Ok(mut stream) = TcpStream::connect(&address) {
                    stream.set_read_timeout(Some(LONG)).unwrap();
                    let _ = stream.write_all(b"ping");
                    let _ = stream.read(&mut [0; 4]);
                }
            })
        });
        let clients: Vec<_> = clients.collect();
        std::thread::sleep(Duration::from_millis(5 + round % 3));
        drop(proxy);
        for client in clients {
            client.join().unwrap();
        }
    }
}
