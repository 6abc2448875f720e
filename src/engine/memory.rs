//! How much memory the process uses, and how much it may.

use std::fs;

use crate::base::units::Bytes;

/// The resident size of this process; zero when the kernel does not say.
#[must_use]
pub fn resident() -> Bytes {
    Bytes(field("/proc/self/status", "VmRSS:").unwrap_or(0))
}

/// Half of the machine's memory, or of the cgroup's limit where that is lower.
#[must_use]
pub fn default_limit() -> Bytes {
    let machine = field("/proc/meminfo", "MemTotal:").unwrap_or(u64::MAX);
    let cgroup = cgroup_limit().unwrap_or(u64::MAX);
    Bytes(machine.min(cgroup) / 2)
}

/// A size in KiB from one of the kernel's lists.
fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// The limit of this process' own cgroup: v2's `memory.max`, or v1's `memory.limit_in_bytes`.
fn cgroup_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let file = if controllers.is_empty() {
            format!("/sys/fs/cgroup{path}/memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")
        } else {
            return None;
        };
        fs::read_to_string(file).ok()?.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_within_the_default_limit() {
        assert!(resident().0 > 100_000);
        assert!(resident() < default_limit());
    }
}
