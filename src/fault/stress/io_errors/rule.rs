//! Which operations on files go wrong, and how.

use std::time::Duration;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// A kind of operation that a program does on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Bytes of a file are read.
    Read,
    /// Bytes of a file are written, or room for them is made.
    Write,
    /// `fsync` and its kin.
    Sync,
    /// A file or folder is opened.
    Open,
    /// A file, folder or link is made.
    Create,
    /// A file or folder is removed.
    Remove,
    /// It is renamed.
    Rename,
    /// A folder is listed.
    List,
    /// A name is looked up, or asked for its size, owner or times.
    Stat,
    /// Size, owner, mode or times are changed.
    Change,
}

/// Names in scripts.
const OPERATIONS: [(&str, Operation); 10] = [
    ("read", Operation::Read),
    ("write", Operation::Write),
    ("sync", Operation::Sync),
    ("open", Operation::Open),
    ("create", Operation::Create),
    ("remove", Operation::Remove),
    ("rename", Operation::Rename),
    ("list", Operation::List),
    ("stat", Operation::Stat),
    ("change", Operation::Change),
];

impl Operation {
    /// What goes wrong where a script does not say it.
    pub const USUAL: [Self; 3] = [Self::Read, Self::Write, Self::Sync];

    /// From its name in scripts.
    ///
    /// # Errors
    ///
    /// There is none of that name: those there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = OPERATIONS.iter().find(|(other, _)| *other == name);
        found.map(|(_, operation)| *operation).ok_or_else(|| {
            let all = OPERATIONS.map(|(name, _)| name).join(", ");
            format!("there is no operation \"{name}\"; there are {all}")
        })
    }

    /// Its name in scripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = OPERATIONS.iter().find(|(_, other)| *other == self);
        found.map_or("", |(name, _)| name)
    }
}

/// An error as programs see it, by the kernel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNumber(i32);

const ERRORS: [(&str, Errno); 14] = [
    ("EIO", Errno::IO),
    ("ENOSPC", Errno::NOSPC),
    ("EDQUOT", Errno::DQUOT),
    ("EROFS", Errno::ROFS),
    ("EACCES", Errno::ACCESS),
    ("EPERM", Errno::PERM),
    ("ENOENT", Errno::NOENT),
    ("EMFILE", Errno::MFILE),
    ("ENFILE", Errno::NFILE),
    ("EAGAIN", Errno::AGAIN),
    ("EBUSY", Errno::BUSY),
    ("ESTALE", Errno::STALE),
    ("ETIMEDOUT", Errno::TIMEDOUT),
    ("EFBIG", Errno::FBIG),
];

impl ErrorNumber {
    /// From the kernel's name.
    ///
    /// # Errors
    ///
    /// It is none of those that filesystems give: those there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = ERRORS.iter().find(|(other, _)| *other == name);
        found
            .map(|(_, error)| Self(error.raw_os_error()))
            .ok_or_else(|| {
                let all = ERRORS.map(|(name, _)| name).join(", ");
                format!("\"{name}\" is no error of a filesystem; there are {all}")
            })
    }

    /// The kernel's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = ERRORS.iter().find(|(_, error)| *error == self.errno());
        found.map_or("an error", |(name, _)| name)
    }

    pub(super) fn errno(self) -> Errno {
        Errno::from_raw_os_error(self.0)
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Which operations.
    pub on: Vec<Operation>,
    /// The share of them, 0 to 1.
    pub share: f64,
    /// How long each of those takes longer.
    pub delay: Option<Duration>,
    /// What each of those ends with; done as usual where left out.
    pub errno: Option<ErrorNumber>,
}

impl Rule {
    /// In words: `50% of read, write: 20ms late, EIO`.
    pub(super) fn words(&self) -> String {
        let on: Vec<_> = self.on.iter().map(|one| one.name()).collect();
        let delay = self.delay.map(crate::base::units::show_duration);
        let delay = delay.map(|delay| format!("{delay} late"));
        let errno = self.errno.map(|errno| errno.name().to_owned());
        let how: Vec<_> = delay.into_iter().chain(errno).collect();
        format!(
            "{}% of {}: {}",
            self.share * 100.0,
            on.join(", "),
            how.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_kernel() {
        assert_eq!(ErrorNumber::parse("EIO").unwrap().errno(), Errno::IO);
        let error = ErrorNumber::parse("EWHAT").unwrap_err();
        assert!(error.contains("ENOSPC"), "{error}");
        assert_eq!(Operation::parse("sync"), Ok(Operation::Sync));
        assert!(
            Operation::parse("fsync")
                .unwrap_err()
                .contains("sync, open")
        );
        let rule = Rule {
            on: vec![Operation::Read],
            share: 0.5,
            delay: Some(Duration::from_millis(20)),
            errno: Some(ErrorNumber::parse("EIO").unwrap()),
        };
        assert_eq!(rule.words(), "50% of read: 20ms late, EIO");
    }
}
