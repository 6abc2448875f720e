//! Limits of this process that a tool of many connections soon reaches.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of open descriptors to what the system allows; the usual soft limit of 1024
/// is soon reached. Where that is refused, everything still works, with fewer connections.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
}
