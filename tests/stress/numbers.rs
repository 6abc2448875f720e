//! `stress.fds`, `stress.inodes`, `stress.pids`: errors that a victim sees, and limits put back exactly.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rchaos::fault::process::Find;
use rchaos::fault::stress::{FDS, Fds, INODES, Inodes, PIDS, Pids};
use rchaos::fault::{Healed, Target};

use crate::stress::disk_fill::Disk;
use crate::support::faults::{LEASE, build, context, eventually};
use crate::support::gate;

struct Victim(Child);

impl Victim {
    fn start() -> Self {
        Self(
            Command::new("sleep")
                .arg("600")
                .stdin(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    fn target(&self) -> Target {
        let find = Find {
            pid: i32::try_from(self.0.id()).ok(),
            ..Find::default()
        };
        Target::Process { find }
    }

    fn limit(&self) -> String {
        let text = std::fs::read_to_string(format!("/proc/{}/limits", self.0.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        line.unwrap().to_owned()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_limit_is_lowered_twice_and_put_back_exactly() {
    let victim = Victim::start();
    let before = victim.limit();
    let shared = context();
    let lower = |leave, id| {
        let target = victim.target();
        let context = rchaos::fault::Context {
            id: shared.id + id,
            ..shared.clone()
        };
        let mut fault = build(&FDS, &Fds { target, leave }, &context);
        fault.preflight().unwrap();
        fault.inject(LEASE).unwrap();
        fault
    };
    let soft = || {
        let line = victim.limit();
        line.split_ascii_whitespace().nth(3).unwrap().to_owned()
    };
    let mut wide = lower(50, 1000);
    let wide_limit = soft();
    let mut tight = lower(3, 2000);
    assert_ne!(soft(), wide_limit);
    assert!(tight.inspect().unwrap().installed);
    assert_eq!(tight.heal(), Ok(Healed::Restored));
    assert_eq!(soft(), wide_limit);
    assert_eq!(wide.heal(), Ok(Healed::Restored));
    assert_eq!(victim.limit(), before);
    assert_eq!((FDS.recover)(&wide.undo()), Ok(Healed::Unchanged));
}

#[test]
fn what_somebody_else_has_set_stays_and_is_said() {
    let victim = Victim::start();
    let options = Fds {
        target: victim.target(),
        leave: 5,
    };
    let mut fault = build(&FDS, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let pid = rustix::process::Pid::from_child(&victim.0);
    let other = rustix::process::Rlimit {
        current: Some(99),
        maximum: Some(500),
    };
    rustix::process::prlimit(Some(pid), rustix::process::Resource::Nofile, other).unwrap();
    let healed = fault.heal().unwrap();
    assert!(matches!(healed, Healed::Drifted(_)), "{healed:?}");
    assert!(victim.limit().contains("99"), "{}", victim.limit());
}

#[test]
fn a_victim_cannot_make_files_while_inodes_are_taken() {
    if !gate::met("root", "a_victim_cannot_make_files_while_inodes_are_taken") {
        return;
    }
    let disk = Disk::mount("inodes");
    let options = Inodes {
        path: disk.path().to_owned(),
        count: None,
        leave: Some(1),
        force: false,
    };
    let mut fault = build(&INODES, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    let make = |name: &str| std::fs::File::create(disk.path().join(name));
    make("last").unwrap();
    let error = make("one too many").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fault.heal(), Ok(Healed::Restored));
    make("again").unwrap();
    assert_eq!((INODES.recover)(&fault.undo()), Ok(Healed::Unchanged));
}

/// A control group of its own with a limit of processes, as a container has it.
struct Group(PathBuf);

impl Group {
    fn make() -> Option<Self> {
        let places = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];
        let root = places.iter().find(|place| {
            let controllers = std::fs::read_to_string(format!("{place}/cgroup.subtree_control"));
            place.ends_with("pids") && std::path::Path::new(place).exists()
                || controllers.is_ok_and(|text| text.contains("pids"))
        })?;
        let folder = PathBuf::from(root).join(format!("rchaos-test-{}", std::process::id()));
        std::fs::create_dir(&folder).ok()?;
        std::fs::write(folder.join("pids.max"), "40").ok()?;
        Some(Self(folder))
    }

    fn current(&self) -> u64 {
        let text = std::fs::read_to_string(self.0.join("pids.current")).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let procs = std::fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default();
        assert!(
            procs.is_empty() || std::thread::panicking(),
            "left in the group: {procs}"
        );
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn the_limit_of_the_target_is_what_runs_out() {
    let test = "the_limit_of_the_target_is_what_runs_out";
    if !gate::met("root", test) {
        return;
    }
    let group = Group::make();
    if !gate::has("cgroup", test, group.is_some()) {
        return;
    }
    let group = group.unwrap();
    let victim = Victim::start();
    std::fs::write(group.0.join("cgroup.procs"), victim.0.id().to_string()).unwrap();
    let options = Pids {
        leave: Some(2),
        count: None,
        target: Some(victim.target()),
    };
    let mut fault = build(&PIDS, &options, &context());
    fault.preflight().unwrap();
    fault.inject(LEASE).unwrap();
    assert_eq!(group.current(), 38);
    fault.heal().unwrap();
    eventually("they are free", Duration::from_secs(10), || {
        group.current() == 1
    });
    drop(victim);
    eventually("it is empty", Duration::from_secs(10), || {
        group.current() == 0
    });
}
