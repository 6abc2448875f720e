//! Where a target is: its root folder, its control groups, its network namespace; all through `/proc/PID`.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use super::context::Context;
use super::control_group::{Group, groups, named, number};
use super::process::{Find, Found};
use super::target::Target;
use super::trouble::Trouble;

/// The processes that a target has; none for the host and for namespaces.
pub(in crate::fault) fn processes(
    what: &str,
    target: Option<&Target>,
    context: &Context,
) -> Result<Vec<Found>, Trouble> {
    match target {
        None | Some(Target::Host) => Ok(Vec::new()),
        Some(Target::Namespace { name }) => Err(Trouble::Misuse(format!(
            "{what}: option `target`: namespace {name} has packets only; name a process or a container"
        ))),
        Some(Target::Process { find }) => find.targets(context),
        Some(Target::Container { id, name, .. }) => {
            let find = Find {
                container: Some(id.clone()),
                ..Find::default()
            };
            let found = find.all()?;
            if found.is_empty() {
                let text = format!("{what}: container {name} has no process on this host");
                return Err(Trouble::Precondition(text));
            }
            Ok(found)
        }
        Some(Target::Containers { which }) => {
            let mut found = Vec::new();
            for one in which.targets(context)? {
                let find = Find {
                    container: Some(one.id.clone()),
                    ..Find::default()
                };
                let all = find.all()?;
                match all.is_empty() {
                    // In control groups of another name: at least its main process is known.
                    true => found.push(one.process()?),
                    false => found.extend(all),
                }
            }
            Ok(found)
        }
    }
}

/// The one process that stands for a target; `None` for the host.
pub(in crate::fault) fn process(
    what: &str,
    target: Option<&Target>,
    context: &Context,
) -> Result<Option<Found>, Trouble> {
    if let Some(Target::Containers { which }) = target {
        let found = which.targets(context)?;
        return match found.as_slice() {
            [] => Err(Trouble::Precondition(format!(
                "{what}: option `target`: no container matches"
            ))),
            [one] => one.process().map(Some),
            all => Err(Trouble::Precondition(format!(
                "{what}: option `target`: {} containers match; say which with `pick = \"one\"`",
                all.len()
            ))),
        };
    }
    let mut found = processes(what, target, context)?;
    let several = matches!(target, Some(Target::Process { .. })) && found.len() > 1;
    if several {
        let text = format!(
            "{what}: option `target`: {} processes match; say which with `pick = \"one\"`",
            found.len()
        );
        return Err(Trouble::Precondition(text));
    }
    Ok((!found.is_empty()).then(|| found.swap_remove(0)))
}

/// A path in the world of a target.
pub(in crate::fault) struct Place {
    /// For this process to use.
    pub path: PathBuf,
    hold: Option<OwnedFd>,
}

impl Place {
    /// For a child to use as long as this place is held.
    pub(in crate::fault) fn seen_by_others(&self) -> PathBuf {
        match &self.hold {
            None => self.path.clone(),
            Some(fd) => format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd()).into(),
        }
    }
}

/// A folder as the target sees it. Links in it lead where they lead for the target, never out of its root.
pub(in crate::fault) fn inside(
    what: &str,
    target: Option<&Target>,
    path: &Path,
    context: &Context,
) -> Result<Place, Trouble> {
    if !path.is_absolute() {
        let text = format!(
            "{what}: option `path`: \"{}\" must begin with \"/\": the agent has another working folder",
            path.display()
        );
        return Err(Trouble::Misuse(text));
    }
    let Some(found) = process(what, target, context)? else {
        let path = path.to_owned();
        return Ok(Place { path, hold: None });
    };
    let failed = |error: Errno| match error {
        Errno::NOENT => {
            let text = format!("there is no folder {} in {}", path.display(), found.label());
            Trouble::Precondition(text)
        }
        error => Trouble::system(path.display(), error),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = format!("/proc/{}/root", found.identity.pid);
    let root = rustix::fs::open(root, flags, Mode::empty()).map_err(failed)?;
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let fd = openat2(&root, path, flags, Mode::empty(), within).map_err(failed)?;
    Ok(Place {
        path: format!("/proc/self/fd/{}", fd.as_raw_fd()).into(),
        hold: Some(fd),
    })
}

/// The files that take a process into the control groups of the target; none where it is in them already.
pub(in crate::fault) fn cgroups(found: Option<&Found>) -> Result<Vec<PathBuf>, Trouble> {
    let Some(found) = found else {
        return Ok(Vec::new());
    };
    let own = groups("self");
    let limits = ["cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "io"];
    let files = groups(&found.identity.pid.to_string())
        .into_iter()
        .filter(|group| !own.contains(group) && limits.iter().any(|one| group.has(one)))
        .map(|group| group.folder.join("cgroup.procs"));
    let files: Vec<PathBuf> = files.collect();
    match files.iter().find(|file| !file.exists()) {
        None => Ok(files),
        Some(file) => Err(Trouble::Precondition(format!(
            "the control groups of {} are not visible to the agent: there is no {}",
            found.label(),
            file.display()
        ))),
    }
}

/// The cores that a target may use; never none.
pub(in crate::fault) fn cpus(found: Option<&Found>) -> Vec<usize> {
    let pid = found.map_or_else(|| "self".to_owned(), |found| found.identity.pid.to_string());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let mut cores = Vec::new();
    for range in list.unwrap_or_default().trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            cores.extend(first..=last);
        }
    }
    if cores.is_empty() { vec![0] } else { cores }
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fault) struct Memory {
    /// The limit that is met first: of a control group, or what the host has.
    pub limit: u64,
    /// What counts against it; caches that the kernel gives up do not.
    pub used: u64,
}

/// The memory of a target; the host's where its control groups have no limit.
pub(in crate::fault) fn memory(found: Option<&Found>) -> Result<Memory, Trouble> {
    let host = host_memory().ok_or_else(|| {
        Trouble::Precondition("/proc/meminfo does not say how much memory there is".to_owned())
    })?;
    let all = found.map_or_else(Vec::new, |found| groups(&found.identity.pid.to_string()));
    let limited = all
        .iter()
        .filter(|group| group.has("memory"))
        .flat_map(Group::upwards)
        .filter_map(group_memory)
        .filter(|one| one.limit < host.limit);
    let nearest = limited.min_by_key(|one| one.limit.saturating_sub(one.used));
    Ok(nearest.unwrap_or(host))
}

fn group_memory(folder: &Path) -> Option<Memory> {
    let second = number(folder, "memory.max").zip(number(folder, "memory.current"));
    let first = || {
        let limit = number(folder, "memory.limit_in_bytes");
        limit.zip(number(folder, "memory.usage_in_bytes"))
    };
    let (limit, used) = second.or_else(first)?;
    let cache = named(folder, "memory.stat", "total_inactive_file ");
    let cache = cache.or_else(|| named(folder, "memory.stat", "inactive_file "));
    let used = used.saturating_sub(cache.unwrap_or_default());
    Some(Memory { limit, used })
}

fn host_memory() -> Option<Memory> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = rest.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kibibytes * 1024)
    };
    let limit = field("MemTotal:")?;
    let used = limit.saturating_sub(field("MemAvailable:")?);
    Some(Memory { limit, used })
}

/// Limit and use of process numbers in the control groups of a target, where the fewest are left; none without a limit.
pub(in crate::fault) fn pids(found: Option<&Found>) -> Option<(u64, u64)> {
    let pid = found.map_or_else(|| "self".to_owned(), |found| found.identity.pid.to_string());
    let all = groups(&pid);
    let limited = all
        .iter()
        .filter(|group| group.has("pids"))
        .flat_map(Group::upwards)
        .filter_map(|folder| number(folder, "pids.max").zip(number(folder, "pids.current")));
    limited.min_by_key(|(limit, used)| limit.saturating_sub(*used))
}
