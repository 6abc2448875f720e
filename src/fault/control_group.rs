//! Control groups of a process, of both versions: where they are, and what they allow.

use std::fs;
use std::path::{Path, PathBuf};

/// One hierarchy that a process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fault) struct Group {
    /// The controllers, as `/proc/PID/cgroup` has them: `cpu,cpuacct`; empty for version 2.
    pub controllers: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Where the hierarchy is mounted.
    pub mount: PathBuf,
}

impl Group {
    /// Whether it has this controller; that of version 2 may have any.
    pub(in crate::fault) fn has(&self, controller: &str) -> bool {
        self.controllers.is_empty() || self.controllers.split(',').any(|one| one == controller)
    }

    /// It and those above it, the nearest first.
    pub(in crate::fault) fn upwards(&self) -> impl Iterator<Item = &Path> {
        let mount = self.mount.as_path();
        self.folder
            .ancestors()
            .take_while(move |folder| folder.starts_with(mount))
    }
}

/// The groups of a process (`self`, `4242`) in hierarchies that are mounted here.
pub(in crate::fault) fn groups(pid: &str) -> Vec<Group> {
    let member = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    parse(&member, &mounts)
}

fn parse(member: &str, mounts: &str) -> Vec<Group> {
    let groups = member.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let mut found = mounts.lines().filter_map(|mount| place(mount, controllers));
        let (root, mount) = found.next()?;
        let below = Path::new(path).strip_prefix(root).ok()?;
        Some(Group {
            controllers: controllers.to_owned(),
            folder: mount.join(below),
            mount,
        })
    });
    groups.collect()
}

/// Root and place of a mount, if it is the hierarchy of these controllers.
fn place<'a>(line: &'a str, controllers: &str) -> Option<(&'a str, PathBuf)> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(3);
    let (root, place) = (mount.next()?, mount.next()?);
    let mut kind = kind.split(' ');
    let same = match kind.next()? {
        "cgroup2" => controllers.is_empty(),
        "cgroup" => {
            let options: Vec<_> = kind.nth(1)?.split(',').collect();
            !controllers.is_empty() && controllers.split(',').all(|one| options.contains(&one))
        }
        _ => false,
    };
    same.then(|| (root, PathBuf::from(place)))
}

/// A number in a file of a group; none for `max`, and where there is no such file.
pub(in crate::fault) fn number(folder: &Path, file: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    text.trim().parse().ok()
}

/// A number in a file of names and numbers, such as `memory.stat`.
pub(in crate::fault) fn named(folder: &Path, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
36 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
37 30 0:31 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
38 30 0:32 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw";

    #[test]
    fn both_versions_are_found_where_they_are_mounted() {
        let member = "4:cpu,cpuacct:/web\n3:memory:/docker/ab/x\n2:pids:/web\n0::/web.slice\n";
        let found = parse(member, MOUNTS);
        let shown: Vec<_> = found
            .iter()
            .map(|group| (group.controllers.as_str(), group.folder.to_str().unwrap()))
            .collect();
        let wanted = [
            ("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/web"),
            ("memory", "/sys/fs/cgroup/memory/x"),
            ("", "/sys/fs/cgroup/unified/web.slice"),
        ];
        assert_eq!(shown, wanted);
        assert!(found[0].has("cpu") && !found[0].has("memory") && found[2].has("memory"));
        let above: Vec<_> = found[2]
            .upwards()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(
            above,
            ["/sys/fs/cgroup/unified/web.slice", "/sys/fs/cgroup/unified"]
        );
    }

    #[test]
    fn this_process_is_in_groups_that_are_there() {
        for group in groups("self") {
            assert!(group.folder.join("cgroup.procs").exists(), "{group:?}");
        }
    }
}
