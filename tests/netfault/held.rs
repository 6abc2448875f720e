//! What is held, lost, doubled or damaged in user space: asked against got.

use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant};

use rchaos::fault::Fault;
use serde_json::{Value, json};

use super::hosts::{Hosts, build};
use super::rates::transfer;

const LEASE: Duration = Duration::from_secs(60);

pub fn inject(hosts: &Hosts, kind: &str, options: Value) -> Box<dyn Fault> {
    let mut fault = build(&format!("netfault.{kind}"), options, &hosts.shared);
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let sight = fault.inspect().unwrap();
    assert!(sight.installed, "{sight:?}");
    fault
}

pub fn delay(milliseconds: u64, jitter: u64) -> Value {
    json!({
        "delay": Duration::from_millis(milliseconds), "jitter": Duration::from_millis(jitter),
        "correlation": 0.0, "distribution": "uniform",
    })
}

fn share(share: f64, correlation: f64) -> Value {
    json!({ "share": share, "correlation": correlation })
}

/// The round trips of some datagrams, sorted, in milliseconds.
fn round_trips(hosts: &Hosts, from: usize, to: IpAddr, count: usize) -> Vec<f64> {
    hosts.inside(from, || {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        let mut times: Vec<f64> = (0..count)
            .map(|_| {
                let sent = Instant::now();
                socket.send_to(b"x", (to, 7)).unwrap();
                socket.recv(&mut [0; 8]).unwrap();
                sent.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times
    })
}

/// What a fault without jitter does to a round trip, in milliseconds: a busy machine can only add to it, so this is
/// the lower quartile.
fn typical(hosts: &Hosts, to: IpAddr) -> f64 {
    let times = round_trips(hosts, 0, to, 15);
    times[times.len() / 4]
}

/// The numbers of the datagrams that arrive at host 1 of those that host 0 sends, in order of arrival.
fn arrivals(hosts: &Hosts, to: IpAddr, count: u32, gap: Duration) -> Vec<u32> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let receiver = hosts.inside(1, || UdpSocket::bind(any).unwrap());
    receiver
        .set_read_timeout(Some(Duration::from_millis(600)))
        .unwrap();
    let port = receiver.local_addr().unwrap().port();
    let sender = hosts.inside(0, || UdpSocket::bind(any).unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..count {
                // Past the IP header any bit may be flipped; only a wrong checksum tells.
                let _ = sender.send_to(&number.to_be_bytes(), (to, port));
                std::thread::sleep(gap);
            }
        });
        let mut seen = Vec::new();
        let mut buffer = [0; 64];
        while let Ok(4) = receiver.recv(&mut buffer) {
            seen.push(u32::from_be_bytes(buffer[..4].try_into().unwrap()));
        }
        seen
    })
}

fn within(got: f64, low: f64, high: f64) {
    assert!(
        (low..=high).contains(&got),
        "{got} is not in {low} to {high}"
    );
}

#[test]
fn a_delay_is_one_way_wherever_it_is_held() {
    let Some(hosts) = Hosts::make("latency") else {
        return;
    };
    let to = json!([{ "target": hosts.target(1) }]);
    let target = hosts.target(0);
    let cases = [
        (
            "at the receiver",
            json!({ "target": target, "to": to }),
            20.0,
        ),
        ("at the sender", json!({ "target": target }), 20.0),
        (
            "ingress",
            json!({ "target": target, "direction": "ingress" }),
            20.0,
        ),
        (
            "both",
            json!({ "target": target, "direction": "both", "to": to }),
            40.0,
        ),
        (
            "both, alone",
            json!({ "target": target, "direction": "both" }),
            40.0,
        ),
    ];
    for (name, mut options, asked) in cases {
        options["delay"] = delay(20, 0);
        let mut fault = inject(&hosts, "latency", options);
        for address in [hosts.address(1), hosts.address6(1)] {
            let got = typical(&hosts, address);
            assert!(
                (asked..asked + 6.0).contains(&got),
                "{name}: {got} ms, asked {asked}"
            );
        }
        assert!(fault.inspect().unwrap().hits.unwrap() >= 30);
        assert!(fault.inspect().unwrap().installed);
        fault.heal().unwrap();
        within(typical(&hosts, hosts.address(1)), 0.0, 6.0);
    }
}

#[test]
fn delays_of_one_target_add_up() {
    let Some(hosts) = Hosts::make("composed latency") else {
        return;
    };
    let options = |milliseconds: u64, direction: &str| {
        json!({
            "target": hosts.target(0), "direction": direction, "delay": delay(milliseconds, 0),
        })
    };
    let mut one = inject(&hosts, "latency", options(10, "egress"));
    let mut two = inject(&hosts, "latency", options(20, "egress"));
    let mut three = inject(&hosts, "latency", options(30, "ingress"));
    for address in [hosts.address(1), hosts.address6(1)] {
        within(typical(&hosts, address), 60.0, 68.0);
    }
    one.heal().unwrap();
    within(typical(&hosts, hosts.address(1)), 50.0, 58.0);
    let mut four = inject(&hosts, "latency", options(5, "egress"));
    within(typical(&hosts, hosts.address(1)), 55.0, 63.0);
    three.heal().unwrap();
    two.heal().unwrap();
    within(typical(&hosts, hosts.address(1)), 5.0, 11.0);
    four.heal().unwrap();
}

#[test]
fn only_what_the_filter_names_is_delayed() {
    let Some(hosts) = Hosts::make("filtered latency") else {
        return;
    };
    let options = json!({
        "target": hosts.target(0), "delay": delay(40, 0), "protocol": "udp",
        "port": [{ "first": 7, "last": 7 }], "to": [{ "network": hosts.address(1).to_string() }],
    });
    let mut fault = inject(&hosts, "latency", options);
    within(typical(&hosts, hosts.address(1)), 40.0, 46.0);
    within(typical(&hosts, hosts.address(2)), 0.0, 6.0);
    within(typical(&hosts, hosts.address6(1)), 0.0, 6.0);
    fault.heal().unwrap();
}

#[test]
fn jitter_spreads_delays_around_their_mean() {
    let Some(hosts) = Hosts::make("jitter") else {
        return;
    };
    let options = json!({ "target": hosts.target(0), "delay": delay(20, 10) });
    let mut fault = inject(&hosts, "latency", options);
    let times = round_trips(&hosts, 0, hosts.address(1), 150);
    fault.heal().unwrap();
    within(times[0], 9.9, 13.0);
    within(times[times.len() / 2], 17.0, 25.0);
    within(times[times.len() - 8], 27.0, 36.0);
}

#[test]
fn as_much_is_lost_as_was_asked_for() {
    let Some(hosts) = Hosts::make("loss") else {
        return;
    };
    let to = json!([{ "target": hosts.target(1) }]);
    let gilbert = json!({ "to_bad": 0.1, "to_good": 0.3, "bad": 1.0, "good": 0.0 });
    let states = json!({ "p13": 0.05, "p31": 0.3, "p32": 0.2, "p23": 0.5, "p14": 0.02 });
    let cases = [
        (json!({ "states": states }), to.clone(), 0.149),
        (json!({ "random": share(0.3, 0.0) }), Value::Null, 0.3),
        (json!({ "random": share(0.3, 0.5) }), Value::Null, 0.3),
        (json!({ "random": share(0.3, 0.5) }), to.clone(), 0.3),
        (json!({ "gilbert": gilbert }), to, 0.25),
    ];
    for (loss, to, asked) in cases {
        let mut options = json!({ "target": hosts.target(0), "loss": loss });
        if !to.is_null() {
            options["to"] = to;
        }
        let mut fault = inject(&hosts, "loss", options);
        let got = arrivals(&hosts, hosts.address(1), 1500, Duration::from_micros(200));
        let lost = 1.0 - got.len() as f64 / 1500.0;
        let sight = fault.inspect().unwrap();
        fault.heal().unwrap();
        assert!(
            (lost - asked).abs() < 0.09,
            "{loss}: lost {lost}, asked {asked}"
        );
        within(
            sight.hits.unwrap() as f64 / 1500.0,
            lost - 0.02,
            lost + 0.02,
        );
        let all = arrivals(&hosts, hosts.address(1), 50, Duration::from_micros(200));
        assert_eq!(all.len(), 50);
    }
}

#[test]
fn copies_arrive_and_are_not_copied_again() {
    let Some(hosts) = Hosts::make("duplicate") else {
        return;
    };
    let to = json!([{ "target": hosts.target(1) }]);
    for options in [
        json!({ "target": hosts.target(0) }),
        json!({ "target": hosts.target(0), "to": to }),
    ] {
        let mut options = options;
        options["duplicate"] = share(0.5, 0.0);
        for address in [hosts.address(1), hosts.address6(1)] {
            let mut fault = inject(&hosts, "duplicate", options.clone());
            let got = arrivals(&hosts, address, 400, Duration::from_micros(500));
            fault.heal().unwrap();
            within(got.len() as f64, 400.0 + 150.0, 400.0 + 250.0);
            let times = |number: u32| got.iter().filter(|one| **one == number).count();
            assert!((0..400).all(|number| (1..=2).contains(&times(number))));
        }
    }
}

#[test]
fn damage_is_seen_by_checksums() {
    let Some(hosts) = Hosts::make("corrupt") else {
        return;
    };
    let to = json!([{ "target": hosts.target(1) }]);
    for mut options in [
        json!({ "target": hosts.target(0) }),
        json!({ "target": hosts.target(0), "to": to }),
    ] {
        options["corrupt"] = share(1.0, 0.0);
        let mut fault = inject(&hosts, "corrupt", options.clone());
        for address in [hosts.address(1), hosts.address6(1)] {
            let got = arrivals(&hosts, address, 40, Duration::from_millis(1));
            assert_eq!(got.len(), 0);
        }
        fault.heal().unwrap();
        // TCP mends it.
        options["corrupt"] = share(0.02, 0.0);
        let mut fault = inject(&hosts, "corrupt", options);
        let (bytes, _) = transfer(&hosts, hosts.address(1), Duration::from_millis(500));
        assert!(bytes > 100_000, "{bytes}");
        assert!(fault.inspect().unwrap().hits.unwrap() > 0);
        fault.heal().unwrap();
    }
}

#[test]
fn some_overtake_others() {
    let Some(hosts) = Hosts::make("reorder") else {
        return;
    };
    let options = json!({
        "target": hosts.target(0), "delay": delay(20, 0),
        "reorder": { "share": share(0.2, 0.0), "gap": 0 },
    });
    let mut fault = inject(&hosts, "reorder", options);
    let got = arrivals(&hosts, hosts.address(1), 300, Duration::from_millis(1));
    fault.heal().unwrap();
    assert_eq!(got.len(), 300);
    let overtaken = got.windows(2).filter(|pair| pair[1] < pair[0]).count();
    within(overtaken as f64, 15.0, 90.0);
}

#[test]
fn what_is_received_suffers_as_what_is_sent_does_in_both_families() {
    let Some(hosts) = Hosts::make("ingress") else {
        return;
    };
    let one = json!({ "target": hosts.target(1), "direction": "ingress" });
    let gap = Duration::from_micros(300);
    for address in [hosts.address(1), hosts.address6(1)] {
        let try_out = |kind: &str, key: &str, value: Value| {
            let mut options = one.clone();
            options[key] = value;
            if kind == "reorder" {
                options["delay"] = delay(20, 0);
            }
            let mut fault = inject(&hosts, kind, options);
            let got = arrivals(&hosts, address, 600, gap);
            fault.heal().unwrap();
            got
        };
        for correlation in [0.0, 0.4] {
            let loss = json!({ "random": share(0.3, correlation) });
            within(try_out("loss", "loss", loss).len() as f64, 340.0, 500.0);
        }
        let doubled = try_out("duplicate", "duplicate", share(0.5, 0.0));
        within(doubled.len() as f64, 820.0, 980.0);
        assert_eq!(try_out("corrupt", "corrupt", share(1.0, 0.0)).len(), 0);
        let reorder = json!({ "share": share(0.2, 0.0), "gap": 0 });
        let got = try_out("reorder", "reorder", reorder);
        assert_eq!(got.len(), 600);
        let overtaken = got.windows(2).filter(|pair| pair[1] < pair[0]).count();
        within(overtaken as f64, 30.0, 180.0);
        let mut options = one.clone();
        options["pace"] = json!({ "rate": 10e6 / 8.0, "burst": 32_768, "queue": 250_000 });
        let mut fault = inject(&hosts, "bandwidth", options);
        let (_, rate) = transfer(&hosts, address, Duration::from_secs(1));
        fault.heal().unwrap();
        within(rate, 8.0, 11.5);
    }
}

#[test]
fn several_impairments_hold_at_once_and_tcp_bears_them() {
    let Some(hosts) = Hosts::make("impair") else {
        return;
    };
    for direction in ["egress", "both"] {
        let options = json!({
            "target": hosts.target(0), "direction": direction,
            "impairment": {
                "delay": delay(5, 2), "loss": { "random": share(0.01, 0.0) },
                "duplicate": share(0.02, 0.0), "reorder": { "share": share(0.05, 0.0), "gap": 0 },
            },
        });
        let mut fault = inject(&hosts, "impair", options);
        let (bytes, _) = transfer(&hosts, hosts.address(1), Duration::from_secs(1));
        assert!(bytes > 100_000, "{bytes}");
        fault.heal().unwrap();
    }
}

#[test]
fn a_lease_that_runs_out_lets_packets_pass_the_queue() {
    let Some(hosts) = Hosts::make("queue lease") else {
        return;
    };
    let options = json!({ "target": hosts.target(0), "delay": delay(100, 0) });
    let mut fault = build("netfault.latency", options, &hosts.shared);
    fault.preflight().unwrap();
    fault.inject(Duration::from_millis(1200)).unwrap();
    within(round_trips(&hosts, 0, hosts.address(1), 1)[0], 100.0, 140.0);
    std::thread::sleep(Duration::from_millis(1300));
    within(typical(&hosts, hosts.address(1)), 0.0, 6.0);
    assert!(!fault.inspect().unwrap().installed);
    fault.heal().unwrap();
}
