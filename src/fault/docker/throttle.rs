//! Limits of what a container reads and writes per second, in its control group: engines' own updates ignore them.

use std::fs;
use std::os::linux::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::select::Container;
use crate::docker::models::ContainerInspectResponse;
use crate::fault::control_group::{Group, groups};
use crate::fault::{Healed, Trouble};

/// What may pass in a second; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Throttle {
    /// Bytes that are read.
    pub read: Option<u64>,
    /// Bytes that are written.
    pub write: Option<u64>,
    /// Reads.
    pub read_ops: Option<u64>,
    /// Writes.
    pub write_ops: Option<u64>,
    /// Which block device; where left out, those that its own files and its volumes are on.
    pub device: Option<PathBuf>,
}

/// One number of one device in the files of a control group, with what it was and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Valve {
    file: PathBuf,
    /// Major and minor number: `8:0`.
    device: String,
    /// Its name among several in the same line, which those of version 2 have.
    key: Option<String>,
    /// None: no limit.
    pub(super) before: Option<u64>,
    pub(super) ours: u64,
}

/// The same in both versions of control groups: the first has a file for each, the second a word.
const NAMES: [(&str, &str); 4] = [
    ("blkio.throttle.read_bps_device", "rbps"),
    ("blkio.throttle.write_bps_device", "wbps"),
    ("blkio.throttle.read_iops_device", "riops"),
    ("blkio.throttle.write_iops_device", "wiops"),
];

impl Throttle {
    fn wanted(&self) -> [Option<u64>; 4] {
        [self.read, self.write, self.read_ops, self.write_ops]
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted().iter().all(Option::is_none)
    }

    /// In words: `1 MiB/s written`.
    #[must_use]
    pub fn label(&self) -> String {
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let bytes = |bytes: u64| format!("{}/s", crate::base::units::show_bytes(bytes as f64));
        let all = [
            self.read.map(|it| format!("{} read", bytes(it))),
            self.write.map(|it| format!("{} written", bytes(it))),
            self.read_ops.map(|it| format!("{it} reads per second")),
            self.write_ops.map(|it| format!("{it} writes per second")),
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What is to be set, and how it is now.
    pub(super) fn plan(
        &self,
        what: &str,
        container: &Container,
        now: &ContainerInspectResponse,
    ) -> Result<Vec<Valve>, Trouble> {
        let refuse = |text: String| {
            let text = format!("{what}: {}: {text}", container.label());
            Trouble::Precondition(text)
        };
        let main = container.process()?;
        let all = groups(&main.identity.pid.to_string());
        let first = |group: &&Group| group.folder.join(NAMES[0].0).exists();
        let second = |group: &&Group| group.folder.join("io.max").exists();
        let folder = |group: &Group| group.folder.clone();
        let (old, new) = (all.iter().find(first), all.iter().find(second));
        if old.is_none() && new.is_none() {
            let text = "its control group has no limits of block I/O that the agent sees: there is neither \
                        blkio.throttle.write_bps_device nor io.max";
            return Err(refuse(text.to_owned()));
        }
        let mut valves = Vec::new();
        for device in self.devices(now).map_err(refuse)? {
            for (wanted, (file, key)) in self.wanted().into_iter().zip(NAMES) {
                let Some(ours) = wanted else { continue };
                let mut valve = Valve {
                    file: old.map(folder).unwrap_or_default().join(file),
                    device: device.clone(),
                    key: None,
                    before: None,
                    ours,
                };
                if let (None, Some(group)) = (old, new) {
                    valve.file = group.folder.join("io.max");
                    valve.key = Some(key.to_owned());
                }
                valve.before = valve.read()?;
                valves.push(valve);
            }
        }
        Ok(valves)
    }

    /// The devices, by number.
    fn devices(&self, now: &ContainerInspectResponse) -> Result<Vec<String>, String> {
        if let Some(path) = &self.device {
            let about =
                fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let device = whole(about.st_rdev());
            return match device {
                Some(device) => Ok(vec![device]),
                None => Err(format!("{} is no block device", path.display())),
            };
        }
        let data = now.graph_driver.as_ref().map(|driver| &driver.data);
        let own = data.and_then(|data| data.get("UpperDir").or_else(|| data.get("MergedDir")));
        let mounts = now.mounts.iter().flatten();
        let mounted = mounts.filter_map(|mount| mount.source.as_ref());
        let folders = own.into_iter().chain(mounted);
        let mut all: Vec<String> = folders
            .filter_map(|path| fs::metadata(path).ok())
            .filter_map(|about| whole(about.st_dev()))
            .collect();
        all.sort();
        all.dedup();
        match all.is_empty() {
            true => Err(
                "no block device is known that it is on; say which: device = \"/dev/sda\""
                    .to_owned(),
            ),
            false => Ok(all),
        }
    }
}

/// The device as a whole, by number: partitions have no limits of their own. None for what is no block device.
fn whole(device: u64) -> Option<String> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let entry = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let whole = match entry.join("partition").exists() {
        true => entry.parent()?.to_owned(),
        false => entry,
    };
    let number = fs::read_to_string(whole.join("dev")).ok()?;
    Some(number.trim().to_owned())
}

impl Valve {
    /// For stacks: which number of which device of which group.
    pub(super) fn name(&self) -> String {
        let key = self.key.as_deref().unwrap_or_default();
        format!("{} {} {key}", self.file.display(), self.device)
    }

    /// How it is; none without a limit.
    pub(super) fn read(&self) -> Result<Option<u64>, Trouble> {
        let text = fs::read_to_string(&self.file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Trouble::Vanished(format!("there is no {} any more", self.file.display()))
            }
            _ => Trouble::system(self.file.display(), error),
        })?;
        Ok(parse(&text, &self.device, self.key.as_deref()))
    }

    /// Sets it, or lifts it.
    pub(super) fn write(&self, limit: Option<u64>) -> Result<(), Trouble> {
        let text = match (&self.key, limit) {
            (None, limit) => format!("{} {}", self.device, limit.unwrap_or(0)),
            (Some(key), Some(limit)) => format!("{} {key}={limit}", self.device),
            (Some(key), None) => format!("{} {key}=max", self.device),
        };
        write(&self.file, &text)
    }

    /// Puts it to `back`, if it is ours still. A container that was started again has a new group, without limits.
    pub(super) fn heal(&self, back: Option<u64>) -> Result<Healed, Trouble> {
        let now = match self.read() {
            Err(Trouble::Vanished(_)) => return Ok(Healed::Unchanged),
            now => now?,
        };
        if now == back {
            return Ok(Healed::Unchanged);
        }
        if now != Some(self.ours) {
            let shown = |limit: Option<u64>| limit.map_or("none".to_owned(), |it| it.to_string());
            return Ok(Healed::Drifted(format!(
                "{} of device {} is {}, which somebody else has set; it was {}",
                self.file.display(),
                self.device,
                shown(now),
                shown(back)
            )));
        }
        self.write(back)?;
        match self.read()? == back {
            true => Ok(Healed::Restored),
            false => Err(Trouble::Failed(format!(
                "{} keeps the limit of device {}",
                self.file.display(),
                self.device
            ))),
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), Trouble> {
    fs::write(file, text).map_err(|error| Trouble::system(file.display(), error))
}

/// The number of a device in such a file.
fn parse(text: &str, device: &str, key: Option<&str>) -> Option<u64> {
    let line = text.lines().find_map(|line| {
        let (first, rest) = line.split_once(' ')?;
        (first == device).then_some(rest)
    })?;
    let number = match key {
        None => line.trim(),
        Some(key) => line
            .split(' ')
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))?,
    };
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        let first = "8:0 1048576\n254:0 5\n";
        assert_eq!(parse(first, "254:0", None), Some(5));
        assert_eq!(parse(first, "254:1", None), None);
        let second = "8:16 rbps=2097152 wbps=max riops=max wiops=120\n";
        assert_eq!(parse(second, "8:16", Some("rbps")), Some(2_097_152));
        assert_eq!(parse(second, "8:16", Some("wbps")), None);
        assert_eq!(parse(second, "8:16", Some("wiops")), Some(120));
    }

    #[test]
    fn a_limit_of_version_2_is_set_lifted_and_told_from_what_others_set() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("io.max");
        let valve = Valve {
            file: file.clone(),
            device: "8:16".to_owned(),
            key: Some("wbps".to_owned()),
            before: None,
            ours: 1000,
        };
        assert_eq!(valve.heal(None).unwrap(), Healed::Unchanged);
        valve.write(Some(1000)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "8:16 wbps=1000");
        assert!(matches!(
            Valve {
                ours: 5,
                ..valve.clone()
            }
            .heal(None),
            Ok(Healed::Drifted(_))
        ));
        assert_eq!(valve.heal(None).unwrap(), Healed::Restored);
        assert_eq!(fs::read_to_string(&file).unwrap(), "8:16 wbps=max");
    }
}
