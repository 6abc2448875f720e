//! Connections from the first byte to the last, and what the proxy outlives.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use super::{LONG, dial, latency, options, pair, pass, pattern, tcp, through, toxic};
use crate::fault::proxy::kinds::{Bandwidth, Down, Noop, Slicer};
use crate::fault::proxy::{Fault, Plane, Stream};

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
        let down = toxic("down", Stream::Downstream, Fault::Down(Down));
        proxy.add(down).unwrap();
        assert!(client.write_all(&block).is_err_and(|error| {
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            )
        }));
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

#[test]
fn no_byte_is_lost_or_moved_while_faults_come_and_go() {
    let (proxy, listener) = through(Vec::new());
    let (mut client, mut server) = pair(&proxy, &listener);
    let sent = pattern(24 << 20);
    let copy = sent.clone();
    let writing = std::thread::spawn(move || client.write_all(&copy).map(|()| client));
    let reading = std::thread::spawn(move || {
        let mut read = vec![0; 24 << 20];
        server.read_exact(&mut read).map(|()| read)
    });
    let faults = [
        latency(3),
        Fault::Bandwidth(Bandwidth {
            bytes_per_second: 50_000_000,
        }),
        Fault::Slicer(Slicer {
            average_size: 700,
            size_variation: 600,
            delay_us: 1,
        }),
    ];
    for round in 0..600 {
        let (first, second) = (faults[round % 3], faults[(round / 3) % 3]);
        proxy.add(toxic("a", Stream::Upstream, first)).unwrap();
        proxy.add(toxic("b", Stream::Upstream, second)).unwrap();
        std::thread::sleep(Duration::from_micros(round as u64 % 7 * 100));
        proxy.update("a", (round % 2) as f32, first).unwrap();
        proxy.remove("a").unwrap();
        proxy.remove("b").unwrap();
    }
    writing.join().unwrap().unwrap();
    assert!(reading.join().unwrap().unwrap() == sent);
}
