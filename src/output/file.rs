//! Files that are opened before the run, and whole or absent afterwards: the summary, the report.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::base::text::quoted;

use super::Summary;
use super::pretty::Pretty;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what} to {}: {cause}", quoted(&.path.to_string_lossy()))]
pub struct OutputError {
    what: &'static str,
    path: PathBuf,
    cause: io::Error,
}

/// A place for a file, known to be writable. Dropped unwritten, it leaves an earlier file as it was.
#[derive(Debug)]
pub struct WholeFile {
    what: &'static str,
    path: PathBuf,
    /// Renamed to `path` when complete; `None` where `path` is no regular file (say, a pipe).
    partial: Option<PathBuf>,
    file: File,
}

impl WholeFile {
    /// Opens the destination of `what`, so that a wrong path is reported before the run and not
    /// after it.
    ///
    /// # Errors
    ///
    /// A folder that does not exist or may not be written, or a path that is a folder.
    pub fn create(what: &'static str, path: &Path) -> Result<Self, OutputError> {
        let failed = |cause| OutputError {
            what,
            path: path.to_owned(),
            cause,
        };
        // A link's target is replaced, not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&target).map_err(failed)?;
            return Ok(Self {
                what,
                path: target,
                partial: None,
                file,
            });
        }
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = target.with_file_name(name);
        let file = File::create(&partial).map_err(failed)?;
        Ok(Self {
            what,
            path: target,
            partial: Some(partial),
            file,
        })
    }

    /// Writes the whole file.
    ///
    /// # Errors
    ///
    /// What the system says: disk full, folder gone.
    pub fn write(
        mut self,
        fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        self.write_all(fill).map_err(|cause| OutputError {
            what: self.what,
            path: self.path.clone(),
            cause,
        })
    }

    fn write_all(
        &mut self,
        fill: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(&self.file);
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        if let Some(partial) = &self.partial {
            fs::rename(partial, &self.path)?;
            self.partial = None;
        }
        Ok(())
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // Nobody is left to be told, and the file says in its name that it is incomplete.
            let _ = fs::remove_file(partial);
        }
    }
}

/// The place of `--summary`.
#[derive(Debug)]
pub struct SummaryFile(WholeFile);

impl SummaryFile {
    /// Opens the destination, as [`WholeFile::create`] does.
    ///
    /// # Errors
    ///
    /// Those of [`WholeFile::create`].
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        WholeFile::create("the summary", path).map(Self)
    }

    /// Writes the summary as indented JSON with a line break at the end.
    ///
    /// # Errors
    ///
    /// What the system says: disk full, folder gone.
    pub fn write(self, summary: &Summary) -> Result<(), OutputError> {
        self.0.write(|out| {
            let mut json = serde_json::Serializer::with_formatter(&mut *out, Pretty::default());
            summary.serialize(&mut json)?;
            out.write_all(b"\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample::sample;

    #[test]
    fn a_written_summary_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        fs::write(&path, "old").unwrap();
        drop(SummaryFile::create(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        SummaryFile::create(&path)
            .unwrap()
            .write(&sample())
            .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\n  \"schema\": \"rchaos-summary/1\",\n"));
        assert!(text.ends_with("}\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_wrong_path_is_reported_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such/out.json");
        let message = SummaryFile::create(&missing).unwrap_err().to_string();
        assert!(message.starts_with("cannot write the summary to \""));
        assert!(message.contains("No such file"), "{message}");
        assert!(SummaryFile::create(folder.path()).is_err());
    }

    #[test]
    fn a_device_is_written_and_not_replaced() {
        let null = Path::new("/dev/null");
        SummaryFile::create(null).unwrap().write(&sample()).unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
    }
}
