//! Parts of a run killed or frozen while resources are used up: asserted on the resources.

use std::process::{Command, Stdio};

use std::time::{Duration, Instant};

use crate::stress::disk_fill::Disk;
use crate::support::gate;
use crate::support::groups::{Group, Shell};
use crate::support::rollback::{Faulty, crash_tests, within};

/// A mark for the environment, by which all that a run has started is found.
fn marked(mark: &str) -> usize {
    let wanted = format!("CRASH_TEST={mark}");
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let state = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let over = state
            .rsplit_once(") ")
            .is_none_or(|(_, rest)| rest.starts_with('Z'));
        !over
            && environment
                .split(|byte| *byte == 0)
                .any(|one| one == wanted.as_bytes())
    })
    .count()
}

#[test]
fn what_was_used_up_is_free_whoever_is_lost() {
    let mark = format!("stress-{}", std::process::id());
    let mut victim = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let pid = victim.id();
    let limits = || {
        let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        line.unwrap().to_owned()
    };
    let before = limits();
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let shm = folder.path().display().to_string();
    // Programs and what they fork, space, a limit, and processes at work: kernel and journal.
    let body = format!(
        r#"
process.spawn {{
    cmd = {{ "sh", "-c", "setsid sleep 600 & sleep 600 & wait" }},
    env = {{ CRASH_TEST = "{mark}" }},
}}
inject(stress.fds {{ pid = {pid}, leave = 3 }})
inject(stress.inodes {{ path = "{shm}", count = 10, force = true }})
inject(stress.memory {{ bytes = "8MiB" }})
inject(stress.disk_fill {{ path = "{shm}", bytes = "16MiB" }})
"#
    );
    let live = || {
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        marked(&mark) > 0 || limits() != before || files > 0
    };
    crash_tests(&body, live);
    let _ = victim.kill();
    let _ = victim.wait();
}

/// A process in control groups of its own and a disk of its own, on which all work is seen.
struct Site {
    shell: Shell,
    time: Group,
    memory: Group,
    pids: Group,
    disk: Disk,
    free: u64,
}

impl Site {
    fn make() -> Self {
        let shell = Shell::start("read line");
        let group = |controller| {
            let group = Group::make(controller, "crash", &[]);
            group.take(shell.pid());
            group
        };
        let disk = Disk::mount("crash");
        Self {
            time: group("cpuacct"),
            memory: group("memory"),
            pids: group("pids"),
            free: disk.free(),
            disk,
            shell,
        }
    }

    /// Each kind of work at once, in the limits of the process.
    fn body(&self) -> String {
        format!(
            r#"
local target = process.find {{ pid = {} }}
inject(stress.cpu {{ load = "20%", workers = 1, target = target }})
inject(stress.memory {{ bytes = "24MiB", target = target }})
inject(stress.pids {{ count = 20, target = target }})
inject(stress.disk_fill {{ path = "{path}", bytes = "8MiB", force = true }})
inject(stress.disk_io {{ path = "{path}", size = "8MiB", target = target }})
"#,
            self.shell.pid(),
            path = self.disk.path().display()
        )
    }

    fn busy(&self) -> bool {
        let used = || self.time.number("cpuacct.usage", "");
        let before = used();
        let end = Instant::now() + Duration::from_millis(100);
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Two milliseconds of a hundred: the process itself waits.
        used() - before > 2_000_000
    }

    fn memory_held(&self) -> bool {
        self.memory.number("memory.usage_in_bytes", "") > 16 << 20
    }

    /// Whether others than the process itself are in the group. Not by `pids.current`: a dead process counts there
    /// until init has taken note of it, which some take seconds for.
    fn numbers_taken(&self) -> bool {
        self.pids.lines("cgroup.procs") > 1
    }

    /// How much of the disk is gone.
    fn taken(&self) -> u64 {
        self.free - self.disk.free()
    }

    fn live(&self) -> bool {
        self.numbers_taken() || self.taken() > 0 || self.memory_held() || self.busy()
    }
}

#[test]
fn work_in_a_target_s_limits_ends_whoever_is_lost() {
    let test = "work_in_a_target_s_limits_ends_whoever_is_lost";
    if !gate::met("cgroup", test) {
        return;
    }
    let site = Site::make();
    let body = site.body();
    let faulty = Faulty::start(&body);
    // Each of them is seen by itself, so that none of them hides behind another below.
    let soon = |what: &str, seen: &dyn Fn() -> bool| {
        assert!(within(Duration::from_secs(10), seen), "{what} is not there");
    };
    soon("the load", &|| site.busy());
    soon("memory", &|| site.memory_held());
    soon("a number for each", &|| site.numbers_taken());
    soon("the file that fills and the one that is worked on", &|| {
        site.taken() >= 16 << 20
    });
    drop(faulty);
    assert!(within(Duration::from_secs(20), || !site.live()));
    crash_tests(&body, || site.live());
}
