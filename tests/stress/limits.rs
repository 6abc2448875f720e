//! Stress inside the limits of a target: what its control group counts, and whom the kernel ends.

use std::time::{Duration, Instant};

use rchaos::fault::process::Find;
use rchaos::fault::stress::{Amount, CPU, Cpu, MEMORY, Memory, PIDS, Pids};
use rchaos::fault::{Fault, Healed, Target};

use crate::support::faults::{LEASE, before_others, build, context, eventually};
use crate::support::gate;
use crate::support::groups::{Group, Shell};

fn target(shell: &Shell) -> Target {
    let find = Find {
        pid: i32::try_from(shell.pid()).ok(),
        ..Find::default()
    };
    Target::Process { find }
}

fn memory(shell: &Shell, amount: Amount, oomable: bool) -> Box<dyn Fault> {
    let options = Memory {
        amount,
        target: Some(target(shell)),
        over: None,
        touch: false,
        oomable,
        force: false,
    };
    let mut fault = build(&MEMORY, &options, &context());
    fault.preflight().unwrap();
    fault
}

const LIMIT: u64 = 64 << 20;

/// A group with a limit of memory, and a shell in it that waits.
fn limited(name: &str) -> (Group, Shell) {
    let limit = LIMIT.to_string();
    let group = Group::make("memory", name, &[("memory.limit_in_bytes", &limit)]);
    let shell = Shell::start("read line; echo alive; read line");
    group.take(shell.pid());
    (group, shell)
}

#[test]
fn a_share_of_memory_is_of_the_target_s_own_limit() {
    if !gate::met("cgroup", "a_share_of_memory_is_of_the_target_s_own_limit") {
        return;
    }
    let (group, mut shell) = limited("share");
    let used = || group.number("memory.usage_in_bytes", "");
    let before = used();
    let mut fault = memory(&shell, Amount::Percent(0.75), false);
    fault.inject(LEASE).unwrap();
    let wanted = LIMIT * 3 / 4;
    // The child's own pages come on top of what it holds.
    let room = 8 << 20;
    eventually("it is used", Duration::from_secs(30), || {
        used() >= wanted - (1 << 20)
    });
    assert!(used() <= wanted + room, "{} of {wanted}", used());
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    eventually("it is free", Duration::from_secs(30), || {
        used() < before + room
    });
    shell.tell("go");
    eventually("the target lives", Duration::from_secs(10), || {
        shell.output().contains("alive")
    });
}

#[test]
fn who_may_be_ended_is_and_the_target_lives() {
    if !gate::met("cgroup", "who_may_be_ended_is_and_the_target_lives") {
        return;
    }
    let (group, mut shell) = limited("oomable");
    let mut fault = memory(&shell, Amount::Bytes(LIMIT * 2), true);
    // It may be ended before all of it was told.
    let injected = fault.inject(LEASE);
    eventually("the kernel has ended it", Duration::from_secs(60), || {
        group.number("memory.oom_control", "oom_kill ") > 0
    });
    eventually("that is seen", Duration::from_secs(10), || {
        injected.is_err() || fault.inspect().is_err()
    });
    shell.tell("go");
    eventually("the target lives", Duration::from_secs(10), || {
        shell.output().contains("alive")
    });
    fault.heal().unwrap();
}

/// Whether this process may make itself one that the kernel spares.
fn may_spare() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    u64::from_str_radix(bits.unwrap().trim(), 16).unwrap() & (1 << 24) != 0
}

#[test]
fn otherwise_the_target_is_what_the_kernel_ends_or_the_plan_says_why_not() {
    let test = "otherwise_the_target_is_what_the_kernel_ends_or_the_plan_says_why_not";
    if !gate::met("cgroup", test) {
        return;
    }
    let (group, shell) = limited("victim");
    let options = Memory {
        amount: Amount::Bytes(LIMIT * 2),
        target: Some(target(&shell)),
        over: None,
        touch: false,
        oomable: false,
        force: false,
    };
    let mut fault = build(&MEMORY, &options, &context());
    let plan = fault.preflight().unwrap();
    assert_eq!(plan.effect.contains("CAP_SYS_RESOURCE"), !may_spare());
    if !may_spare() {
        return;
    }
    let waiting = std::thread::spawn(move || {
        // Stuck at the limit until it is healed, as nobody else is left to be ended.
        let _ = fault.inject(LEASE);
        fault
    });
    eventually("the kernel has ended it", Duration::from_secs(60), || {
        group.number("memory.oom_control", "oom_kill ") > 0
    });
    let pid = i32::try_from(shell.pid()).unwrap();
    eventually("it is the target", Duration::from_secs(10), || {
        !crate::support::faults::alive(pid)
    });
    waiting.join().unwrap().heal().unwrap();
}

#[test]
fn the_target_s_group_counts_the_work() {
    if !gate::met("cgroup", "the_target_s_group_counts_the_work") {
        return;
    }
    let group = Group::make("cpuacct", "work", &[]);
    let shell = Shell::start("read line");
    group.take(shell.pid());
    let options = Cpu {
        load: 0.25,
        workers: Some(1),
        cores: None,
        target: Some(target(&shell)),
        over: None,
    };
    let mut fault = build(&CPU, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let _first = before_others(&*fault);
    let used = || Duration::from_nanos(group.number("cpuacct.usage", ""));
    let (began, before) = (Instant::now(), used());
    std::thread::sleep(Duration::from_secs(10));
    let load = (used() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    assert!((0.20..=0.30).contains(&load), "{load}");
}

#[test]
fn the_target_cannot_fork_while_numbers_are_taken() {
    if !gate::met("cgroup", "the_target_cannot_fork_while_numbers_are_taken") {
        return;
    }
    let group = Group::make("pids", "fork", &[("pids.max", "30")]);
    let script = "while read line; do (sleep 0) && echo forked; done";
    let (mut shell, mut other) = (Shell::start(script), Shell::start(script));
    group.take(shell.pid());
    group.take(other.pid());
    let options = Pids {
        leave: Some(0),
        count: None,
        target: Some(target(&shell)),
    };
    let mut fault = build(&PIDS, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    shell.tell("go");
    eventually("it cannot fork", Duration::from_secs(20), || {
        shell.output().contains("fork")
    });
    assert!(!shell.output().contains("forked"), "{}", shell.output());
    assert!(group.number("pids.events", "max ") > 0);
    fault.heal().unwrap();
    eventually("they are free", Duration::from_secs(20), || {
        group.number("pids.current", "") <= 2
    });
    other.tell("go");
    eventually("others fork again", Duration::from_secs(20), || {
        other.output().contains("forked")
    });
}
