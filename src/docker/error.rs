//! Why an engine did not do what was asked of it.

use std::io;

use bollard::errors::Error;

/// Trouble with an engine; each text names the endpoint or repeats what the engine said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers there.
    #[error("no container engine answers at {0}")]
    Unreachable(String),
    /// Somebody answers, but not to us.
    #[error("{0}")]
    Denied(String),
    /// There is no such thing (status 404).
    #[error("{0}")]
    Missing(String),
    /// It is not in a state for that (status 304, 409), or refused for another reason.
    #[error("{text}")]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What the engine said.
        text: String,
    },
    /// It took too long.
    #[error("{0}")]
    Late(String),
    /// What came back makes no sense.
    #[error("{0}")]
    Garbled(String),
}

impl EngineError {
    /// What bollard's error means, with the endpoint for messages.
    pub(super) fn of(endpoint: &str, error: &Error) -> Self {
        if let Error::DockerResponseServerError {
            status_code,
            message,
        } = error
        {
            let text = message.trim().to_owned();
            return match status_code {
                401 | 403 => Self::Denied(format!("{endpoint} refuses: {text}")),
                404 => Self::Missing(text),
                400 if text.contains("HTTP request to an HTTPS server") => Self::Denied(format!(
                    "the container engine at {endpoint} wants certificates: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, \
                     or use a context that has them"
                )),
                status => Self::Refused {
                    status: *status,
                    text,
                },
            };
        }
        if let Error::RequestTimeoutError = error {
            return Self::Late(format!("{endpoint} did not answer in time"));
        }
        match (io_kind(error), error) {
            (Some(io::ErrorKind::PermissionDenied), _) => Self::Denied(format!(
                "no right to use the container engine at {endpoint}: run rchaos as root, or as a member of the \
                 group that owns the socket"
            )),
            (Some(kind), _) => Self::Unreachable(format!("{endpoint} ({kind}); is it running?")),
            (None, Error::SocketNotFoundError(path)) => Self::Unreachable(format!(
                "{endpoint}: there is no socket {path}; is it running?"
            )),
            (None, Error::HyperLegacyError { .. } | Error::HyperResponseError { .. }) => {
                Self::Unreachable(format!("{endpoint} ({})", deepest(error)))
            }
            (None, error) => Self::Garbled(format!("{endpoint}: {}", deepest(error))),
        }
    }

    /// Whether another attempt may find an engine that answers: it may be starting again, or its swarm be choosing a leader.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Late(_) => true,
            // Engines tell this only in words.
            Self::Refused { text, .. } => text.contains("swarm does not have a leader"),
            _ => false,
        }
    }

    /// Whether the engine answered with this status.
    #[must_use]
    pub fn is(&self, wanted: u16) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }
}

/// The kind of the system's error that lies behind.
fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    // It passes itself off as its cause, which is not found among causes then.
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if let Some(error) = one.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = one.source();
    }
    None
}

fn deepest(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_is_kept_and_known_by_its_status() {
        let said = |status_code, message: &str| {
            let message = message.to_owned();
            EngineError::of(
                "unix:///e",
                &Error::DockerResponseServerError {
                    status_code,
                    message,
                },
            )
        };
        assert_eq!(
            said(404, "No such container: x\n"),
            EngineError::Missing("No such container: x".to_owned())
        );
        assert!(said(409, "is not running").is(409));
        assert!(matches!(said(403, "no"), EngineError::Denied(_)));
        assert!(!said(500, "boom").may_pass());
    }

    #[test]
    fn a_socket_without_rights_is_told_from_one_without_a_listener() {
        let failed = |kind: io::ErrorKind| {
            let error = Error::IOError { err: kind.into() };
            EngineError::of("unix:///e", &error)
        };
        let denied = failed(io::ErrorKind::PermissionDenied);
        assert!(denied.to_string().contains("no right"), "{denied}");
        let refused = failed(io::ErrorKind::ConnectionRefused);
        assert!(refused.may_pass());
        assert_eq!(
            refused.to_string(),
            "no container engine answers at unix:///e (connection refused); is it running?"
        );
    }
}
