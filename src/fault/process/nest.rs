//! Control groups of our own around processes: moved in, limited or frozen, and moved back exactly.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bound::{Bound, Setting, version_2};
use super::find::Found;
use super::identity::Identity;
use crate::fault::control_group::{Group, groups};
use crate::fault::outcome::within;
use crate::fault::{Context, Healed, Resource, Sharing, Trouble};

/// How long the kernel may take to let go of a group that is empty.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// One group, and the processes that it is about: all that undoes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::fault) struct Nest {
    /// The controllers of its hierarchy, as `/proc/PID/cgroup` has them; empty for version 2.
    hierarchy: String,
    /// The group that has the settings.
    group: PathBuf,
    /// Where its processes were, and go back to. The same as `group` where that is theirs alone: nobody is moved.
    home: PathBuf,
    members: Vec<Identity>,
    settings: Vec<Setting>,
}

/// The groups that are needed for some bounds on some processes, one for each that they are in now.
pub(in crate::fault) fn plan(
    found: &[Found],
    bounds: &[Bound],
    context: &Context,
) -> Result<Vec<Nest>, Trouble> {
    let mut nests: Vec<Nest> = Vec::new();
    let mut ended = None;
    for one in found {
        let all = groups(&one.identity.pid.to_string());
        // Asked after the groups: those of a process that has ended are none, or the root's.
        if !one.identity.alive() {
            ended = Some(one);
            continue;
        }
        for bound in bounds {
            let group = bound.serving(&all).ok_or_else(|| bound.missing(one))?;
            let home = &group.folder;
            let known = nests
                .iter_mut()
                .find(|nest| nest.hierarchy == group.controllers && nest.home == *home);
            let nest = match known {
                Some(nest) => nest,
                None => {
                    nests.push(Nest::around(group, context));
                    let last = nests.len() - 1;
                    &mut nests[last]
                }
            };
            if !nest.members.contains(&one.identity) {
                nest.members.push(one.identity.clone());
            }
            let setting = bound.setting(group.controllers.is_empty());
            if !nest.settings.contains(&setting) {
                nest.settings.push(setting);
            }
        }
    }
    for nest in &mut nests {
        if nest.hierarchy.is_empty() {
            version_2_place(nest, context)?;
        }
    }
    match ended {
        Some(one) if nests.is_empty() && !bounds.is_empty() => {
            Err(Trouble::Vanished(format!("{} has ended", one.label())))
        }
        _ => Ok(nests),
    }
}

/// In version 2 a group that has processes can have none below it with limits: the limits go to the group itself where
/// it is theirs alone, and else to one beside it. A frozen group needs no controller, and is below as in version 1.
fn version_2_place(nest: &mut Nest, context: &Context) -> Result<(), Trouble> {
    let needed: Vec<&str> = nest
        .settings
        .iter()
        .filter_map(Setting::controller)
        .collect();
    if needed.is_empty() {
        return Ok(());
    }
    let others = pids(&nest.home)
        .into_iter()
        .any(|pid| nest.members.iter().all(|member| member.pid != pid));
    let root = !nest.home.join("cgroup.events").exists();
    if !others && !root {
        nest.group.clone_from(&nest.home);
        for setting in &mut nest.settings {
            setting.remember(&nest.home)?;
        }
        return Ok(());
    }
    let above = if root {
        Some(nest.home.as_path())
    } else {
        nest.home.parent()
    };
    let above = above.filter(|above| needed.iter().all(|one| version_2::gives(above, one)));
    let Some(above) = above else {
        return Err(Trouble::Precondition(format!(
            "the control group {} is shared with other processes, and the one above it does not give {} to a group beside it; write it to its cgroup.subtree_control, or give the service a group of its own",
            nest.home.display(),
            needed.join(" and ")
        )));
    };
    nest.group = above.join(name(context));
    for setting in &mut nest.settings {
        setting.not_above(&nest.home);
    }
    Ok(())
}

fn name(context: &Context) -> String {
    format!("rchaos-{}-{}", context.agent, context.id)
}

/// The processes in a group.
fn pids(group: &Path) -> Vec<i32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Moves a process; `false` when it is gone.
fn enter(group: &Path, pid: i32) -> Result<bool, Trouble> {
    let file = group.join("cgroup.procs");
    match fs::write(&file, pid.to_string()) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            Ok(false)
        }
        Err(error) => Err(Trouble::system(
            format!("cannot move process {pid} by {}", file.display()),
            error,
        )),
    }
}

impl Nest {
    fn around(group: &Group, context: &Context) -> Self {
        Self {
            hierarchy: group.controllers.clone(),
            group: group.folder.join(name(context)),
            home: group.folder.clone(),
            members: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// Whether the group is one that we make.
    fn ours(&self) -> bool {
        self.group != self.home
    }

    /// For the ledger: a process is in one group of a hierarchy only.
    pub(in crate::fault) fn resources(&self) -> impl Iterator<Item = Resource> {
        let hierarchy = if self.hierarchy.is_empty() {
            "v2"
        } else {
            &self.hierarchy
        };
        self.members.iter().map(move |one| {
            let key = format!("process {}@{} group {hierarchy}", one.pid, one.start);
            Resource::new(key, Sharing::Alone)
        })
    }

    /// How it is undone, in words.
    pub(in crate::fault) fn undo_words(&self) -> String {
        if self.ours() {
            format!("back to {}", self.home.display())
        } else {
            format!("what was before in {}", self.group.display())
        }
    }

    /// Makes the group, limits it, and moves the processes in; freezes it then.
    pub(in crate::fault) fn inject(&self) -> Result<(), Trouble> {
        if self.ours() {
            fs::create_dir(&self.group).map_err(|error| {
                Trouble::system(format!("control group {}", self.group.display()), error)
            })?;
        }
        self.write(|setting| !setting.freezes())?;
        let mut left = 0;
        for member in &self.members {
            // Held while the pid is used, so that it stays that process's.
            let Some(_held) = member.open()? else {
                continue;
            };
            if !self.ours() || enter(&self.group, member.pid)? {
                left += 1;
            }
        }
        if left == 0 {
            return Err(Trouble::Vanished("the processes have ended".to_owned()));
        }
        self.write(Setting::freezes)?;
        for setting in self.settings.iter().filter(|one| one.freezes()) {
            let frozen = within(PATIENCE, || setting.stands(&self.group));
            if !frozen {
                let text = format!(
                    "{} does not freeze: a process is held by the kernel (state D)",
                    self.group.display()
                );
                return Err(Trouble::Failed(text));
            }
        }
        Ok(())
    }

    fn write(&self, which: impl Fn(&Setting) -> bool) -> Result<(), Trouble> {
        let mut settings = self.settings.iter().filter(|one| which(one));
        settings.try_for_each(|one| one.write(&self.group))
    }

    /// How many of its processes are in it, and how many there are; the settings stand.
    pub(in crate::fault) fn look(&self) -> (usize, usize, bool) {
        let inside = pids(&self.group);
        let alive = || self.members.iter().filter(|one| one.alive());
        let here = alive().filter(|one| inside.contains(&one.pid)).count();
        let stands = self.settings.iter().all(|one| one.stands(&self.group));
        (here, alive().count(), stands)
    }

    /// How often a limit was met; none where that is not counted.
    pub(in crate::fault) fn hits(&self) -> Option<u64> {
        let counts = self.settings.iter().filter_map(|one| one.hits(&self.group));
        counts.reduce(|all, one| all + one)
    }

    /// Undoes it; also from the record alone.
    pub(in crate::fault) fn heal(&self) -> Result<Healed, Trouble> {
        if !self.ours() {
            return self.put_back();
        }
        if !self.group.exists() {
            return Ok(Healed::Unchanged);
        }
        // A frozen one of version 1 lets nobody go.
        for setting in self.settings.iter().filter(|one| one.freezes()) {
            setting.thaw(&self.group)?;
        }
        let drifted = self.elsewhere();
        self.empty()?;
        let gone = within(PATIENCE, || match fs::remove_dir(&self.group) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        });
        if !gone {
            let group = self.group.display();
            return Err(Trouble::Failed(format!(
                "the control group {group} cannot be removed; end or move what is in it, and run `rmdir {group}`"
            )));
        }
        Ok(drifted.map_or(Healed::Restored, Healed::Drifted))
    }

    /// Moves everybody back, those forked meanwhile too.
    fn empty(&self) -> Result<(), Trouble> {
        let trouble = std::cell::RefCell::new(None);
        within(PATIENCE, || {
            let inside = pids(&self.group);
            for pid in &inside {
                trouble.replace(enter(&self.home, *pid).err());
            }
            inside.is_empty()
        });
        match (pids(&self.group).is_empty(), trouble.into_inner()) {
            (false, Some(trouble)) => Err(trouble),
            _ => Ok(()),
        }
    }

    /// Whom somebody else has moved on.
    fn elsewhere(&self) -> Option<String> {
        let (inside, home) = (pids(&self.group), pids(&self.home));
        let moved = self
            .members
            .iter()
            .find(|one| one.alive() && !inside.contains(&one.pid) && !home.contains(&one.pid))?;
        let all = groups(&moved.pid.to_string());
        let now = all
            .iter()
            .find(|group| group.controllers == self.hierarchy)?;
        Some(format!(
            "process {} is in {}, where neither rchaos nor the time before has put it; it was in {}",
            moved.pid,
            now.folder.display(),
            self.home.display()
        ))
    }

    fn put_back(&self) -> Result<Healed, Trouble> {
        if !self.group.exists() {
            return Ok(Healed::Vanished);
        }
        let all = self.settings.iter().rev();
        crate::fault::outcome::worst(all.map(|one| one.put_back(&self.group)))
    }
}
