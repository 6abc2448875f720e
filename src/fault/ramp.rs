//! Effects that grow over time: a thread that takes step after step until it is done, told to stop, or failed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a ramp takes a step.
const STEP: Duration = Duration::from_millis(100);

/// A growing effect; dropping it stops the growth, not the effect.
pub(in crate::fault) struct Ramp {
    stop: Arc<AtomicBool>,
    failed: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Ramp {
    /// Calls `grow` with the share that should be there, up to 1 when `over` has passed. Its error ends the ramp.
    pub(in crate::fault) fn start(
        over: Duration,
        mut grow: impl FnMut(f64) -> Result<(), String> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (told, result) = (
            Arc::clone(&stop),
            Arc::<Mutex<Option<String>>>::clone(&failed),
        );
        let began = Instant::now();
        let thread = std::thread::Builder::new().name("ramp".to_owned());
        let thread = thread.spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let share = began.elapsed().as_secs_f64() / over.as_secs_f64().max(1e-9);
                if let Err(error) = grow(share.min(1.0)) {
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return;
                }
                if share >= 1.0 {
                    return;
                }
                std::thread::park_timeout(STEP);
            }
        })?;
        Ok(Self {
            stop,
            failed,
            thread: Some(thread),
        })
    }

    /// Why it has ended early, if it has.
    pub(in crate::fault) fn failed(&self) -> Option<String> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.clone()
    }

    /// Stops growing; when it returns, no step is under way.
    pub(in crate::fault) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Drop for Ramp {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_one_or_until_it_is_stopped() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        let note = move |share| {
            sink.lock().unwrap().push(share);
            Ok(())
        };
        let ramp = Ramp::start(Duration::from_millis(250), note.clone()).unwrap();
        let limit = Instant::now() + Duration::from_secs(10);
        while seen.lock().unwrap().last() != Some(&1.0) && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(10));
        }
        let all = seen.lock().unwrap().clone();
        assert!(all.len() > 1 && all.is_sorted(), "{all:?}");
        assert_eq!(all.last(), Some(&1.0));
        drop(ramp);
        let mut slow = Ramp::start(Duration::from_secs(3600), note).unwrap();
        slow.stop();
        assert!(*seen.lock().unwrap().last().unwrap() <= 1.0);
        assert_eq!(slow.failed(), None);
    }
}
