//! `stress.connections` in all its manners: what the server's kernel and the server itself see.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rchaos::fault::stress::{CONNECTIONS, Connections, Manner};
use rchaos::fault::{Fault, Healed};

use crate::support::faults::{LEASE, build, context, eventually};
use crate::support::rollback::crash_tests;

fn connections(port: u16, manner: Manner, tls: bool) -> Box<dyn Fault> {
    let options = Connections {
        to: format!("127.0.0.1:{port}"),
        count: 20,
        rate: None,
        manner,
        tls,
        target: None,
    };
    let mut fault = build(&CONNECTIONS, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    eventually("all are counted", Duration::from_secs(20), || {
        fault.inspect().unwrap().hits == Some(20)
    });
    fault
}

/// How many sockets at a local port are in a state: `03` is one whose first packet was answered and not confirmed.
fn in_state(port: u16, state: &str) -> usize {
    let text = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let lines = text.lines().filter(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        fields
            .get(1)
            .is_some_and(|address| address.ends_with(&local))
            && fields.get(3) == Some(&state)
    });
    lines.count()
}

#[test]
fn half_open_ones_stay_in_the_queue_and_are_never_accepted() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let port = server.local_addr().unwrap().port();
    let mut fault = connections(port, Manner::HalfOpen, false);
    eventually("they are in the queue", Duration::from_secs(10), || {
        in_state(port, "03") == 20
    });
    assert!(server.accept().is_err());
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    // The server asks again, and now is told that there is nobody.
    eventually("the queue is empty", Duration::from_secs(30), || {
        in_state(port, "03") == 0
    });
}

#[test]
fn a_server_of_tls_sees_handshakes_that_are_done() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let serve = std::thread::spawn(move || {
        let mut streams = Vec::new();
        for _ in 0..20 {
            let (mut socket, _) = server.accept().unwrap();
            let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut socket).unwrap();
            }
            streams.push(rustls::StreamOwned::new(tls, socket));
        }
        // The first line of a request that never ends comes through it.
        let mut start = [0; 16];
        streams[19].read_exact(&mut start).unwrap();
        (start, streams)
    });
    let mut fault = connections(port, Manner::Slow, true);
    let (start, streams) = serve.join().unwrap();
    assert_eq!(&start, b"GET / HTTP/1.1\r\n");
    fault.heal().unwrap();
    for mut stream in streams {
        // It has come to its end, one way or the other.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

#[test]
fn connections_are_closed_whoever_is_lost() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let body = format!(
        r#"
local live = inject(stress.connections {{ to = "127.0.0.1:{port}", count = 10 }})
eventually("they are there", function() return live.facts.count == 10 end, {{ within = "20s" }})
"#
    );
    // Kept by the server; those that the client has closed are in another state.
    server.set_nonblocking(true).unwrap();
    let held = std::cell::RefCell::new(Vec::new());
    crash_tests(&body, || {
        while let Ok((one, _)) = server.accept() {
            held.borrow_mut().push(one);
        }
        let live = in_state(port, "01") > 0;
        if !live {
            held.borrow_mut().clear();
        }
        live
    });
}
