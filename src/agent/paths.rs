//! Where agents keep their journals and their beats.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The state folder and the runtime folder of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Journals: `/var/lib/rchaos` for root; survives a reboot.
    pub state: PathBuf,
    /// Beats and requests to halt: `/run/rchaos` for root.
    pub runtime: PathBuf,
}

/// Why the folders cannot be used; nothing is injected then.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// The system refuses one.
    #[error("the state folder {}: {error}; set RCHAOS_STATE_DIR to a folder that can be written", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Somebody else could write to it.
    #[error("the state folder {} belongs to user {owner}; set RCHAOS_STATE_DIR to a folder of one's own", path.display())]
    Foreign {
        /// Which folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// It lies on another machine.
    #[error("the state folder {} is on a network filesystem, which may be gone when it is needed; set RCHAOS_STATE_DIR to a local folder", path.display())]
    Remote {
        /// Which folder.
        path: PathBuf,
    },
}

/// Magic numbers of filesystems that live on another machine: NFS, SMB, CIFS, SMB2, 9p, Ceph, AFS, FUSE.
const REMOTE: [i64; 8] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x0102_1997,
    0x00c3_6400,
    0x5346_414f,
    0x6573_5546,
];

impl Paths {
    /// The folders of this user: those of `RCHAOS_STATE_DIR` if it is set, else root's, else XDG's.
    #[must_use]
    pub fn of_user() -> Self {
        Self::choose(rustix::process::getuid().is_root(), |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        })
    }

    fn choose(root: bool, var: impl Fn(&str) -> Option<PathBuf>) -> Self {
        if let Some(state) = var("RCHAOS_STATE_DIR") {
            return Self {
                runtime: state.join("run"),
                state,
            };
        }
        if root {
            return Self {
                state: "/var/lib/rchaos".into(),
                runtime: "/run/rchaos".into(),
            };
        }
        let home = var("HOME").unwrap_or_else(|| "/tmp".into());
        let state = var("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state"));
        let state = state.join("rchaos");
        let runtime = var("XDG_RUNTIME_DIR").map(|folder| folder.join("rchaos"));
        Self {
            runtime: runtime.unwrap_or_else(|| state.join("run")),
            state,
        }
    }

    /// What `RCHAOS_STATE_DIR` must be for another process to find the same folders; root's and XDG's are found by the
    /// same user without it.
    #[must_use]
    pub fn given(&self) -> PathBuf {
        std::env::var_os("RCHAOS_STATE_DIR").map_or_else(PathBuf::new, |_| self.state.clone())
    }

    /// Makes both folders, for this user alone.
    ///
    /// # Errors
    ///
    /// They cannot be made, belong to somebody else, or lie on another machine.
    pub fn make(&self) -> Result<(), PathsError> {
        for path in [&self.state, &self.runtime] {
            make(path)?;
        }
        Ok(())
    }

    /// The journal of an agent.
    #[must_use]
    pub fn journal(&self, agent: &str) -> PathBuf {
        self.state.join(format!("{agent}.journal"))
    }

    /// Where an agent writes the time of its last beat.
    #[must_use]
    pub fn beat(&self, agent: &str) -> PathBuf {
        self.runtime.join(format!("{agent}.beat"))
    }

    /// The file whose presence asks an agent's run to end.
    #[must_use]
    pub fn halt(&self, agent: &str) -> PathBuf {
        self.runtime.join(format!("{agent}.halt"))
    }
}

fn make(path: &Path) -> Result<(), PathsError> {
    let folder = |error| PathsError::Folder {
        path: path.to_owned(),
        error,
    };
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(folder)?;
    let owner = fs::metadata(path).map_err(folder)?.uid();
    let user = rustix::process::geteuid().as_raw();
    if owner != user && user != 0 {
        return Err(PathsError::Foreign {
            path: path.to_owned(),
            owner,
        });
    }
    let kind = rustix::fs::statfs(path)
        .map_err(|error| folder(error.into()))?
        .f_type;
    let remote = REMOTE
        .iter()
        .any(|remote| i128::from(*remote) == i128::from(kind));
    if remote && !is_overlay(path) {
        return Err(PathsError::Remote {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Whether a folder is on an overlay in user space, as containers of rootless engines are: that is local.
fn is_overlay(path: &Path) -> bool {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let of = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        path.starts_with(place)
            .then(|| (place.len(), kind.contains("overlay")))
    };
    let nearest = mounts
        .lines()
        .filter_map(of)
        .max_by_key(|(length, _)| *length);
    nearest.is_some_and(|(_, overlay)| overlay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(root: bool, set: &[(&str, &str)]) -> (String, String) {
        let paths = Paths::choose(root, |name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| PathBuf::from(value))
        });
        (
            paths.state.display().to_string(),
            paths.runtime.display().to_string(),
        )
    }

    #[test]
    fn the_variable_wins_then_root_then_xdg() {
        let own = [("RCHAOS_STATE_DIR", "/s"), ("HOME", "/h")];
        assert_eq!(chosen(true, &own), ("/s".into(), "/s/run".into()));
        assert_eq!(chosen(true, &[]).0, "/var/lib/rchaos");
        let home = [("HOME", "/h")];
        assert_eq!(chosen(false, &home).0, "/h/.local/state/rchaos");
        let xdg = [("XDG_STATE_HOME", "/x"), ("XDG_RUNTIME_DIR", "/r")];
        assert_eq!(
            chosen(false, &xdg),
            ("/x/rchaos".into(), "/r/rchaos".into())
        );
    }

    #[test]
    fn folders_are_for_their_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let paths = Paths {
            state: root.path().join("a/b"),
            runtime: root.path().join("a/b/run"),
        };
        paths.make().unwrap();
        let mode = fs::metadata(&paths.state).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
