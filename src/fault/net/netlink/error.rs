//! Why a request to the kernel failed.

use std::io;

use rustix::io::Errno;

/// A request that the kernel refused, or that did not reach it.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel said no.
    #[error("could not {action}: {}{}", plain(*.errno), detail.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Refused {
        /// What was asked, as in "add chain out".
        action: String,
        /// The kernel's number.
        errno: Errno,
        /// The kernel's words, if it had any.
        detail: Option<String>,
    },
    /// The socket failed.
    #[error("could not {action}: {source}")]
    Socket {
        /// What was asked.
        action: String,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel's answer made no sense.
    #[error("could not {action}: the kernel's answer is cut short")]
    Truncated {
        /// What was asked.
        action: String,
    },
}

impl NetlinkError {
    /// The kernel's number, if it said no.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Refused { errno, .. } => Some(*errno),
            Self::Socket { source, .. } => Errno::from_io_error(source),
            Self::Truncated { .. } => None,
        }
    }

    /// Whether what was named does not exist: for a renewal, that the lease has run out.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(
            self.errno(),
            Some(Errno::NOENT | Errno::NODEV | Errno::SRCH)
        )
    }
}

/// The system's words without the number behind them.
fn plain(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}
