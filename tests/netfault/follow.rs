//! Targets whose addresses change, that are started again, or that share the host's network.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rchaos::fault::net::route;
use rchaos::fault::{Fault, Target, Trouble};
use serde_json::{Value, json};

use super::held::{delay, inject};
use super::hosts::{Hosts, Outcome, build};
use crate::support::faults::eventually;

/// Far above what a plan every two seconds takes.
const SOON: Duration = Duration::from_secs(12);

/// A process that sleeps in a host's network, known by its arguments.
struct Sleeper(Child);

impl Sleeper {
    fn start(hosts: &Hosts, host: usize, seconds: &str) -> Self {
        let start = || Command::new("sleep").arg(seconds).spawn().unwrap();
        Self(hosts.inside(host, start))
    }

    /// A number that nobody else sleeps for.
    fn seconds() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("600.{:07}{number:02}", std::process::id())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn process(find: &Value) -> Value {
    json!(Target::Process {
        find: serde_json::from_value(find.clone()).unwrap()
    })
}

/// Inspects, as the agent does all the time, until something is seen from outside.
fn until(fault: &mut Box<dyn Fault>, what: &str, seen: impl Fn() -> bool) -> Vec<String> {
    let mut news = Vec::new();
    eventually(what, SOON, || {
        assert!(fault.inspect().unwrap().installed);
        news.extend(fault.news());
        seen()
    });
    news
}

#[test]
fn an_address_that_a_peer_gets_later_is_cut_too() {
    let Some(hosts) = Hosts::make("new address") else {
        return;
    };
    let mut later = match hosts.address(1) {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => unreachable!("the first address is of IPv4"),
    };
    later[3] = 77;
    let later = IpAddr::from(later);
    let to = json!([{ "target": hosts.target(1) }]);
    let groups = json!([[hosts.target(0)], [hosts.target(1)]]);
    let mut cut = inject(
        &hosts,
        "blackhole",
        json!({ "target": hosts.target(0), "to": to }),
    );
    let partition = json!({ "groups": groups, "one_way": false });
    let mut partition = inject(&hosts, "partition", partition);
    let slow = json!({ "target": hosts.target(0), "to": to, "delay": delay(20, 0) });
    let mut slow = inject(&hosts, "latency", slow);
    hosts.inside(1, || {
        let socket = route::open().unwrap();
        route::add_address(&socket, "eth0", later, 24).unwrap();
    });
    partition.heal().unwrap();
    let before = cut.inspect().unwrap().hits.unwrap();
    assert!(!hosts.udp(0, hosts.address(1), 7));
    let news = until(&mut cut, "the new address is cut", || {
        !hosts.udp(0, later, 7)
    });
    assert!(news[0].contains("addresses have changed"), "{news:?}");
    assert!(!hosts.udp(0, hosts.address6(1), 7) && hosts.udp(0, hosts.address(2), 7));
    let after = cut.inspect().unwrap().hits.unwrap();
    assert!(
        after >= before + 3,
        "{before} then {after}: counts were lost"
    );
    cut.heal().unwrap();
    assert!(hosts.udp(0, later, 7));
    assert!(slow.inspect().unwrap().installed);
    slow.heal().unwrap();
}

#[test]
fn a_process_that_is_started_again_elsewhere_is_followed() {
    let Some(hosts) = Hosts::make("started again") else {
        return;
    };
    let seconds = Sleeper::seconds();
    let first = Sleeper::start(&hosts, 0, &seconds);
    let by_name = json!({ "cmdline": seconds });
    eventually("the process is there", SOON, || {
        build(
            "netfault.blackhole",
            json!({ "target": process(&by_name) }),
            &hosts.shared,
        )
        .preflight()
        .is_ok()
    });
    let options = json!({ "target": process(&by_name) });
    let mut fault = inject(&hosts, "blackhole", options);
    assert!(!hosts.udp(0, hosts.address(1), 7), "its own network is hit");
    assert!(fault.inspect().unwrap().hits.unwrap() > 0);
    assert!(hosts.udp(2, hosts.address(1), 7));
    drop(first);
    let mut news = Vec::new();
    eventually("its end is noted", SOON, || {
        let sight = fault.inspect().unwrap();
        news.extend(fault.news());
        assert!(sight.installed);
        news.iter().any(|text| text.starts_with("void for now"))
    });
    let _second = Sleeper::start(&hosts, 2, &seconds);
    let news = until(&mut fault, "it is hit again", || {
        !hosts.udp(2, hosts.address(1), 7)
    });
    assert!(
        news.iter().any(|text| text.contains("another network")),
        "{news:?}"
    );
    assert!(hosts.udp(0, hosts.address(1), 7));
    assert!(fault.inspect().unwrap().hits.unwrap() >= 2);
    fault.heal().unwrap();
    assert!(hosts.udp(2, hosts.address(1), 7));
}

#[test]
fn a_process_that_was_named_by_its_pid_is_no_other_one() {
    let Some(hosts) = Hosts::make("pid") else {
        return;
    };
    let sleeper = Sleeper::start(&hosts, 0, "600");
    let options = json!({ "target": process(&json!({ "pid": sleeper.0.id() })) });
    let mut fault = inject(&hosts, "blackhole", options);
    assert!(!hosts.udp(0, hosts.address(1), 7));
    drop(sleeper);
    let mut gone = None;
    eventually("its end", SOON, || {
        gone = fault.inspect().err();
        gone.is_some()
    });
    assert!(matches!(gone, Some(Trouble::Vanished(_))), "{gone:?}");
    assert!(hosts.udp(0, hosts.address(1), 7));
    fault.heal().unwrap();
}

/// A client on this host that says all the time whether an address still echoes over the connection that it has.
struct Client {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Client {
    fn start(to: IpAddr, cgroup: Option<&Path>) -> Self {
        let join = cgroup.map_or_else(String::new, |folder| {
            format!("echo $$ > {}/cgroup.procs; ", folder.display())
        });
        // A new connection whenever one was given up.
        let script = format!(
            "{join}while true; do exec 3<>/dev/tcp/{to}/7; \
             while echo x >&3 && read -t 1 -u 3 got; do echo ok; done; echo no; exec 3>&-; done 2>/dev/null"
        );
        let mut child = Command::new("bash")
            .args(["-c", &script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut client = Self { child, lines };
        assert_eq!(client.next(), "ok\n");
        client
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    /// The next word of this kind; between two words is at most a second.
    fn until(&mut self, word: &str) -> bool {
        let limit = std::time::Instant::now() + SOON;
        while std::time::Instant::now() < limit {
            if self.next().trim() == word {
                return true;
            }
        }
        false
    }

    fn target(&self) -> Value {
        process(&json!({ "pid": self.child.id() }))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn echoes(stream: &mut TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_secs(3)))
        .unwrap();
    stream.write_all(b"y").is_ok() && stream.read_exact(&mut [0; 1]).is_ok()
}

#[test]
fn of_processes_that_share_the_host_s_network_only_the_target_is_hit() {
    let Some(hosts) = Hosts::make("shared network") else {
        return;
    };
    let mut own = TcpStream::connect((hosts.address(0), 7)).unwrap();
    let mut client = Client::start(hosts.address(0), None);
    let options = json!({ "target": client.target(), "direction": "both" });
    let mut fault = build("netfault.blackhole", options, &hosts.shared);
    let effect = fault.preflight().unwrap().effect;
    assert!(effect.contains("best effort: by the ports"), "{effect}");
    fault.inject(Duration::from_secs(60)).unwrap();
    assert!(client.until("no"), "the connection that was open is cut");
    assert!(echoes(&mut own), "another process is not");
    assert_eq!(super::hosts::tcp(hosts.address(0), 7), Outcome::Answered);
    assert!(fault.inspect().unwrap().hits.unwrap() > 0);
    fault.heal().unwrap();
    assert!(client.until("ok"), "it goes on");
}

#[test]
fn a_service_that_shares_the_host_s_network_is_known_by_its_port() {
    let Some(hosts) = Hosts::make("shared service") else {
        return;
    };
    if !crate::support::gate::met("python3", "shared service") {
        return;
    }
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let serve = "import socket,sys\ns=socket.create_server(('',int(sys.argv[1])))\n\
                 while True:\n c,_=s.accept()\n c.sendall(c.recv(9))\n c.close()";
    let start = Command::new("python3")
        .args(["-c", serve, &free.to_string()])
        .spawn();
    let service = Sleeper(start.unwrap());
    let own = hosts.own.0;
    eventually("the service", SOON, || {
        hosts.tcp(0, own, free) == Outcome::Answered
    });
    let target = process(&json!({ "pid": service.0.id() }));
    let mut fault = inject(
        &hosts,
        "reject",
        json!({ "target": target, "with": "reset", "direction": "ingress" }),
    );
    assert_eq!(hosts.tcp(0, own, free), Outcome::Refused);
    fault.heal().unwrap();
    assert_eq!(hosts.tcp(0, own, free), Outcome::Answered);
}

/// A control group of version 2 of the test's own.
struct Group(tempfile::TempDir, PathBuf);

impl Group {
    fn make() -> Self {
        let mount = tempfile::tempdir().unwrap();
        let done = Command::new("mount")
            .args(["-t", "cgroup2", "none"])
            .arg(mount.path())
            .status();
        assert!(done.unwrap().success());
        let folder = mount
            .path()
            .join(format!("rchaos-test-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        Self(mount, folder)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        eventually("the group is empty", SOON, || {
            std::fs::remove_dir(&self.1).is_ok()
        });
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_control_group_tells_a_process_from_others() {
    let Some(hosts) = Hosts::make("control group") else {
        return;
    };
    let group = Group::make();
    let mut own = TcpStream::connect((hosts.address(0), 7)).unwrap();
    let mut client = Client::start(hosts.address(0), Some(&group.1));
    let options = json!({ "target": client.target() });
    let mut fault = build("netfault.blackhole", options, &hosts.shared);
    let effect = fault.preflight().unwrap().effect;
    assert!(effect.contains("by its control group"), "{effect}");
    fault.inject(Duration::from_secs(60)).unwrap();
    assert!(client.until("no"));
    assert!(echoes(&mut own), "another process is not hit");
    fault.heal().unwrap();
    assert!(client.until("ok"));
    drop(client);
}
