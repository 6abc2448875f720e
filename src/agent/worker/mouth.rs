//! Writes reports on a thread of its own, so that a reader that hangs holds up nobody.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::agent::protocol::{Report, line};

/// The way out for reports; clones share it.
#[derive(Clone)]
pub(super) struct Mouth {
    lines: Arc<Mutex<Sender<String>>>,
    waiting: Arc<AtomicUsize>,
}

impl Mouth {
    pub(super) fn start() -> std::io::Result<Self> {
        let (lines, queue) = channel::<String>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = waiting.clone();
        std::thread::Builder::new()
            .name("mouth".to_owned())
            .spawn(move || {
                let mut output = std::io::stdout();
                while let Ok(line) = queue.recv() {
                    // A controller that is gone shows as the end of the commands.
                    let _ = output.write_all(line.as_bytes());
                    let _ = output.flush();
                    left.fetch_sub(1, Ordering::AcqRel);
                }
            })?;
        Ok(Self {
            lines: Arc::new(Mutex::new(lines)),
            waiting,
        })
    }

    /// Says something.
    pub(super) fn say(&self, report: &Report) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread lasts as long as the process.
        let _ = lines.send(line(report));
    }

    /// Says it unless much is waiting: a beat that is late is none.
    pub(super) fn say_now(&self, report: &Report) {
        if self.waiting.load(Ordering::Acquire) < 64 {
            self.say(report);
        }
    }

    /// Waits a moment until all is said.
    pub(super) fn finish(&self) {
        let limit = Instant::now() + Duration::from_secs(1);
        while self.waiting.load(Ordering::Acquire) > 0 && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
