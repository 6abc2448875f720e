//! Processes that no fault may hit: whoever disturbs those loses the way to mend it.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::find::arguments;
use super::identity::stat;

/// This process, its ancestors, and every controller and agent of rchaos on this host.
pub(super) struct Guarded {
    family: HashSet<i32>,
    program: Option<(u64, u64)>,
}

/// The subcommands that hold faults; what else runs from the same file (`rchaos demo`) is a target like any other.
const HOLDERS: [&str; 4] = ["agent", "run", "watch", "recover"];

impl Guarded {
    /// As things are now.
    pub(super) fn now() -> Self {
        let mut family = HashSet::new();
        let mut pid = i32::try_from(std::process::id()).unwrap_or_default();
        while pid > 0 && family.insert(pid) {
            pid = stat(pid).map_or(0, |stat| stat.parent);
        }
        Self {
            family,
            program: program("self"),
        }
    }

    /// Whether the process is one of them.
    pub(super) fn has(&self, pid: i32) -> bool {
        if self.family.contains(&pid) {
            return true;
        }
        let same = self.program.is_some() && program(&pid.to_string()) == self.program;
        same && arguments(pid).is_some_and(|arguments| {
            // Options may stand before the subcommand, with their values.
            let first = arguments.iter().skip(1).take(4);
            first
                .into_iter()
                .any(|argument| HOLDERS.contains(&argument.as_str()))
        })
    }
}

/// Which file a process runs.
fn program(pid: &str) -> Option<(u64, u64)> {
    let data = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((data.dev(), data.ino()))
}
