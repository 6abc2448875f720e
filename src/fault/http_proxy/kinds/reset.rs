//! `reset`: the connection breaks instead of an answer, or in the middle of one.

use serde::{Deserialize, Serialize};

/// Breaks a request off: over HTTP/1.1 the connection is reset, over HTTP/2 the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// After so many bytes of the answer's body; none is before the upstream is asked.
    pub after: Option<u64>,
}
