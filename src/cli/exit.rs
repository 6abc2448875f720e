//! All exit codes, in one place.

use std::process::{ExitCode, Termination};

/// How rchaos ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything held.
    Passed = 0,
    /// A defect of rchaos, or the system refused something it needs.
    Internal = 1,
    /// The command line is wrong, or the script's file is missing.
    Usage = 2,
    /// The script is wrong.
    Script = 3,
    /// A precondition is not met; nothing was injected.
    Precondition = 4,
    /// A threshold, expectation or hypothesis failed.
    Failed = 5,
    /// Ended early by a signal, a guard or `halt`.
    Aborted = 6,
    /// Something that was injected could not be undone.
    Unhealed = 7,
}

impl Exit {
    /// The exit of a code that a run ended with; a code of nobody's is a defect.
    #[must_use]
    pub fn of(code: u8) -> Self {
        match code {
            0 => Self::Passed,
            2 => Self::Usage,
            3 => Self::Script,
            4 => Self::Precondition,
            5 => Self::Failed,
            6 => Self::Aborted,
            7 => Self::Unhealed,
            _ => Self::Internal,
        }
    }

    /// The worse of two, as scripts of CI need it: 7, 3, 6, 4, 5, then the rest.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Unhealed => 7,
            Self::Script => 6,
            Self::Aborted => 5,
            Self::Precondition => 4,
            Self::Failed => 3,
            Self::Internal => 2,
            Self::Usage => 1,
            Self::Passed => 0,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_the_documented_one() {
        let order = [
            Exit::Unhealed,
            Exit::Script,
            Exit::Aborted,
            Exit::Precondition,
            Exit::Failed,
            Exit::Passed,
        ];
        for pair in order.windows(2) {
            assert_eq!(pair[1].worse(pair[0]), pair[0]);
            assert_eq!(pair[0].worse(pair[1]), pair[0]);
        }
    }
}
