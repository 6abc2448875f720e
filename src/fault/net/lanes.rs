//! Which fault of this agent has the kernel impair packets in a namespace. A packet is in one class of its interface, so
//! that a second fault there would take it away from the first: the second one holds packets itself, and what it sends
//! again meets the rules of the first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// By the namespace's cookie and the fault's number.
type Key = (u64, u32);

/// The lanes of an agent.
#[derive(Debug, Default)]
pub(super) struct Lanes(Mutex<HashMap<Key, Weak<Lane>>>);

/// How one fault goes about one namespace; decided once, since a fault that follows its target is planned again.
#[derive(Debug)]
pub(super) struct Lane {
    /// Whether it is the kernel that impairs.
    pub(super) kernel: bool,
}

impl Lanes {
    /// The fault's lane: the kernel's if that is possible at all, and no other fault has it.
    pub(super) fn take(&self, cookie: u64, fault: u32, possible: bool) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|_, lane| lane.strong_count() > 0);
        if let Some(lane) = lanes.get(&(cookie, fault)).and_then(Weak::upgrade) {
            return lane;
        }
        let taken = lanes
            .iter()
            .filter(|((place, _), _)| *place == cookie)
            .filter_map(|(_, lane)| lane.upgrade())
            .any(|lane| lane.kernel);
        let kernel = possible && !taken;
        let lane = Arc::new(Lane { kernel });
        lanes.insert((cookie, fault), Arc::downgrade(&lane));
        lane
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_at_a_time_has_the_kernel_s_lane_and_keeps_its_own() {
        let lanes = Lanes::default();
        let take = |cookie, fault| lanes.take(cookie, fault, true);
        let first = take(1, 1);
        let second = take(1, 2);
        assert!(first.kernel && !second.kernel && take(2, 3).kernel);
        // Planned again: nothing changes, even when the first is over.
        assert!(take(1, 1).kernel && !take(1, 2).kernel);
        drop(first);
        assert!(!take(1, 2).kernel && take(1, 4).kernel);
        assert!(!lanes.take(3, 5, false).kernel);
    }
}
