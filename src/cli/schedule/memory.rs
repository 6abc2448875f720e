//! What a schedule remembers across restarts: when each job was to begin last, and whether it ended.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::{Job, Schedule};

/// The file beside the schedule: `.NAME.state.json`.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    jobs: Mutex<BTreeMap<String, Last>>,
    /// Held for as long as this schedule is served: two of the same would run everything twice.
    _lock: fs::File,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Last {
    at: Timestamp,
    ended: bool,
}

impl Memory {
    /// Reads what is remembered.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written, or another process serves the same schedule.
    pub(super) fn open(schedule: &Schedule) -> io::Result<Self> {
        let name = schedule.file.file_name().unwrap_or_default();
        let name = format!(".{}.state.json", name.to_string_lossy());
        let path = schedule.file.with_file_name(name);
        let lock = fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.with_extension("lock"))?;
        if lock.try_lock().is_err() {
            let text = "another process serves this schedule";
            return Err(io::Error::other(text));
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => "{}".to_owned(),
            Err(error) => return Err(error),
        };
        // A torn file is no reason not to run.
        let jobs = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self {
            path,
            jobs: Mutex::new(jobs),
            _lock: lock,
        })
    }

    /// What is to be said of a job after a restart.
    pub(super) fn missed(&self, job: &Job, now: Timestamp) -> Vec<String> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = jobs.get(&job.name) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        if !last.ended {
            all.push(format!(
                "{} of {} did not end; what it left is healed",
                job.name,
                last.at.strftime("%Y-%m-%d %H:%M:%S")
            ));
        }
        let mut count = 0;
        let mut time = last.at;
        // Counted as far as people care.
        while let Some(next) = job.next(time).filter(|next| *next < now && count < 1000) {
            time = next;
            count += 1;
        }
        if count > 0 {
            all.push(format!(
                "{} missed {count} of its times, the last on {}",
                job.name,
                time.strftime("%Y-%m-%d %H:%M:%S")
            ));
        }
        all
    }

    /// A job begins.
    pub(super) fn began(&self, job: &Job, at: Timestamp) {
        self.note(job, Last { at, ended: false });
    }

    /// A job has ended.
    pub(super) fn ended(&self, job: &Job, at: Timestamp) {
        self.note(job, Last { at, ended: true });
    }

    fn note(&self, job: &Job, last: Last) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.insert(job.name.clone(), last);
        let unfinished = self.path.with_extension("part");
        let text = serde_json::to_string_pretty(&*jobs).unwrap_or_default();
        let written =
            fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &self.path));
        if let Err(error) = written {
            tracing::warn!(
                "{}: {error}; a restart will not know what was run",
                self.path.display()
            );
        }
    }
}
