//! Script files, each read once per process however many machines run it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::base::text::quoted;

/// The name under which a script from standard input appears in messages.
pub const STDIN: &str = "stdin";

/// One script file, or the text from standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What messages call it: the path as the user wrote it, `stdin`, or `@std/…`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// Why a script could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such file.
    #[error("cannot find {}", quoted(.0))]
    Missing(String),
    /// It exists, but cannot be read.
    #[error("cannot read {}: {cause}", quoted(.name))]
    Unreadable {
        /// The path.
        name: String,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// It is not text.
    #[error("{} is not UTF-8 text (first bad byte at offset {offset})", quoted(.name))]
    NotText {
        /// The path.
        name: String,
        /// Where the first bad byte is.
        offset: usize,
    },
}

/// Every script of the process, by name. Shared by all machines, kept for diagnostics.
#[derive(Debug, Default)]
pub struct Sources {
    read: Mutex<BTreeMap<Arc<str>, Source>>,
    sought: Mutex<BTreeSet<PathBuf>>,
    known: OnceLock<Vec<String>>,
}

impl Sources {
    /// An empty collection.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The script at `path`, from memory if it was read before.
    ///
    /// # Errors
    ///
    /// The file is missing, unreadable, or not UTF-8.
    pub fn read(&self, path: &Path) -> Result<Source, SourceError> {
        let path = normal(path);
        let name = path.to_string_lossy().into_owned();
        if let Some(known) = self.get(&name) {
            return Ok(known);
        }
        self.sought
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.clone());
        let bytes = std::fs::read(&path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => SourceError::Missing(name.clone()),
            _ => SourceError::Unreadable {
                name: name.clone(),
                cause,
            },
        })?;
        let text = String::from_utf8(bytes).map_err(|error| SourceError::NotText {
            name: name.clone(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(self.insert(&name, &text))
    }

    /// Adds a script that is not a file, such as standard input or an embedded one.
    pub fn insert(&self, name: &str, text: &str) -> Source {
        // A "#!" line is for the shell; keeping the line break keeps line numbers right.
        let text = match text.strip_prefix("#!") {
            Some(rest) => rest.find('\n').map_or("", |end| &rest[end..]),
            None => text,
        };
        let source = Source {
            name: Arc::from(name),
            text: Arc::from(text),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(Arc::clone(&source.name))
            .or_insert(source)
            .clone()
    }

    /// A script that is already in memory.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Source> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get(name).cloned()
    }

    /// Line `number` (from 1) of a script that was read.
    #[must_use]
    pub fn line(&self, name: &str, number: u32) -> Option<String> {
        let source = self.get(name).or_else(|| self.by_end(name))?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        source.text.lines().nth(index).map(str::to_owned)
    }

    /// Luau shortens a long name in a call stack to its end.
    fn by_end(&self, name: &str) -> Option<Source> {
        let end = name.strip_prefix("...")?;
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = read.values().filter(|source| source.name.ends_with(end));
        found.next().cloned()
    }

    /// The files that scripts looked for, found or not, for watching; standard input and the
    /// embedded library are none.
    #[must_use]
    pub fn sought(&self) -> Vec<PathBuf> {
        let sought = self.sought.lock().unwrap_or_else(PoisonError::into_inner);
        sought.iter().cloned().collect()
    }

    /// Notes the names of the built-in globals, which suggestions draw on. The first call counts.
    pub(super) fn know(&self, names: impl FnOnce() -> Vec<String>) {
        self.known.get_or_init(names);
    }

    /// The names of the built-in globals.
    pub(super) fn known(&self) -> &[String] {
        self.known.get().map_or(&[], Vec::as_slice)
    }
}

/// The path without `.` and without `name/..`, so that one file has one name.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(parts.components().next_back(), Some(Component::Normal(_))) =>
            {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_and_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lua");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let sources = Sources::new();
        let first = sources.read(&path).unwrap();
        std::fs::write(&path, "changed").unwrap();
        let again = sources.read(&folder.path().join("./x/../a.lua")).unwrap();
        assert_eq!(first, again);
        assert_eq!(sources.line(&first.name, 2).as_deref(), Some("two"));
        let end = format!("...{}", &first.name[3..]);
        assert_eq!(sources.line(&end, 1).as_deref(), Some("one"));
        assert_eq!(sources.line(&first.name, 0), None);
        assert_eq!(sources.line(&first.name, 3), None);
        assert_eq!(sources.sought(), [path]);
    }

    #[test]
    fn bad_files_say_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources::new();
        let missing = sources.read(&folder.path().join("no.lua")).unwrap_err();
        assert!(matches!(missing, SourceError::Missing(_)), "{missing}");
        assert_eq!(sources.sought(), [folder.path().join("no.lua")]);
        let unreadable = sources.read(folder.path()).unwrap_err();
        assert!(matches!(unreadable, SourceError::Unreadable { .. }));
        let path = folder.path().join("b.lua");
        std::fs::write(&path, b"ab\xff").unwrap();
        let message = sources.read(&path).unwrap_err().to_string();
        assert!(message.contains("offset 2"), "{message}");
    }

    #[test]
    fn paths_have_one_spelling() {
        assert_eq!(normal(Path::new("./a/../b/./c.lua")), Path::new("b/c.lua"));
        assert_eq!(normal(Path::new("../../x")), Path::new("../../x"));
        assert_eq!(normal(Path::new("/a/../b")), Path::new("/b"));
    }

    #[test]
    fn a_shebang_line_is_blank_but_counts() {
        let sources = Sources::new();
        let source = sources.insert(STDIN, "#!/usr/bin/env rchaos\nlocal x");
        assert_eq!(&*source.text, "\nlocal x");
        assert!(sources.sought().is_empty());
    }
}
