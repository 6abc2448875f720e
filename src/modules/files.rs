//! Files that scripts name, relative to the script; each read once per process.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::base::text::quoted;

/// What was read so far. A file that changes during a run must not give users different data.
fn cache() -> &'static Mutex<HashMap<PathBuf, Arc<[u8]>>> {
    static CACHE: OnceLock<Mutex<HashMap<PathBuf, Arc<[u8]>>>> = OnceLock::new();
    CACHE.get_or_init(Mutex::default)
}

fn sought_so_far() -> &'static Mutex<BTreeSet<PathBuf>> {
    static SOUGHT: OnceLock<Mutex<BTreeSet<PathBuf>>> = OnceLock::new();
    SOUGHT.get_or_init(Mutex::default)
}

/// The files that scripts of this process looked for, found or not, for watching.
#[must_use]
pub fn files_sought() -> Vec<PathBuf> {
    let sought = sought_so_far();
    let sought = sought.lock().unwrap_or_else(PoisonError::into_inner);
    sought.iter().cloned().collect()
}

/// The one path of a file, however it is written.
///
/// # Errors
///
/// What to tell the user if there is no such file.
pub(super) fn locate(folder: &Path, path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("the path is empty".to_owned());
    }
    let full = folder.join(path);
    let sought = sought_so_far();
    let mut sought = sought.lock().unwrap_or_else(PoisonError::into_inner);
    if !sought.contains(&full) {
        sought.insert(full.clone());
    }
    drop(sought);
    std::fs::canonicalize(&full).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "cannot find {}; paths are relative to the script, here {}",
            quoted(path),
            quoted(&full.display().to_string())
        ),
        _ => format!("cannot read {}: {error}", quoted(path)),
    })
}

/// The bytes of a file.
///
/// # Errors
///
/// What to tell the user if it cannot be read.
pub(super) fn read(folder: &Path, path: &str) -> Result<Arc<[u8]>, String> {
    let full = locate(folder, path)?;
    let mut cache = cache().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = cache.get(&full) {
        return Ok(Arc::clone(known));
    }
    // Under the lock: a hundred virtual users that start together read it once.
    let bytes: Arc<[u8]> = std::fs::read(&full)
        .map_err(|error| format!("cannot read {}: {error}", quoted(path)))?
        .into();
    cache.insert(full, Arc::clone(&bytes));
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "one").unwrap();
        let first = read(folder.path(), "a.txt").unwrap();
        std::fs::write(folder.path().join("a.txt"), "two").unwrap();
        let again = read(folder.path(), "./a.txt").unwrap();
        assert_eq!((&*first, &*again), (&b"one"[..], &b"one"[..]));
    }

    #[test]
    fn a_missing_file_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let problem = read(folder.path(), "no.csv").unwrap_err();
        assert!(files_sought().contains(&folder.path().join("no.csv")));
        assert!(problem.contains("\"no.csv\"") && problem.contains("relative to the script"));
        assert!(read(folder.path(), "").is_err());
        assert!(
            read(folder.path(), ".")
                .unwrap_err()
                .starts_with("cannot read")
        );
    }
}
