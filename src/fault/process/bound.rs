//! What a control group holds processes to: a limit, or standing still, in the files of both versions.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::find::Found;
use crate::fault::control_group::{Group, named, number};
use crate::fault::{Healed, Trouble};

/// One bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Processor time, in cores: 0.5 is half of one.
    Cpu(f64),
    /// Memory that is taken from now on, in bytes.
    Memory(u64),
    /// Processes and threads.
    Pids(u64),
    /// None of them runs.
    Frozen,
}

/// How long the kernel counts processor time together, in microseconds: its own default.
const PERIOD: u64 = 100_000;

impl Bound {
    /// Its controller; that of version 1 for freezing, which needs none in version 2.
    fn controller(self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Memory(_) => "memory",
            Self::Pids(_) => "pids",
            Self::Frozen => "freezer",
        }
    }

    /// In words: `at most 0.5 cores`.
    pub(in crate::fault) fn effect(self) -> String {
        match self {
            Self::Cpu(cores) => format!("at most {}% of a core", cores * 100.0),
            Self::Memory(bytes) => format!("at most {bytes} bytes of memory"),
            Self::Pids(count) => format!("at most {count} processes and threads"),
            Self::Frozen => "frozen".to_owned(),
        }
    }

    /// The group of a process that can do it; version 2 where both can.
    pub(super) fn serving(self, all: &[Group]) -> Option<&Group> {
        let second = all.iter().find(|group| {
            group.controllers.is_empty()
                && (self == Self::Frozen || version_2::has(&group.folder, self.controller()))
        });
        second.or_else(|| {
            let mut first = all.iter().filter(|group| !group.controllers.is_empty());
            first.find(|group| group.has(self.controller()))
        })
    }

    /// No group can.
    pub(super) fn missing(self, one: &Found) -> Trouble {
        Trouble::Precondition(format!(
            "{} is in no control group with the controller {}: no such hierarchy is mounted here",
            one.label(),
            self.controller()
        ))
    }

    /// The file that does it, and what is written there.
    pub(super) fn setting(self, second: bool) -> Setting {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "cores are few, and at least a hundredth"
        )]
        let quota = |cores: f64| (cores * PERIOD as f64).round().max(1000.0) as u64;
        let (file, value) = match (self, second) {
            (Self::Cpu(cores), true) => ("cpu.max", format!("{} {PERIOD}", quota(cores))),
            (Self::Cpu(cores), false) => ("cpu.cfs_quota_us", quota(cores).to_string()),
            // The kernel counts in pages.
            (Self::Memory(bytes), true) => ("memory.max", (bytes & !4095).to_string()),
            (Self::Memory(bytes), false) => ("memory.limit_in_bytes", (bytes & !4095).to_string()),
            (Self::Pids(count), _) => ("pids.max", count.to_string()),
            (Self::Frozen, true) => ("cgroup.freeze", "1".to_owned()),
            (Self::Frozen, false) => ("freezer.state", "FROZEN".to_owned()),
        };
        Setting {
            file: file.to_owned(),
            value,
            before: None,
            met: 0,
        }
    }
}

/// One file of a group, and what we write there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::fault) struct Setting {
    file: String,
    value: String,
    /// What was there, in a group that is not ours.
    before: Option<String>,
    /// How often a limit had been met there by then.
    #[serde(default)]
    met: u64,
}

impl Setting {
    /// The controller of version 2 that it needs.
    pub(super) fn controller(&self) -> Option<&str> {
        let (controller, _) = self.file.split_once('.')?;
        (!self.freezes()).then_some(controller)
    }

    /// Whether it stops processes.
    pub(super) fn freezes(&self) -> bool {
        matches!(self.file.as_str(), "cgroup.freeze" | "freezer.state")
    }

    /// Keeps what is there now.
    pub(super) fn remember(&mut self, group: &Path) -> Result<(), Trouble> {
        let file = group.join(&self.file);
        let before =
            fs::read_to_string(&file).map_err(|error| Trouble::system(file.display(), error))?;
        self.before = Some(before.trim().to_owned());
        self.met = self.met(group).unwrap_or_default();
        self.not_above(group);
        Ok(())
    }

    /// A limit that is lower already stays.
    pub(super) fn not_above(&mut self, home: &Path) {
        let now = self.read(home).unwrap_or_default();
        let both = amount(&now).zip(amount(&self.value));
        if both.is_some_and(|((now, of), (ours, of_ours))| now * of_ours < ours * of) {
            self.value = now;
        }
    }

    fn read(&self, group: &Path) -> Option<String> {
        let text = fs::read_to_string(group.join(&self.file)).ok()?;
        Some(text.trim().to_owned())
    }

    pub(super) fn write(&self, group: &Path) -> Result<(), Trouble> {
        self.set(group, &self.value)
    }

    fn set(&self, group: &Path, value: &str) -> Result<(), Trouble> {
        let file = group.join(&self.file);
        fs::write(&file, value).map_err(|error| {
            let what = format!("cannot write {value} to {}", file.display());
            match error.kind() {
                std::io::ErrorKind::InvalidInput => Trouble::Precondition(format!(
                    "{what}: a group above it allows less already, or it is too low"
                )),
                _ => Trouble::system(what, error),
            }
        })
    }

    /// Whether it is in force.
    pub(super) fn stands(&self, group: &Path) -> bool {
        if self.file == "cgroup.freeze" {
            return named(group, "cgroup.events", "frozen ") == Some(1);
        }
        self.read(group).as_ref() == Some(&self.value)
    }

    /// Lets those in the group go on.
    pub(super) fn thaw(&self, group: &Path) -> Result<(), Trouble> {
        let value = if self.file == "cgroup.freeze" {
            "0"
        } else {
            "THAWED"
        };
        self.set(group, value)
    }

    /// How often it acted.
    pub(super) fn hits(&self, group: &Path) -> Option<u64> {
        Some(self.met(group)?.saturating_sub(self.met))
    }

    /// How often the limit of a group was met since there is that group.
    fn met(&self, group: &Path) -> Option<u64> {
        match self.file.as_str() {
            "cpu.max" | "cpu.cfs_quota_us" => named(group, "cpu.stat", "nr_throttled "),
            "memory.max" => named(group, "memory.events", "max "),
            "memory.limit_in_bytes" => number(group, "memory.failcnt"),
            "pids.max" => named(group, "pids.events", "max "),
            _ => None,
        }
    }

    /// From what we set to what was; what somebody else has set stays.
    pub(super) fn put_back(&self, group: &Path) -> Result<Healed, Trouble> {
        let (Some(before), Some(now)) = (&self.before, self.read(group)) else {
            return Ok(Healed::Vanished);
        };
        if now == *before {
            return Ok(Healed::Unchanged);
        }
        if now != self.value {
            return Ok(Healed::Drifted(format!(
                "{} of {} is {now}, which neither rchaos nor the time before has set; it was {before}",
                self.file,
                group.display()
            )));
        }
        self.set(group, before)?;
        Ok(Healed::Restored)
    }
}

/// How much a file allows, and of how much: `50000 100000` is a half. None without a limit.
fn amount(text: &str) -> Option<(u128, u128)> {
    let mut numbers = text.split(' ').map(|one| one.parse().ok());
    let allowed = numbers.next()??;
    Some((allowed, numbers.next().flatten().unwrap_or(1)))
}

/// What groups of version 2 say of their controllers.
pub(super) mod version_2 {
    use std::fs;
    use std::path::Path;

    fn lists(group: &Path, file: &str, controller: &str) -> bool {
        let text = fs::read_to_string(group.join(file)).unwrap_or_default();
        text.split_whitespace().any(|one| one == controller)
    }

    /// Whether the controller can be used in this group.
    pub(in crate::fault::process) fn has(group: &Path, controller: &str) -> bool {
        lists(group, "cgroup.controllers", controller)
    }

    /// Whether groups below this one have it.
    pub(in crate::fault::process) fn gives(group: &Path, controller: &str) -> bool {
        lists(group, "cgroup.subtree_control", controller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        folder
    }

    #[test]
    fn each_version_has_its_file() {
        let shown = |bound: Bound, second| {
            let setting = bound.setting(second);
            format!("{} = {}", setting.file, setting.value)
        };
        assert_eq!(shown(Bound::Cpu(0.25), true), "cpu.max = 25000 100000");
        assert_eq!(shown(Bound::Cpu(0.25), false), "cpu.cfs_quota_us = 25000");
        assert_eq!(shown(Bound::Memory(10_000), true), "memory.max = 8192");
        assert_eq!(shown(Bound::Frozen, false), "freezer.state = FROZEN");
    }

    #[test]
    fn in_a_group_of_others_the_value_before_is_put_back_unless_it_drifted() {
        let group = group(&[("pids.max", "max\n")]);
        let mut setting = Bound::Pids(10).setting(true);
        setting.remember(group.path()).unwrap();
        assert_eq!(setting.put_back(group.path()), Ok(Healed::Unchanged));
        setting.write(group.path()).unwrap();
        assert!(setting.stands(group.path()));
        assert_eq!(setting.put_back(group.path()), Ok(Healed::Restored));
        assert_eq!(number(group.path(), "pids.max"), None);
        fs::write(group.path().join("pids.max"), "77").unwrap();
        let healed = setting.put_back(group.path()).unwrap();
        assert!(matches!(healed, Healed::Drifted(_)), "{healed:?}");
    }

    #[test]
    fn a_limit_that_is_lower_already_stays() {
        let group = group(&[("cpu.max", "20000 100000\n"), ("pids.max", "max")]);
        let mut cpu = Bound::Cpu(0.5).setting(true);
        cpu.not_above(group.path());
        assert_eq!(cpu.value, "20000 100000");
        let mut pids = Bound::Pids(5).setting(true);
        pids.not_above(group.path());
        assert_eq!(pids.value, "5");
    }

    #[test]
    fn a_share_of_time_is_compared_and_not_the_time_alone() {
        let stays = |now: &str| {
            let group = group(&[("cpu.max", now)]);
            let mut cpu = Bound::Cpu(0.25).setting(true);
            cpu.not_above(group.path());
            cpu.value == now
        };
        assert!(stays("50000 1000000"), "a twentieth is less");
        assert!(!stays("20000 40000"), "a half is more");
        assert!(!stays("max 100000"));
    }

    #[test]
    fn what_was_met_before_is_not_counted() {
        let stat = |count: u64| format!("usage_usec 5\nnr_periods 90\nnr_throttled {count}\n");
        let group = group(&[("cpu.max", "max 100000"), ("cpu.stat", &stat(40))]);
        let mut cpu = Bound::Cpu(0.5).setting(true);
        cpu.remember(group.path()).unwrap();
        assert_eq!(cpu.hits(group.path()), Some(0));
        fs::write(group.path().join("cpu.stat"), stat(43)).unwrap();
        assert_eq!(cpu.hits(group.path()), Some(3));
    }
}
