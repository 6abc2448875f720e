//! `process.limit` and `process.pause` by control groups: what the kernel does to a victim, and where it is afterwards.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rchaos::fault::process::{Bound, Find, LIMIT, Limits, PAUSE, Pause};
use rchaos::fault::{Fault, Healed};

use crate::support::faults::{LEASE, build, context, eventually};
use crate::support::gate;
use crate::support::groups::{Group, Shell, held, of};
use crate::support::rollback::crash_tests;

fn find(shell: &Shell) -> Find {
    Find {
        pid: i32::try_from(shell.pid()).ok(),
        ..Find::default()
    }
}

fn limited(shell: &Shell, bound: Bound) -> Box<dyn Fault> {
    let options = Limits {
        find: find(shell),
        limits: Vec::new(),
        bounds: vec![bound],
    };
    let mut fault = build(&LIMIT, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(fault.inspect().unwrap().installed);
    fault
}

/// The folder of the fault's own group, as its record names it.
fn group(fault: &dyn Fault) -> PathBuf {
    let undo = fault.undo();
    let nest = undo.get("nests").unwrap_or(&undo)[0].clone();
    PathBuf::from(nest["group"].as_str().unwrap())
}

/// The processor time of a process, in seconds.
fn cpu_time(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(") ").unwrap();
    let fields: Vec<_> = rest.split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[test]
fn processor_time_is_limited_and_the_process_is_back_where_it_was() {
    if !gate::met(
        "cgroup",
        "processor_time_is_limited_and_the_process_is_back_where_it_was",
    ) {
        return;
    }
    let shell = Shell::start("while :; do :; done");
    let before = of(shell.pid());
    let mut fault = limited(&shell, Bound::Cpu(0.2));
    assert!(held(shell.pid()));
    // However busy the machine is, it would get more than its limit.
    std::fs::write(group(&*fault).join("cpu.shares"), "262144").unwrap();
    let (began, spent) = (Instant::now(), cpu_time(shell.pid()));
    std::thread::sleep(Duration::from_secs(3));
    let share = (cpu_time(shell.pid()) - spent) / began.elapsed().as_secs_f64();
    // A busy machine may give it less, never more than one slice above.
    assert!(share <= 0.26, "{share}");
    assert!(fault.inspect().unwrap().hits.is_some_and(|hits| hits > 0));
    let folder = group(&*fault);
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert_eq!(of(shell.pid()), before);
    assert!(!folder.exists());
    assert_eq!((LIMIT.recover)(&fault.undo()), Ok(Healed::Unchanged));
}

#[test]
fn memory_above_the_limit_ends_who_takes_it() {
    if !gate::met("cgroup", "memory_above_the_limit_ends_who_takes_it") {
        return;
    }
    let mut shell = Shell::start("read line; tail /dev/zero; echo status $?; read line");
    let mut fault = limited(&shell, Bound::Memory(16 << 20));
    shell.tell("go");
    eventually("it is ended", Duration::from_secs(60), || {
        shell.output().contains("status 137")
    });
    // The kernel has counted it in the fault's own group.
    let events = std::fs::read_to_string(group(&*fault).join("memory.oom_control")).unwrap();
    let killed = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    assert_ne!(killed, Some("0"), "{events}");
    assert!(fault.inspect().unwrap().hits.is_some_and(|hits| hits > 0));
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert!(!held(shell.pid()));
}

#[test]
fn nobody_forks_above_the_limit_and_those_forked_below_it_go_back_too() {
    if !gate::met(
        "cgroup",
        "nobody_forks_above_the_limit_and_those_forked_below_it_go_back_too",
    ) {
        return;
    }
    let mut shell =
        Shell::start("read line; sleep 600 & echo child $!; read line; sleep 600; echo free");
    let mut fault = limited(&shell, Bound::Pids(2));
    shell.tell("one");
    eventually("it has a child", Duration::from_secs(20), || {
        shell.output().contains("child ")
    });
    let child: u32 = shell
        .output()
        .trim()
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(held(child));
    shell.tell("two");
    eventually("it cannot fork", Duration::from_secs(20), || {
        shell.output().contains("fork")
    });
    assert!(!shell.output().contains("free"));
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert!(!held(child));
    let child = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_frozen_process_stands_still_and_goes_on() {
    if !gate::met("cgroup", "a_frozen_process_stands_still_and_goes_on") {
        return;
    }
    let shell = Shell::start("while :; do echo tick; done > /dev/null");
    let before = of(shell.pid());
    let options = Pause {
        find: find(&shell),
        freeze: true,
    };
    let mut fault = build(&PAUSE, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert!(fault.inspect().unwrap().installed);
    let spent = cpu_time(shell.pid());
    std::thread::sleep(Duration::from_millis(500));
    assert!((cpu_time(shell.pid()) - spent).abs() < f64::EPSILON);
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert_eq!(of(shell.pid()), before);
    eventually("it goes on", Duration::from_secs(20), || {
        cpu_time(shell.pid()) > spent
    });
    assert_eq!((PAUSE.recover)(&fault.undo()), Ok(Healed::Unchanged));
}

#[test]
fn whom_somebody_else_has_moved_stays_there_and_is_said() {
    if !gate::met(
        "cgroup",
        "whom_somebody_else_has_moved_stays_there_and_is_said",
    ) {
        return;
    }
    let other = Group::make("pids", "drift", &[]);
    let shell = Shell::start("read line");
    let mut fault = limited(&shell, Bound::Pids(20));
    other.take(shell.pid());
    assert!(!fault.inspect().unwrap().installed);
    let healed = fault.heal().unwrap();
    assert!(
        matches!(&healed, Healed::Drifted(text) if text.contains("test-drift")),
        "{healed:?}"
    );
    assert!(of(shell.pid()).contains("test-drift"));
    assert!(!group(&*fault).exists());
}

#[test]
fn without_version_2_the_freezer_of_version_1_does_it() {
    let test = "without_version_2_the_freezer_of_version_1_does_it";
    if !gate::met("cgroup", test) || !gate::met("unshare", test) {
        return;
    }
    let shell = Shell::start("while :; do :; done");
    let body = format!(
        "inject(process.find {{ pid = {} }}:pause {{ by = \"freeze\" }})\nlog.info(\"frozen\")\nsleep(\"2s\")\n",
        shell.pid()
    );
    let script = tempfile::NamedTempFile::with_suffix(".lua").unwrap();
    std::fs::write(script.path(), body).unwrap();
    let state = tempfile::tempdir().unwrap();
    // In mounts of its own, where version 2 is not to be seen.
    let hidden = "umount -l /sys/fs/cgroup/unified && exec \"$0\" run \"$1\"";
    let mut run = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", hidden, env!("CARGO_BIN_EXE_rchaos")])
        .arg(script.path())
        .env("RCHAOS_STATE_DIR", state.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let freezer = || {
        let groups = of(shell.pid());
        let line = groups.lines().find(|line| line.contains(":freezer:"));
        line.unwrap_or_default().to_owned()
    };
    eventually(
        "it is in a group of the freezer",
        Duration::from_secs(30),
        || freezer().contains("/rchaos-"),
    );
    let line = freezer();
    let (_, path) = line.split_once(":freezer:").unwrap();
    let group = PathBuf::from(format!("/sys/fs/cgroup/freezer{path}"));
    let state = || std::fs::read_to_string(group.join("freezer.state")).unwrap_or_default();
    eventually("it is frozen", Duration::from_secs(10), || {
        state().trim() == "FROZEN"
    });
    assert!(run.wait().unwrap().success());
    assert!(!held(shell.pid()) && !group.exists());
    let spent = cpu_time(shell.pid());
    eventually("it goes on", Duration::from_secs(20), || {
        cpu_time(shell.pid()) > spent
    });
}

#[test]
fn groups_are_gone_and_processes_back_whoever_is_lost() {
    if !gate::met(
        "cgroup",
        "groups_are_gone_and_processes_back_whoever_is_lost",
    ) {
        return;
    }
    let limited = Shell::start("while :; do sleep 0.05; done");
    let frozen = Shell::start("while :; do sleep 0.05; done");
    let body = format!(
        r#"
inject(process.find {{ pid = {} }}:limit {{ cpu = "50%", memory = "256MiB", pids = 50 }})
inject(process.find {{ pid = {} }}:pause {{ by = "freeze" }})
"#,
        limited.pid(),
        frozen.pid()
    );
    crash_tests(&body, || held(limited.pid()) || held(frozen.pid()));
}
