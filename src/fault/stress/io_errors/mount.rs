//! The mount of a broken folder: found by its name, in the mount namespace that it is in, and taken away.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, open, statx};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::{Deserialize, Serialize};

use super::super::crew::Load;
use super::KIND;
use crate::fault::process::{Identity, kill_marked};
use crate::fault::{Children, Healed, Trouble};

/// What undoes it: the mount and the child behind it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Undo {
    /// The mount's name, and the mark of the child.
    pub(super) source: String,
    /// Whose mounts it is among; the host's where left out.
    pub(super) process: Option<Identity>,
}

/// One mount as a process sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mount {
    id: u64,
    place: PathBuf,
    source: String,
}

/// All that a process (`self`, a pid) sees, the oldest first.
pub(super) fn mounts(viewer: String) -> Vec<Mount> {
    let text = fs::read_to_string(format!("/proc/{viewer}/mountinfo")).unwrap_or_default();
    let found = text.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        Some(Mount {
            id: mount.split(' ').next()?.parse().ok()?,
            place: plain(mount.split(' ').nth(4)?).into(),
            source: kind.split(' ').nth(1)?.to_owned(),
        })
    });
    found.collect()
}

/// A path as `mountinfo` writes it, with spaces and the like as octal numbers.
fn plain(text: &str) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match number.filter(|_| *first == b'\\') {
            Some(number) => {
                bytes.push(number);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    OsString::from_vec(bytes)
}

impl Undo {
    /// Who sees the mount.
    pub(super) fn viewer(&self) -> String {
        let process = self.process.as_ref();
        process.map_or_else(|| "self".to_owned(), |one| one.pid.to_string())
    }

    /// The mount namespace; none for the agent's own.
    pub(super) fn namespace(&self) -> Option<PathBuf> {
        let process = self.process.as_ref()?;
        Some(format!("/proc/{}/ns/mnt", process.pid).into())
    }

    /// Whether the mount is the last one at its place; none where it is not there.
    pub(super) fn on_top(&self, mounts: &[Mount]) -> Option<bool> {
        let ours = mounts.iter().find(|one| one.source == self.source)?;
        let last = mounts.iter().rfind(|one| one.place == ours.place)?;
        Some(last == ours)
    }

    /// Takes the mount away, then who is behind it.
    pub(super) fn heal(&self) -> Result<Healed, Trouble> {
        let unmounted = self.unmount(None, &Children::default())?;
        // What is open there is answered for until it is closed, or this is over.
        let killed = kill_marked(&self.source, KIND.name)?;
        Ok(match (unmounted, killed) {
            (Healed::Unchanged, Healed::Restored) => Healed::Restored,
            (unmounted, _) => unmounted,
        })
    }

    /// Takes the mount away. Where the target has ended, `also` may still be in its mount namespace.
    pub(super) fn unmount(
        &self,
        also: Option<i32>,
        children: &Children,
    ) -> Result<Healed, Trouble> {
        let mut viewer = self.viewer();
        if self.process.as_ref().is_some_and(|one| !one.alive()) {
            let Some(also) = also.filter(|pid| Path::new(&format!("/proc/{pid}/ns/mnt")).exists())
            else {
                return Ok(Healed::Vanished);
            };
            viewer = also.to_string();
        }
        let mounts = mounts(viewer.clone());
        let Some(top) = self.on_top(&mounts) else {
            return Ok(Healed::Unchanged);
        };
        let Some(ours) = mounts.iter().find(|one| one.source == self.source) else {
            return Ok(Healed::Unchanged);
        };
        let path = ours.place.display();
        if !top {
            return Ok(Healed::Drifted(format!(
                "something else is mounted over {path} since; unmount it, and then run `umount -l {path}`"
            )));
        }
        if self.process.is_none() {
            let names = Path::new("/proc/self/fd");
            return away(ours, names).map_err(|error| left(&path, &error));
        }
        let work = Unmount {
            namespace: format!("/proc/{viewer}/ns/mnt").into(),
            mount: ours.clone(),
        };
        let stub = Load::Unmount(work).stub();
        let child = children.start(&stub, |command| {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
        });
        let done = child.and_then(std::process::Child::wait_with_output);
        match done {
            Ok(output) if output.status.success() => Ok(Healed::Restored),
            Ok(output) => Err(left(&path, &String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => Err(left(&path, &error)),
        }
    }
}

fn left(path: &impl std::fmt::Display, why: &impl std::fmt::Display) -> Trouble {
    Trouble::Failed(format!(
        "cannot unmount {path}: {why}; run `umount -l {path}` where it is mounted"
    ))
}

/// Takes that very mount away; `names` is this process's folder of descriptors.
fn away(mount: &Mount, names: &Path) -> Result<Healed, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = match open(&mount.place, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Healed::Unchanged),
        other => other?,
    };
    // Nobody need be there any more to answer for the folder itself.
    let silent = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(&top, c"", silent, StatxFlags::MNT_ID)?;
    if stat.stx_mnt_id != mount.id {
        return Ok(Healed::Unchanged);
    }
    // By the descriptor and not by its place: where somebody else heals at the same time and is faster, what is mounted
    // below it stays.
    let name = names.join(top.as_raw_fd().to_string());
    match unmount(name, UnmountFlags::DETACH) {
        Ok(()) => Ok(Healed::Restored),
        Err(Errno::INVAL | Errno::NOENT) => Ok(Healed::Unchanged),
        Err(error) => Err(error),
    }
}

/// Enters a mount namespace; only a process with one thread can.
pub(super) fn enter(namespace: &Path) -> std::io::Result<()> {
    let file = File::open(namespace)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Mount))?;
    Ok(())
}

/// What a child does that takes a mount away in another namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unmount {
    namespace: PathBuf,
    mount: Mount,
}

impl Unmount {
    pub(in crate::fault::stress) fn run(self) -> std::io::Result<()> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptors = open("/proc/self/fd", folder, Mode::empty())?;
        enter(&self.namespace)?;
        // A container's `/proc` does not know this process; this one does.
        rustix::process::fchdir(&descriptors)?;
        away(&self.mount, Path::new(""))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_mounts_are_read_as_they_are() {
        assert_eq!(plain("/a\\040b\\134c"), "/a b\\c");
        assert_eq!(plain("/plain"), "/plain");
        assert!(!mounts("self".to_owned()).is_empty());
    }

    #[test]
    fn the_last_mount_at_a_place_is_on_top() {
        let mount = |place: &str, source: &str| Mount {
            id: 1,
            place: place.into(),
            source: source.to_owned(),
        };
        let undo = Undo {
            source: "rchaos-a-1".to_owned(),
            process: None,
        };
        let mut all = vec![mount("/data", "disk"), mount("/data", "rchaos-a-1")];
        assert_eq!(undo.on_top(&all), Some(true));
        all.push(mount("/other", "disk"));
        assert_eq!(undo.on_top(&all), Some(true));
        all.push(mount("/data", "disk"));
        assert_eq!(undo.on_top(&all), Some(false));
        assert_eq!(undo.on_top(&all[..1]), None);
    }
}
