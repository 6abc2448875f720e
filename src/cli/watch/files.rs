//! The files that a run stands on: what is in each, and which folders tell of a change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is in a file; `None` where none can be read.
pub(super) type Content = Option<u64>;

/// What was in each file at one moment.
pub(super) type Snapshot = BTreeMap<PathBuf, Content>;

/// What tells cheaply that a file may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            length: found.len(),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

#[derive(Debug)]
struct Known {
    stamp: Option<Stamp>,
    content: Content,
}

/// The files that are watched.
#[derive(Debug, Default)]
pub(super) struct Files {
    known: BTreeMap<PathBuf, Known>,
}

impl Files {
    /// Watches one more. Says whether it is new and was written after `since`: whoever read it
    /// may have read what was there before.
    pub fn add(&mut self, path: &Path, since: SystemTime) -> bool {
        if self.known.contains_key(path) {
            return false;
        }
        let (stamp, content) = read(path);
        self.known
            .insert(path.to_path_buf(), Known { stamp, content });
        let written = fs::metadata(path).and_then(|found| found.modified());
        written.is_ok_and(|written| written > since)
    }

    /// Watches no others than these.
    pub fn keep(&mut self, wanted: &BTreeSet<PathBuf>) {
        self.known.retain(|path, _| wanted.contains(path));
    }

    /// Looks again; the files whose content is another than when they were last looked at.
    pub fn refresh(&mut self) -> Vec<PathBuf> {
        let mut changed = Vec::new();
        for (path, known) in &mut self.known {
            let stamp = stamp(path);
            if stamp == known.stamp && stamp.is_some() == known.content.is_some() {
                continue;
            }
            let (stamp, content) = read(path);
            if content != known.content {
                changed.push(path.clone());
            }
            *known = Known { stamp, content };
        }
        changed
    }

    /// What is in each, as last looked at.
    pub fn snapshot(&self) -> Snapshot {
        let all = self.known.iter();
        all.map(|(path, known)| (path.clone(), known.content))
            .collect()
    }

    /// The content of a file, as last looked at.
    pub fn content(&self, path: &Path) -> Content {
        self.known.get(path)?.content
    }

    /// The folders in which a change of any file shows: editors replace files by renaming, so a
    /// watch on the file itself would be lost. Where a folder is missing, the nearest that is not.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::new();
        for path in self.known.keys() {
            folders.extend(nearest(path));
            // Behind a link, the file itself changes somewhere else.
            folders.extend(fs::canonicalize(path).ok().and_then(|path| nearest(&path)));
        }
        folders
    }
}

fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .skip(1)
        .map(|folder| {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        })
        .find(|folder| folder.is_dir())
        .map(Path::to_path_buf)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    found.is_file().then(|| Stamp::of(&found))
}

/// A file that cannot be read counts as missing.
fn read(path: &Path) -> (Option<Stamp>, Content) {
    // Taken before the content: what is written in between shows as a change the next time.
    let stamp = stamp(path);
    let content = stamp.and_then(|_| hash(path).ok());
    (stamp, content)
}

fn hash(path: &Path) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = DefaultHasher::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.write(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn watched(path: &Path) -> Files {
        let mut files = Files::default();
        assert!(!files.add(path, SystemTime::now() + std::time::Duration::from_secs(9)));
        files
    }

    #[test]
    fn only_another_content_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut files = watched(&path);
        fs::write(&path, "one").unwrap();
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        assert!(files.refresh().is_empty());
        fs::write(&path, "two").unwrap();
        assert_eq!(files.refresh(), from_ref(&path));
        assert!(files.refresh().is_empty());
    }

    #[test]
    fn renaming_over_removing_and_coming_back_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let other = folder.path().join("b");
        fs::write(&path, "one").unwrap();
        let mut files = watched(&path);
        let first = files.snapshot();
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_eq!(files.refresh(), from_ref(&path));
        fs::remove_file(&path).unwrap();
        assert_eq!(files.refresh(), from_ref(&path));
        assert_eq!(files.content(&path), None);
        assert!(files.refresh().is_empty());
        fs::write(&path, "one").unwrap();
        assert_eq!(files.refresh(), from_ref(&path));
        assert_eq!(files.snapshot(), first);
    }

    #[test]
    fn the_nearest_folder_tells_of_a_file_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let files = watched(&folder.path().join("no/such/file"));
        assert!(files.folders().contains(folder.path()));
        assert!(
            watched(Path::new("file"))
                .folders()
                .contains(Path::new("."))
        );
    }

    #[test]
    fn what_was_written_since_it_was_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut files = Files::default();
        assert!(files.add(&path, SystemTime::UNIX_EPOCH));
        assert!(!files.add(&path, SystemTime::UNIX_EPOCH));
    }
}
