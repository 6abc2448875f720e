//! Why a fault did not do what was asked of it.

use serde::{Deserialize, Serialize};

/// Trouble with a fault; each text is a lower-case fragment that names what was wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "trouble", content = "text")]
pub enum Trouble {
    /// What was asked for makes no sense: the script is wrong.
    #[error("{0}")]
    Misuse(String),
    /// Something that is needed is missing; nothing was touched.
    #[error("{0}")]
    Precondition(String),
    /// The target is gone.
    #[error("{0}")]
    Vanished(String),
    /// Time ran out: somebody else has healed it, or is entitled to.
    #[error("{0}")]
    Fenced(String),
    /// It went wrong half-way, and what was done could not be undone: something is left.
    #[error("{0}")]
    Left(String),
    /// The system refused, or did something else.
    #[error("{0}")]
    Failed(String),
}

impl Trouble {
    /// A failed system call with what was tried.
    #[must_use]
    pub fn system(what: impl std::fmt::Display, error: impl Into<std::io::Error>) -> Self {
        let error = error.into();
        let text = format!("{what}: {error}");
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                Self::Precondition(format!("{text}; run the agent as root"))
            }
            _ => Self::Failed(text),
        }
    }
}
