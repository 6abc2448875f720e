//! Which machine, boot and pid namespace this is, and its clock that also counts sleep.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Where a record was made, so that nothing is healed on the wrong machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `/etc/machine-id`; empty where there is none.
    pub machine: String,
    /// The kernel's boot id.
    pub boot: String,
    /// The pid namespace: `pid:[4026531836]`.
    pub pids: String,
}

impl Place {
    /// This machine, now.
    #[must_use]
    pub fn here() -> Self {
        let read = |path: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.trim().to_owned()
        };
        Self {
            machine: read("/etc/machine-id"),
            boot: read("/proc/sys/kernel/random/boot_id"),
            pids: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }
    }
}

/// The name of this host, for messages.
#[must_use]
pub fn name() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    text.trim().to_owned()
}

/// Time since boot, sleep included: what leases, deadlines and beats are counted in.
#[must_use]
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}
