//! The engine's side of all destinations: bounded queues that are never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use super::Item;

/// Where the engine puts what happens; cheap to clone, empty by default.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    pub(super) lines: Vec<Line>,
}

/// The way to one destination.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) queue: SyncSender<Item>,
    pub(super) lost: Arc<AtomicU64>,
    /// Whether it wants seconds and events, or the result only.
    pub(super) follows: bool,
}

impl Feed {
    /// Whether any destination wants points.
    #[must_use]
    pub fn wants_points(&self) -> bool {
        self.lines.iter().any(|line| line.follows)
    }

    /// Gives an item to all; where there is no room it is counted as lost.
    pub fn send(&self, item: Item) {
        for line in self.lines.iter().filter(|line| line.follows) {
            match line.queue.try_send(item.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    line.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}
