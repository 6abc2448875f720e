//! The system's word that something changed in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::Sender;

use super::Event;

/// Folders that are watched. Where the system offers no such thing, as on some network file
/// systems, nothing is told: the loop looks by itself now and then.
pub(super) struct Folders {
    watcher: Option<RecommendedWatcher>,
    /// Device and inode: a folder that was made anew needs a new watch under the old name.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

impl Folders {
    pub fn new(events: Sender<Event>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no change, and this program reads; an error may hide a change.
            let read = event.as_ref().is_ok_and(|event| {
                matches!(event.kind, EventKind::Access(kind)
                    if kind != AccessKind::Close(AccessMode::Write))
            });
            if !read {
                // A full queue holds news of changes already.
                let _ = events.try_send(Event::Files);
            }
        });
        Self {
            watcher: watcher.ok(),
            watched: BTreeMap::new(),
        }
    }

    /// Watches these and no others.
    pub fn set(&mut self, wanted: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let mut found = BTreeMap::new();
        for folder in wanted {
            if let Ok(data) = fs::metadata(folder) {
                found.insert(folder.clone(), (data.dev(), data.ino()));
            }
        }
        let gone = |(path, id): (&PathBuf, &(u64, u64))| found.get(path) != Some(id);
        let old: Vec<_> = self.watched.iter().filter(|entry| gone(*entry)).collect();
        for (path, _) in old {
            // Refused where the folder went and took its watch along.
            let _ = watcher.unwatch(path);
        }
        let kept = |path: &PathBuf, id: &(u64, u64)| self.watched.get(path) == Some(id);
        found.retain(|path, id| {
            kept(path, id) || watcher.watch(path, RecursiveMode::NonRecursive).is_ok()
        });
        self.watched = found;
    }
}
