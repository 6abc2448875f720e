//! What an engine's errors mean for a fault.

use std::time::Duration;

use crate::docker::EngineError;
use crate::fault::Trouble;

/// How long an engine may take over a question.
pub(super) const ANSWER: Duration = Duration::from_secs(20);

/// How long a heal waits for an engine that is starting again.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Before anything was touched.
pub(super) fn precondition(error: EngineError) -> Trouble {
    Trouble::Precondition(error.to_string())
}

/// While something is touched: the engine said no, or the target is gone.
pub(super) fn trouble(what: &str, error: EngineError) -> Trouble {
    match error {
        EngineError::Missing(text) => Trouble::Vanished(text),
        error @ (EngineError::Unreachable(_) | EngineError::Denied(_)) => precondition(error),
        error => Trouble::Failed(format!("{what}: {error}")),
    }
}
