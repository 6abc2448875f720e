//! What can go wrong between a script and a server, as its author should read it.

use std::time::Duration;

use crate::base::text::{printable, quoted};
use crate::base::units::{show_bytes, show_duration};

/// Why there is no answer. `pcall` can catch it: a server that is down is no mistake of a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// No connection, or one that broke.
    #[error("cannot reach {}: {cause}", quoted(url))]
    Unreachable { url: String, cause: String },
    /// Too slow.
    #[error("no answer from {} within {}", quoted(url), show_duration(*after))]
    Timeout { url: String, after: Duration },
    /// More than is read.
    #[error("the answer of {} is larger than {}", quoted(url), show_bytes(*most as f64))]
    TooLarge { url: String, most: usize },
    /// Elsewhere.
    #[error("{} redirects to {}; write that as its URL", quoted(url), quoted(to))]
    Redirect { url: String, to: String },
    /// A status that is no success, without a word of Prometheus.
    #[error("{} answered {status}{}", quoted(url), told(text))]
    Status {
        url: String,
        status: u16,
        text: String,
    },
    /// What Prometheus itself says.
    #[error("Prometheus says: {} ({kind})", printable(message))]
    Api { kind: String, message: String },
    /// An answer that is none.
    #[error("{} does not answer as Prometheus does: {problem}", quoted(url))]
    Foreign { url: String, problem: String },
    /// An answer that does not fit what was asked.
    #[error("{0}")]
    Shape(String),
}

impl Trouble {
    /// Whether asking again may help.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            Self::Api { kind, .. } => matches!(
                kind.as_str(),
                "timeout" | "canceled" | "unavailable" | "internal"
            ),
            Self::TooLarge { .. }
            | Self::Redirect { .. }
            | Self::Foreign { .. }
            | Self::Shape(_) => false,
        }
    }
}

/// The first line of an error page, if it has one that is text.
fn told(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    match line {
        Some(line) if !line.starts_with('<') => format!(": {}", quoted(line)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_the_servers_words() {
        let api = Trouble::Api {
            kind: "bad_data".into(),
            message: "1:5: parse error".into(),
        };
        assert_eq!(
            api.to_string(),
            "Prometheus says: 1:5: parse error (bad_data)"
        );
        let status = |text: &str| Trouble::Status {
            url: "http://h".into(),
            status: 403,
            text: text.into(),
        };
        assert_eq!(
            status("\nno entry\nx").to_string(),
            "\"http://h\" answered 403: \"no entry\""
        );
        assert_eq!(status("<html>").to_string(), "\"http://h\" answered 403");
        assert!(!status("").passes() && !api.passes());
    }
}
