//! How full a filesystem is, how much of it a fault may take, and whether rchaos needs it itself.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::units::show_bytes;
use crate::fault::Trouble;

/// The reserve that is left without `force`: one hundredth, or this if that is more than this.
const RESERVE: u64 = 100 << 20;

/// How much of something is taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// Until so great a share of all (0 to 1) is used, what others use included.
    Percent(f64),
    /// Until so many bytes are left.
    LeaveFree(u64),
}

/// Where the agent keeps its journal; its worker puts it into [`crate::fault::Shared`].
pub struct StateDirectory(pub Option<PathBuf>);

/// Room on a filesystem, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// All of it.
    pub total: u64,
    /// What is free for users without privileges.
    pub free: u64,
    /// Inodes that are free; `u64::MAX` where the filesystem does not count them.
    pub inodes: u64,
}

impl Room {
    /// As it is now.
    pub(super) fn of(path: &Path) -> Result<Self, Trouble> {
        let data = rustix::fs::statvfs(path).map_err(|error| missing(path, error.into()))?;
        let counted = data.f_files > 0;
        Ok(Self {
            total: data.f_blocks.saturating_mul(data.f_frsize),
            free: data.f_bavail.saturating_mul(data.f_frsize),
            inodes: if counted { data.f_favail } else { u64::MAX },
        })
    }

    fn reserve(self) -> u64 {
        (self.total / 100).min(RESERVE)
    }

    /// How many bytes to take, and what was held back for the reserve, as a fragment.
    ///
    /// A share gives way to the reserve, since it says how full and not how much is left; bytes that would go
    /// into it are refused; `leave_free` says itself what is left.
    pub(super) fn take(self, amount: Amount, force: bool) -> Result<(u64, String), Trouble> {
        let reserve = if force { 0 } else { self.reserve() };
        match amount {
            Amount::LeaveFree(left) => Ok((self.free.saturating_sub(left), String::new())),
            Amount::Percent(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share of a number of bytes, to the nearest"
                )]
                let wanted = (self.total as f64 * share.clamp(0.0, 1.0)).round() as u64;
                let used = self.total.saturating_sub(self.free);
                let wanted = wanted.saturating_sub(used);
                let most = self.free.saturating_sub(reserve);
                let note = if wanted > most {
                    let kept = show(reserve);
                    format!(", but {kept} is kept in reserve (`force = true` takes it too)")
                } else {
                    String::new()
                };
                Ok((wanted.min(most), note))
            }
            Amount::Bytes(bytes) if bytes > self.free => Err(Trouble::Precondition(format!(
                "{} is more than is free there: {}",
                show(bytes),
                show(self.free)
            ))),
            Amount::Bytes(bytes) if bytes > self.free.saturating_sub(reserve) => {
                Err(Trouble::Precondition(format!(
                    "{} would leave less than the reserve of {}; write `force = true` if that is meant",
                    show(bytes),
                    show(reserve)
                )))
            }
            Amount::Bytes(bytes) => Ok((bytes, String::new())),
        }
    }
}

/// Refuses a path on the filesystem where the journal is: what fills it keeps rchaos from writing down undo.
pub(super) fn spare_state(
    what: &str,
    path: &Path,
    state: Option<&Path>,
    force: bool,
) -> Result<(), Trouble> {
    let device = |path: &Path| fs::metadata(path).map(|data| data.dev()).ok();
    // The directory may not be there yet: then the nearest of its parents says where it will be.
    let home = state.and_then(|state| state.ancestors().find_map(device));
    if force || home.is_none() || home != device(path) {
        return Ok(());
    }
    Err(Trouble::Precondition(format!(
        "{what}: {} is on the filesystem where rchaos keeps its own state ({}); set RCHAOS_STATE_DIR to another, or write `force = true`",
        path.display(),
        state.map_or_else(String::new, |state| state.display().to_string())
    )))
}

/// A path that cannot be used.
pub(super) fn missing(path: &Path, error: std::io::Error) -> Trouble {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Trouble::Precondition(format!("there is no folder {}", path.display()))
        }
        _ => Trouble::system(path.display(), error),
    }
}

/// A number of bytes for people.
pub(super) fn show(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    show_bytes(bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        total: 64 << 20,
        free: 48 << 20,
        inodes: 1000,
    };

    #[test]
    fn each_amount_says_how_much_to_take() {
        let take = |amount, force| ROOM.take(amount, force).map(|(bytes, _)| bytes);
        assert_eq!(take(Amount::Bytes(10 << 20), false), Ok(10 << 20));
        assert_eq!(take(Amount::Percent(0.5), false), Ok(16 << 20));
        assert_eq!(take(Amount::Percent(0.1), false), Ok(0));
        assert_eq!(take(Amount::LeaveFree(8 << 20), false), Ok(40 << 20));
        assert_eq!(take(Amount::LeaveFree(1 << 30), false), Ok(0));
        assert_eq!(take(Amount::Percent(1.0), true), Ok(48 << 20));
    }

    #[test]
    fn the_reserve_stays_without_force() {
        let reserve = (64 << 20) / 100;
        let (bytes, note) = ROOM.take(Amount::Percent(1.0), false).unwrap();
        assert_eq!(bytes, (48 << 20) - reserve);
        assert!(note.contains("`force = true`"), "{note}");
        let error = ROOM.take(Amount::Bytes(48 << 20), false).unwrap_err();
        assert!(error.to_string().contains("reserve"), "{error}");
        assert!(ROOM.take(Amount::Bytes(48 << 20), true).is_ok());
        let error = ROOM.take(Amount::Bytes(1 << 30), true).unwrap_err();
        assert!(error.to_string().contains("more than is free"), "{error}");
    }

    #[test]
    fn where_the_journal_is_nothing_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("not/yet/there");
        let spare = |force| spare_state("x", folder.path(), Some(&state), force);
        assert!(spare(false).is_err());
        assert!(spare(true).is_ok());
        assert!(spare_state("x", Path::new("/proc"), Some(&state), false).is_ok());
    }
}
