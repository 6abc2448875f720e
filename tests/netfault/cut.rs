//! What is cut, and what is not: black holes, refusals, partitions.

use std::time::{Duration, Instant};

use rchaos::fault::net::namespace::Place;
use rchaos::fault::{Fault, Healed, Target};
use serde_json::{Value, json};

use super::hosts::{Hosts, Outcome, build};

const LEASE: Duration = Duration::from_secs(60);

fn inject(hosts: &Hosts, kind: &str, options: Value) -> Box<dyn Fault> {
    let mut fault = build(kind, options, &hosts.shared);
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let sight = fault.inspect().unwrap();
    assert!(sight.installed, "{sight:?}");
    fault
}

fn hits(fault: &mut Box<dyn Fault>) -> u64 {
    fault.inspect().unwrap().hits.unwrap()
}

/// All pairs of hosts that reach each other over UDP, by IPv4 and IPv6 alike.
fn reached(hosts: &Hosts) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            let v4 = hosts.udp(from, hosts.address(to), 7);
            let v6 = hosts.udp(from, hosts.address6(to), 7);
            assert_eq!(v4, v6, "{from} to {to}");
            if v4 {
                pairs.push((from, to));
            }
        }
    }
    pairs
}

const ALL: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];

#[test]
fn a_partition_cuts_between_groups_and_nowhere_else() {
    let Some(hosts) = Hosts::make("partition") else {
        return;
    };
    assert_eq!(reached(&hosts), ALL);
    let groups = json!([[hosts.target(0), hosts.target(1)], [hosts.target(2)]]);
    let options = json!({ "groups": groups, "one_way": false });
    let mut fault = inject(&hosts, "netfault.partition", options);
    assert_eq!(reached(&hosts), [(0, 1), (1, 0)]);
    // Who takes no part still reaches all.
    assert!(super::hosts::udp(hosts.address(2), 7));
    assert!(hits(&mut fault) >= 8);
    assert_eq!(fault.heal().unwrap(), Healed::Restored);
    assert_eq!(fault.heal().unwrap(), Healed::Unchanged);
    assert_eq!(reached(&hosts), ALL);
}

#[test]
fn one_way_lets_the_answers_of_one_side_through() {
    let Some(hosts) = Hosts::make("one way") else {
        return;
    };
    let groups = json!([[hosts.target(0)], [hosts.target(1)]]);
    let options = json!({ "groups": groups, "one_way": true });
    let mut fault = inject(&hosts, "netfault.partition", options);
    // A datagram from 1 arrives, its answer does not; one from 0 does not arrive.
    let seen = |host: usize| {
        hosts.inside(host, || {
            let text = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
            let line = text.lines().filter(|line| line.starts_with("Udp:")).nth(1);
            let count = line.unwrap().split(' ').nth(1).unwrap();
            count.parse::<u64>().unwrap()
        })
    };
    let (before0, before1) = (seen(0), seen(1));
    assert!(!hosts.udp(0, hosts.address(1), 7));
    assert!(!hosts.udp(1, hosts.address(0), 7));
    assert_eq!((seen(0) - before0, seen(1) - before1), (1, 0));
    fault.heal().unwrap();
}

#[test]
fn a_black_hole_swallows_what_it_names() {
    let Some(hosts) = Hosts::make("blackhole") else {
        return;
    };
    let target = hosts.target(0);
    let (one, two) = (hosts.address(1), hosts.address(2));
    let options = json!({ "target": target, "to": [{ "network": one.to_string() }] });
    let mut fault = inject(&hosts, "netfault.blackhole", options);
    assert_eq!(hosts.tcp(0, one, 7), Outcome::Silent);
    assert_eq!(hosts.tcp(0, two, 7), Outcome::Answered);
    assert_eq!(hosts.tcp(0, hosts.address6(1), 7), Outcome::Answered);
    assert!(hits(&mut fault) > 0);
    fault.heal().unwrap();
    assert_eq!(hosts.tcp(0, one, 7), Outcome::Answered);
}

#[test]
fn a_port_is_found_at_either_end_and_other_ports_are_left_alone() {
    let Some(hosts) = Hosts::make("port") else {
        return;
    };
    for direction in ["egress", "ingress", "both"] {
        for target in [0, 1] {
            let options = json!({
                "target": hosts.target(target), "direction": direction, "protocol": "tcp",
                "port": [{ "first": 7, "last": 7 }],
            });
            let mut fault = inject(&hosts, "netfault.blackhole", options);
            for address in [hosts.address(1), hosts.address6(1)] {
                assert_eq!(
                    hosts.tcp(0, address, 7),
                    Outcome::Silent,
                    "{direction} {target}"
                );
                assert_eq!(hosts.tcp(0, address, 8), Outcome::Answered);
                assert!(hosts.udp(0, address, 7), "only TCP was meant");
            }
            fault.heal().unwrap();
        }
    }
}

#[test]
fn a_refusal_is_heard_at_once() {
    let Some(hosts) = Hosts::make("reject") else {
        return;
    };
    for (target, direction) in [(0, "egress"), (1, "ingress")] {
        let options = json!({
            "target": hosts.target(target), "with": "reset", "direction": direction,
            "port": [{ "first": 7, "last": 7 }],
        });
        let mut fault = inject(&hosts, "netfault.reject", options);
        for address in [hosts.address(1), hosts.address6(1)] {
            assert_eq!(hosts.tcp(0, address, 7), Outcome::Refused, "{direction}");
            assert_eq!(hosts.tcp(0, address, 8), Outcome::Answered);
            let begun = Instant::now();
            let udp = hosts.inside(0, || refused_udp(address));
            assert_eq!(
                udp,
                Some(std::io::ErrorKind::ConnectionRefused),
                "{direction}"
            );
            assert!(begun.elapsed() < Duration::from_millis(600));
        }
        assert!(hits(&mut fault) >= 4);
        fault.heal().unwrap();
        assert_eq!(hosts.tcp(0, hosts.address(1), 7), Outcome::Answered);
    }
}

fn refused_udp(to: std::net::IpAddr) -> Option<std::io::ErrorKind> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = std::net::UdpSocket::bind(any).unwrap();
    socket.connect((to, 7)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let _ = socket.send(b"x");
    socket.recv(&mut [0; 1]).err().map(|error| error.kind())
}

#[test]
fn exceptions_and_the_controller_are_left_alone() {
    let Some(hosts) = Hosts::make("except") else {
        return;
    };
    let options = json!({
        "target": hosts.target(0), "direction": "both",
        "to": [{ "network": "10.0.0.0/8" }], "except": [{ "network": hosts.address(2).to_string() }],
    });
    let mut fault = inject(&hosts, "netfault.blackhole", options.clone());
    assert!(!hosts.udp(0, hosts.address(1), 7));
    assert!(hosts.udp(0, hosts.address(2), 7));
    assert!(!super::hosts::udp(hosts.address(0), 7));
    fault.heal().unwrap();

    let mut context = super::hosts::context(&hosts.shared);
    context.exempt = vec![hosts.own.0];
    let spec = rchaos::fault::Spec {
        kind: "netfault.blackhole".to_owned(),
        options,
    };
    let mut fault = (rchaos::fault::find(&spec.kind).unwrap().build)(&spec, &context).unwrap();
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(super::hosts::udp(hosts.address(0), 7));
    assert!(!hosts.udp(0, hosts.address(1), 7));
    fault.heal().unwrap();
}

#[test]
fn faults_on_one_target_compose_and_heal_in_any_order() {
    let Some(hosts) = Hosts::make("compose") else {
        return;
    };
    let to = |host: usize| {
        let to = json!([{ "target": hosts.target(host) }]);
        json!({ "target": hosts.target(0), "to": to })
    };
    let reach = || {
        (
            hosts.udp(0, hosts.address(1), 7),
            hosts.udp(0, hosts.address6(2), 7),
        )
    };
    let mut one = inject(&hosts, "netfault.blackhole", to(1));
    let mut two = inject(&hosts, "netfault.blackhole", to(2));
    assert_eq!(reach(), (false, false));
    one.heal().unwrap();
    assert_eq!(reach(), (true, false));
    let mut again = inject(&hosts, "netfault.blackhole", to(1));
    two.heal().unwrap();
    assert_eq!(reach(), (false, true));
    again.heal().unwrap();
    assert_eq!(reach(), (true, true));
}

#[test]
fn many_networks_and_ports_fit_into_one_fault() {
    let Some(hosts) = Hosts::make("many") else {
        return;
    };
    let mut to: Vec<_> = (0..2000)
        .map(|n| json!({ "network": format!("172.20.{}.{}/32", n / 200, n % 200 * 2 / 2 + 1) }))
        .collect();
    to.push(json!({ "network": hosts.address(1).to_string() }));
    let options = json!({ "target": hosts.target(0), "to": to });
    let mut fault = inject(&hosts, "netfault.blackhole", options);
    assert!(!hosts.udp(0, hosts.address(1), 7));
    assert!(hosts.udp(0, hosts.address(2), 7));
    fault.heal().unwrap();
    assert!(hosts.udp(0, hosts.address(1), 7));
}

#[test]
fn the_lease_ends_it_and_nothing_brings_it_back() {
    let Some(hosts) = Hosts::make("lease") else {
        return;
    };
    let options = json!({ "target": hosts.target(0) });
    let mut fault = build("netfault.blackhole", options, &hosts.shared);
    fault.preflight().unwrap();
    fault.inject(Duration::from_millis(1500)).unwrap();
    assert!(!hosts.udp(0, hosts.address(1), 7));
    fault.renew(Duration::from_millis(1500)).unwrap();
    assert!(!hosts.udp(0, hosts.address(1), 7));
    std::thread::sleep(Duration::from_millis(2000));
    assert!(hosts.udp(0, hosts.address(1), 7));
    assert!(!fault.inspect().unwrap().installed);
    let error = fault.renew(LEASE).unwrap_err();
    assert!(
        matches!(error, rchaos::fault::Trouble::Fenced(_)),
        "{error}"
    );
    assert!(hosts.udp(0, hosts.address(1), 7));
    assert_eq!(fault.heal().unwrap(), Healed::Restored);
}

#[test]
fn a_namespace_that_is_removed_ends_within_a_second() {
    let Some(hosts) = Hosts::make("removed") else {
        return;
    };
    let options = json!({ "target": hosts.target(0) });
    let mut fault = inject(&hosts, "netfault.blackhole", options);
    // Its end of the link to the bridge goes with it: the name alone would only hide it.
    let cookie =
        rchaos::fault::net::namespace::Namespace::find(Place::Named(hosts.names[0].clone()));
    assert!(cookie.is_ok());
    rchaos::fault::net::namespace::Named::remove(&hosts.names[0]).unwrap();
    let limit = Instant::now() + Duration::from_secs(1);
    let gone = loop {
        match fault.inspect() {
            Err(trouble) => break trouble,
            Ok(_) if Instant::now() > limit => panic!("still held"),
            Ok(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(gone.to_string().contains("is gone"), "{gone}");
    assert_eq!(fault.heal().unwrap(), Healed::Vanished);
}

#[test]
fn what_cannot_be_cut_is_refused_before_anything_is_touched() {
    let Some(hosts) = Hosts::make("refused") else {
        return;
    };
    let refused = |kind: &str, options: Value| {
        let mut fault = build(kind, options, &hosts.shared);
        fault.preflight().unwrap_err().to_string()
    };
    let lo = json!({ "target": Target::Host, "interface": "lo" });
    let text = refused("netfault.blackhole", lo);
    assert!(
        text.contains("whole loopback") && text.contains("`force = true`"),
        "{text}"
    );
    let loopback = json!({ "target": Target::Host, "to": [{ "network": "127.0.0.0/8" }] });
    assert!(refused("netfault.blackhole", loopback).contains("whole loopback"));
    let nobody = json!({ "target": { "target": "namespace", "name": "nobody" } });
    assert_eq!(
        refused("netfault.blackhole", nobody),
        "there is no namespace nobody"
    );
    let groups = json!([[hosts.target(0)], [hosts.target(0)]]);
    let text = refused(
        "netfault.partition",
        json!({ "groups": groups, "one_way": false }),
    );
    assert!(text.contains("share one network"), "{text}");
}
