//! Where the results of a run are kept: a folder of its own in the results folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::output::SuiteSummary;

/// The folder of one run.
#[derive(Debug)]
pub(in crate::cli) struct Store {
    folder: PathBuf,
    /// Whether it is of no use after the run.
    scratch: bool,
}

/// The file with the result of the whole.
pub(in crate::cli) const SUITE_FILE: &str = "suite.json";

impl Store {
    /// Makes the folder of a run in a results folder; without one, a temporary folder that is removed when this is
    /// dropped. Its name begins with the time, so that names sort as runs do.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub(in crate::cli) fn open(results: Option<&Path>, started: &str) -> io::Result<Self> {
        let id = crate::base::rng::fresh_id();
        let stamp: String = started.chars().take(19).filter(|c| *c != ':').collect();
        let (parent, scratch) = match results {
            Some(folder) => (folder.to_owned(), false),
            None => (std::env::temp_dir(), true),
        };
        let prefix = if scratch { "rchaos-suite-" } else { "" };
        let folder = parent.join(format!("{prefix}{stamp}-{}", &id[..6]));
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, scratch })
    }

    /// The path of a file of this run.
    pub(in crate::cli) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether it is kept.
    pub(in crate::cli) fn is_kept(&self) -> bool {
        !self.scratch
    }

    /// Writes the result of the whole, and removes the oldest runs beyond `keep`.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(in crate::cli) fn finish(
        &self,
        summary: &SuiteSummary,
        keep: Option<usize>,
    ) -> io::Result<()> {
        if self.scratch {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(summary)?;
        // Whoever lists runs sees a whole file or none.
        let unfinished = self.file("suite.json.part");
        fs::write(&unfinished, text + "\n")?;
        fs::rename(&unfinished, self.file(SUITE_FILE))?;
        if let (Some(keep), Some(parent)) = (keep, self.folder.parent()) {
            for old in runs(parent)?.into_iter().rev().skip(keep.max(1)) {
                fs::remove_dir_all(old)?;
            }
        }
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.scratch {
            // What is left in the folder for temporary files is removed by the system some day.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folders of all finished runs, oldest first.
///
/// # Errors
///
/// The results folder cannot be read.
pub(in crate::cli) fn runs(results: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(results)? {
        let path = entry?.path();
        if path.join(SUITE_FILE).is_file() {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}
