//! Connections that exist are cut, once, at both ends; others and new ones are not.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use rchaos::fault::{Healed, Target};
use serde_json::{Value, json};

use super::hosts::{Hosts, Outcome, build};
use crate::support::faults::eventually;

const LEASE: Duration = Duration::from_secs(60);

/// Cuts, and says how many connections that were.
fn cut(hosts: &Hosts, options: Value) -> u64 {
    let mut fault = build("netfault.cut", options, &hosts.shared);
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let sight = fault.inspect().unwrap();
    assert!(sight.installed, "{sight:?}");
    assert_eq!(fault.heal().unwrap(), Healed::Unchanged);
    sight.hits.unwrap()
}

/// A connection to the echo service of a host.
fn open(hosts: &Hosts, from: usize, to: IpAddr, port: u16) -> TcpStream {
    let to = SocketAddr::new(to, port);
    let stream = hosts.inside(from, || TcpStream::connect(to).unwrap());
    let limit = Some(Duration::from_secs(5));
    stream.set_read_timeout(limit).unwrap();
    assert!(alive(&stream));
    stream
}

/// Whether an echo comes back; a connection that was cut says so at once instead of in silence.
fn alive(mut stream: &TcpStream) -> bool {
    let error = match stream.write_all(b"x") {
        Ok(()) => match stream.read(&mut [0; 1]) {
            Ok(1) => return true,
            Ok(_) => return false,
            Err(error) => error,
        },
        Err(error) => error,
    };
    let loud = [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
    ];
    assert!(loud.contains(&error.kind()), "{error}");
    false
}

#[test]
fn what_is_named_is_cut_and_the_rest_goes_on() {
    let Some(hosts) = Hosts::make("connections") else {
        return;
    };
    for address in [hosts.address(1), hosts.address6(1)] {
        let (here, there) = (open(&hosts, 0, address, 7), open(&hosts, 0, address, 8));
        let other = open(&hosts, 2, address, 7);
        let to = json!([{ "network": address.to_string() }]);
        let port = json!([{ "first": 7, "last": 7 }]);
        let options = json!({ "target": hosts.target(0), "to": to, "port": port });
        assert_eq!(cut(&hosts, options.clone()), 1);
        assert_eq!(
            [alive(&here), alive(&there), alive(&other)],
            [false, true, true]
        );
        assert_eq!(cut(&hosts, options), 0, "it was cut already");
        // The way is free.
        assert_eq!(hosts.tcp(0, address, 7), Outcome::Answered);
        // From the other side: the service's own port, whoever asks, but for one peer.
        let again = open(&hosts, 0, address, 7);
        let except = json!([{ "target": hosts.target(2) }]);
        let options = json!({ "target": hosts.target(1), "port": port, "except": except });
        assert_eq!(cut(&hosts, options), 1);
        assert_eq!(
            [alive(&again), alive(&there), alive(&other)],
            [false, true, true]
        );
        let from = json!([{ "target": hosts.target(2) }]);
        assert_eq!(
            cut(&hosts, json!({ "target": hosts.target(1), "from": from })),
            1
        );
        assert_eq!([alive(&there), alive(&other)], [true, false]);
    }
}

#[test]
fn a_process_that_shares_the_host_s_network_loses_its_own_connections_only() {
    let Some(hosts) = Hosts::make("connections of a process") else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; read -u 3; exit 7",
        to.port()
    );
    let mut child = Command::new("bash").args(["-c", &script]).spawn().unwrap();
    let _its = listener.accept().unwrap();
    let mut own = TcpStream::connect(to).unwrap();
    let (mut its_end, _) = listener.accept().unwrap();
    let find = serde_json::from_value(json!({ "pid": child.id() })).unwrap();
    let target = Target::Process { find };
    let port = json!([{ "first": to.port(), "last": to.port() }]);
    let count = cut(&hosts, json!({ "target": target, "port": port }));
    let mut code = None;
    eventually("the process saw its end", Duration::from_secs(10), || {
        code = child.try_wait().unwrap().map(|status| status.code());
        code.is_some()
    });
    assert_eq!((count, code), (1, Some(Some(7))));
    own.write_all(b"x").unwrap();
    its_end.read_exact(&mut [0; 1]).unwrap();
}
