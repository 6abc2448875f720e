//! Faults on packets whose holders are lost: packets pass again, whoever is killed or frozen.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use rustix::process::Signal;

use crate::netfault::hosts::{Hosts, udp};
use crate::netfault::rates::queueing;
use crate::support::Rchaos;
use crate::support::rollback::{Faulty, PROMISE, Part, crash_tests, within};

/// The effect is seen by a datagram from this host: where the fault acts, nothing comes back.
fn crash(test: &str, body: impl FnOnce(&str) -> String) {
    let Some(hosts) = Hosts::make(test) else {
        return;
    };
    let address = hosts.address(0);
    assert!(udp(address, 7), "before the fault");
    crash_tests(&body(&hosts.names[0]), || !udp(address, 7));
}

#[test]
fn a_black_hole_ends_with_whoever_holds_it() {
    crash("crash of a black hole", |name| {
        format!("inject(netfault.blackhole(netfault.namespace(\"{name}\")))")
    });
}

#[test]
fn packets_pass_a_queue_whose_holder_is_lost() {
    // Longer than the datagram is waited for.
    crash("crash of a queue", |name| {
        format!("inject(netfault.latency(netfault.namespace(\"{name}\"), {{ delay = \"3s\" }}))")
    });
}

/// Whether a query to the echo service is answered by somebody else, or not at all: an echo is a query still.
fn answered_wrongly(to: IpAddr) -> bool {
    let query = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01";
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let limit = Some(Duration::from_millis(700));
    socket.set_read_timeout(limit).unwrap();
    socket.send_to(query, (to, 7)).unwrap();
    let mut bytes = [0; 64];
    socket.recv(&mut bytes).is_err() || bytes[2] & 0x80 != 0
}

#[test]
fn names_are_right_again_when_a_holder_is_lost() {
    let Some(hosts) = Hosts::make("crash of dns") else {
        return;
    };
    let (name, address) = (&hosts.names[0], hosts.address(0));
    let body = format!(
        "inject(netfault.dns(netfault.namespace(\"{name}\"), {{ error = \"nxdomain\", port = 7, \
         direction = \"ingress\" }}))"
    );
    crash_tests(&body, || answered_wrongly(address));
}

#[test]
fn of_two_runs_on_one_target_the_second_waits_for_the_end_of_the_first() {
    let Some(hosts) = Hosts::make("two runs on a namespace") else {
        return;
    };
    let (name, address) = (&hosts.names[0], hosts.address(0));
    let body = format!("inject(netfault.blackhole(netfault.namespace(\"{name}\")))");
    let slow =
        format!("inject(netfault.latency(netfault.namespace(\"{name}\"), {{ delay = \"3s\" }}))");
    for signal in [Signal::KILL, Signal::STOP] {
        let first = Faulty::start(&body);
        assert!(!udp(address, 7));
        let second = Rchaos::script(&slow).env("RCHAOS_STATE_DIR", first.state());
        let refused = second.run().exits(4);
        let text = refused.all();
        assert!(text.contains("is held by \"blackhole\" of run "), "{text}");
        assert!(
            !udp(address, 7),
            "the second run has healed what the first one holds"
        );
        // All parts of the first are lost while the second begins: it heals for the first, then injects, then heals.
        first.signal(&[Part::Controller, Part::Guardian, Part::Worker], signal);
        assert!(within(PROMISE * 2, || {
            let second = Rchaos::script(&slow).env("RCHAOS_STATE_DIR", first.state());
            second.run().status.code() == Some(0)
        }));
        assert!(udp(address, 7), "{signal:?}");
    }
}

#[test]
fn the_kernel_s_own_queueing_is_back_when_a_holder_is_lost() {
    let Some(hosts) = Hosts::make("crash of a bandwidth") else {
        return;
    };
    let name = &hosts.names[0];
    let body = format!(
        "inject(netfault.bandwidth(netfault.namespace(\"{name}\"), {{ rate = \"1mbit\" }}))"
    );
    crash_tests(&body, || queueing(&hosts, 0).is_ours());
    assert!(queueing(&hosts, 0).is_default());
}
