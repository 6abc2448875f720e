//! `process.spawn`: a program of the script's own, with all that it forks.

use std::collections::BTreeMap;
use std::time::Duration;

use rchaos::fault::process::{Clock, Ready, SPAWN, Sign, Spawn, Stop};
use rchaos::fault::{Context, Fault, Healed, Target, queries};

use crate::support::faults::{LEASE, alive, build, context, eventually};
use crate::support::gate;

fn shell(script: &str) -> Spawn {
    Spawn {
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        name: "sh".to_owned(),
        env: BTreeMap::new(),
        cwd: None,
        user: None,
        network: None,
        ready: None,
        stop: Stop::default(),
        clock: Clock::default(),
    }
}

fn start(options: &Spawn, context: &Context) -> Box<dyn Fault> {
    let mut fault = build(&SPAWN, options, context);
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap_or_else(|error| {
        let _ = fault.heal();
        panic!("{error}");
    });
    fault
}

fn log_of(fault: &dyn Fault, context: &Context) -> serde_json::Value {
    let query = queries().find(|one| one.name == "process.spawned").unwrap();
    (query.ask)(&fault.facts(), context).unwrap()
}

fn pid_of(fault: &dyn Fault) -> i32 {
    i32::try_from(fault.facts()["pid"].as_i64().unwrap()).unwrap()
}

/// The pids that a script has printed, each on a line of its own.
fn printed(fault: &dyn Fault, context: &Context, count: usize) -> Vec<i32> {
    let mut pids = Vec::new();
    eventually("pids in the output", Duration::from_secs(10), || {
        let log = log_of(fault, context);
        let text = log["log"].as_str().unwrap().to_owned();
        pids = text.lines().filter_map(|line| line.parse().ok()).collect();
        pids.len() >= count
    });
    pids
}

#[test]
fn it_ends_gently_and_its_output_is_kept() {
    let mut options =
        shell("trap 'echo bye; exit 0' TERM; echo $NAME; echo up; while :; do sleep 0.05; done");
    options
        .env
        .insert("NAME".to_owned(), "of the script".to_owned());
    options.ready = Some(Ready {
        sign: Sign::Log("up".to_owned()),
        within: Duration::from_secs(20),
    });
    let context = context();
    let mut fault = start(&options, &context);
    let pid = pid_of(&*fault);
    assert!(alive(pid));
    let log = log_of(&*fault, &context);
    assert_eq!(log["log"], "of the script\nup\n");
    assert_eq!(log["running"], true);
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert!(!alive(pid));
}

#[test]
fn all_that_it_forked_ends_with_it() {
    // One that is deaf to SIGTERM, one in a session of its own, and one whose parent has gone.
    let script = "trap '' TERM; (setsid sleep 600 & echo $!); sh -c 'sleep 600 & echo $!'; sleep 600 & echo $!; wait";
    let mut options = shell(script);
    options.stop.within = Duration::from_millis(100);
    let context = context();
    let mut fault = start(&options, &context);
    let mut pids = printed(&*fault, &context, 3);
    pids.push(pid_of(&*fault));
    assert!(pids.iter().all(|pid| alive(*pid)));
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    let left: Vec<_> = pids.iter().filter(|pid| alive(**pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(fault.heal(), Ok(Healed::Unchanged));
}

#[test]
fn recovery_ends_what_is_left_of_it() {
    let context = context();
    let mut fault = start(&shell("sleep 600 & echo $!; wait"), &context);
    let mut pids = printed(&*fault, &context, 1);
    pids.push(pid_of(&*fault));
    assert_eq!((SPAWN.recover)(&fault.undo()), Ok(Healed::Restored));
    assert!(pids.iter().all(|pid| !alive(*pid)));
    assert_eq!((SPAWN.recover)(&fault.undo()), Ok(Healed::Unchanged));
    let _ = fault.heal();
}

#[test]
fn one_that_dies_before_it_is_ready_shows_what_it_wrote() {
    let mut options = shell("echo 'cannot bind'; exit 3");
    options.ready = Some(Ready {
        sign: Sign::Port(1),
        within: Duration::from_secs(20),
    });
    let mut fault = build(&SPAWN, &options, &context());
    fault.preflight().unwrap();
    let error = fault.inject(LEASE).unwrap_err().to_string();
    let wanted = "process.spawn: sh ended before it was ready: exit code 3; it wrote: cannot bind";
    assert_eq!(error, wanted);
    fault.heal().unwrap();
}

#[test]
fn one_that_is_not_ready_in_time_is_said_and_ended() {
    let mut options = shell("echo $$; exec sleep 600");
    options.ready = Some(Ready {
        sign: Sign::Log("never".to_owned()),
        within: Duration::from_millis(300),
    });
    let mut fault = build(&SPAWN, &options, &context());
    fault.preflight().unwrap();
    let error = fault.inject(LEASE).unwrap_err().to_string();
    assert!(
        error.contains("not seen that it writes \"never\" within 300ms"),
        "{error}"
    );
    let (_, pid) = error.rsplit_once(" ").unwrap();
    let pid: i32 = pid.parse().unwrap();
    fault.heal().unwrap();
    assert!(!alive(pid));
}

#[test]
fn what_cannot_be_started_is_said_before() {
    let mut options = shell("");
    options.command = vec!["no-such-program-here".to_owned()];
    let error = build(&SPAWN, &options, &context()).preflight().unwrap_err();
    let text = "process.spawn: there is no program \"no-such-program-here\" here";
    assert_eq!(error.to_string(), text);
    let mut options = shell("true");
    options.network = Some(Target::Namespace {
        name: "no-such-namespace".to_owned(),
    });
    let error = build(&SPAWN, &options, &context()).preflight().unwrap_err();
    let text = "process.spawn: there is no /run/netns/no-such-namespace";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_port_and_an_answer_are_waited_for() {
    if !gate::met("python3", "a_port_and_an_answer_are_waited_for") {
        return;
    }
    // On an address where no other test listens, so that nobody takes the port in the meantime.
    let host = "127.77.1.1";
    let free = std::net::TcpListener::bind((host, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let serve = format!("sleep 0.3; exec python3 -m http.server --bind {host} {port}");
    for sign in [
        Sign::Port(port),
        Sign::Http(format!("http://{host}:{port}/")),
    ] {
        let mut options = shell(&serve);
        options.cwd = Some("/tmp".into());
        options.ready = Some(Ready {
            sign,
            within: Duration::from_secs(30),
        });
        let mut fault = start(&options, &context());
        assert!(std::net::TcpStream::connect((host, port)).is_ok());
        fault.heal().unwrap();
        assert!(std::net::TcpStream::connect((host, port)).is_err());
    }
}

#[test]
fn it_runs_in_a_network_namespace_and_as_another_user() {
    let test = "it_runs_in_a_network_namespace_and_as_another_user";
    if !gate::met("root", test) || !gate::met("ip", test) {
        return;
    }
    let namespace = Namespace::make();
    let mut options = shell("id -u; cat /proc/net/dev; echo done; exec sleep 600");
    options.user = Some("nobody".to_owned());
    options.network = Some(Target::Namespace {
        name: namespace.0.clone(),
    });
    options.ready = Some(Ready {
        sign: Sign::Log("done".to_owned()),
        within: Duration::from_secs(20),
    });
    let context = context();
    let mut fault = start(&options, &context);
    let log = log_of(&*fault, &context);
    let log = log["log"].as_str().unwrap();
    assert!(log.starts_with("65534\n"), "{log}");
    let interfaces = log.lines().filter(|line| line.contains(':')).count();
    assert_eq!(interfaces, 1, "{log}");
    fault.heal().unwrap();
}

struct Namespace(String);

impl Namespace {
    fn make() -> Self {
        let name = format!("rcspawn{}", std::process::id());
        let made = std::process::Command::new("ip")
            .args(["netns", "add", &name])
            .status();
        assert!(made.unwrap().success());
        Self(name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = std::process::Command::new("ip")
            .args(["netns", "del", &self.0])
            .status();
    }
}
