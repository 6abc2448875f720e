//! How much passes: bandwidths that are kept, and TCP that is not stalled.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rchaos::fault::net::route::{self, traffic, traffic::Discipline};
use rchaos::fault::{Healed, Tier};
use serde_json::json;

use super::held::{delay, inject};
use super::hosts::{Hosts, build};

/// Sends what it can from host 0 for a while; the bytes that arrived, and how fast they did in Mbit/s.
pub fn transfer(hosts: &Hosts, to: IpAddr, time: Duration) -> (u64, f64) {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let listener = hosts.inside(1, || TcpListener::bind(any).unwrap());
    let port = listener.local_addr().unwrap().port();
    let mut stream = hosts.inside(0, || TcpStream::connect((to, port)).unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            stream
                .set_write_timeout(Some(Duration::from_secs(3)))
                .unwrap();
            let begun = Instant::now();
            let block = vec![7; 1 << 16];
            while begun.elapsed() < time && stream.write_all(&block).is_ok() {}
        });
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut buffer = vec![0; 1 << 18];
        let (mut bytes, mut begun, mut last) = (0, None, Instant::now());
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            assert!(buffer[..count].iter().all(|byte| *byte == 7));
            last = Instant::now();
            // The first bytes come out of a full bucket.
            match begun {
                None => begun = Some(last),
                Some(_) => bytes += count as u64,
            }
        }
        let time = last - begun.unwrap();
        (bytes, bytes as f64 * 8.0 / 1e6 / time.as_secs_f64())
    })
}

#[test]
fn a_bandwidth_is_kept() {
    let Some(hosts) = Hosts::make("bandwidth") else {
        return;
    };
    let pace = json!({ "rate": 10e6 / 8.0, "burst": 32_768, "queue": 250_000 });
    let to = json!([{ "target": hosts.target(1) }]);
    for mut options in [
        json!({ "target": hosts.target(0), "to": to }),
        json!({ "target": hosts.target(0) }),
    ] {
        options["pace"] = pace.clone();
        let mut fault = inject(&hosts, "bandwidth", options.clone());
        for address in [hosts.address(1), hosts.address6(1)] {
            let (_, rate) = transfer(&hosts, address, Duration::from_secs(2));
            assert!(
                (8.5..11.0).contains(&rate),
                "{rate} Mbit/s of 10, {options}"
            );
        }
        fault.heal().unwrap();
    }
}

/// What queues the packets of a host's link, as its own `tc` would show it.
pub fn queueing(hosts: &Hosts, host: usize) -> Discipline {
    hosts.inside(host, || {
        let socket = route::open().unwrap();
        let link = route::link(&socket, "eth0").unwrap();
        traffic::root(&socket, link.index).unwrap().unwrap()
    })
}

#[test]
fn the_kernel_s_own_queueing_comes_back_when_the_last_bandwidth_is_healed() {
    let Some(hosts) = Hosts::make("htb") else {
        return;
    };
    let before = queueing(&hosts, 0);
    assert!(before.is_default(), "{before:?}");
    let pace =
        |megabits: f64| json!({ "rate": megabits * 1e6 / 8.0, "burst": 32_768, "queue": 250_000 });
    let options = |port: u16, megabits: f64| {
        let port = json!([{ "first": port, "last": port }]);
        json!({ "target": hosts.target(0), "port": port, "pace": pace(megabits) })
    };
    let mut slow = build("netfault.bandwidth", options(7, 2.0), &hosts.shared);
    let plan = slow.preflight().unwrap();
    assert!(
        plan.effect.contains("by the kernel (htb)"),
        "{}",
        plan.effect
    );
    assert_eq!(plan.tier, Tier::Journal);
    slow.inject(Duration::from_secs(60)).unwrap();
    assert!(queueing(&hosts, 0).is_ours());
    // The rest is not slowed at all.
    let (_, free) = transfer(&hosts, hosts.address(1), Duration::from_millis(500));
    assert!(free > 100.0, "{free} Mbit/s");
    assert_eq!(slow.heal().unwrap(), Healed::Restored);
    assert_eq!(queueing(&hosts, 0), before);
}

#[test]
fn of_two_bandwidths_the_smaller_one_holds_whichever_comes_first() {
    let Some(hosts) = Hosts::make("two bandwidths") else {
        return;
    };
    let before = queueing(&hosts, 0);
    let options = |megabits: f64| {
        let pace = json!({ "rate": megabits * 1e6 / 8.0, "burst": 32_768, "queue": 250_000 });
        json!({ "target": hosts.target(0), "pace": pace })
    };
    for (one, other) in [(10.0, 40.0), (40.0, 10.0)] {
        let mut first = inject(&hosts, "bandwidth", options(one));
        let mut second = build("netfault.bandwidth", options(other), &hosts.shared);
        let plan = second.preflight().unwrap();
        // A packet is in one class only.
        assert!(!plan.effect.contains("by the kernel"), "{}", plan.effect);
        second.inject(Duration::from_secs(60)).unwrap();
        let (_, rate) = transfer(&hosts, hosts.address(1), Duration::from_secs(2));
        assert!((8.0..11.0).contains(&rate), "{rate} Mbit/s");
        first.heal().unwrap();
        let (_, rate) = transfer(&hosts, hosts.address(1), Duration::from_secs(2));
        assert!(
            (other * 0.8..other * 1.1).contains(&rate),
            "{rate} Mbit/s of {other}"
        );
        second.heal().unwrap();
        assert_eq!(queueing(&hosts, 0), before);
    }
}

#[test]
fn what_somebody_else_queues_is_left_alone() {
    let Some(hosts) = Hosts::make("other queueing") else {
        return;
    };
    let link = || {
        let socket = route::open().unwrap();
        let index = route::link(&socket, "eth0").unwrap().index;
        (socket, index)
    };
    let pace = json!({ "rate": 10e6 / 8.0, "burst": 32_768, "queue": 250_000 });
    let options = json!({ "target": hosts.target(0), "pace": pace });
    // Drift: somebody puts another one in its place while it is live.
    let mut fault = inject(&hosts, "bandwidth", options.clone());
    hosts.inside(0, || {
        let (socket, index) = link();
        traffic::delete_root(&socket, index).unwrap();
        traffic::add_root_as(&socket, index, 0x10_0000).unwrap();
    });
    assert!(!fault.inspect().unwrap().installed);
    let healed = fault.heal().unwrap();
    assert!(
        matches!(&healed, Healed::Drifted(text) if text.contains("eth0 has another")),
        "{healed:?}"
    );
    // One that is there already is not replaced: packets are slowed in the agent.
    let other = queueing(&hosts, 0);
    let mut fault = build("netfault.bandwidth", options, &hosts.shared);
    let plan = fault.preflight().unwrap();
    assert!(
        plan.effect.contains("held at") && plan.tier == Tier::Lease,
        "{}",
        plan.effect
    );
    fault.inject(Duration::from_secs(60)).unwrap();
    let (_, rate) = transfer(&hosts, hosts.address(1), Duration::from_secs(1));
    assert!(rate < 13.0, "{rate} Mbit/s of 10");
    fault.heal().unwrap();
    assert_eq!(queueing(&hosts, 0), other);
}

#[test]
fn a_full_tcp_rate_passes_a_short_delay() {
    let Some(hosts) = Hosts::make("throughput") else {
        return;
    };
    let to = json!([{ "target": hosts.target(1) }]);
    let options = json!({ "target": hosts.target(0), "to": to, "delay": delay(1, 0) });
    let mut fault = inject(&hosts, "latency", options);
    let (_, rate) = transfer(&hosts, hosts.address(1), Duration::from_secs(2));
    fault.heal().unwrap();
    println!("{rate:.0} Mbit/s through 1 ms at the receiver");
    let options = json!({ "target": hosts.target(0), "delay": delay(1, 0) });
    let mut fault = inject(&hosts, "latency", options);
    let (_, resent) = transfer(&hosts, hosts.address(1), Duration::from_secs(2));
    fault.heal().unwrap();
    println!("{resent:.0} Mbit/s through 1 ms at the sender");
    // Far below what an idle machine does: it must not be stalled.
    assert!(rate > 200.0 && resent > 50.0, "{rate} and {resent}");
}
