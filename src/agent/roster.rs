//! The agents of this host: whose they are, whether they live, and what they hold.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use super::guardian::BEAT;
use super::host::{Place, now};
use super::journal::{self, Header, Unhealed};
use super::paths::Paths;

/// An agent that has a journal here.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub agent: String,
    /// Whose it is; `None` when even that was torn: then it had injected nothing.
    pub header: Option<Header>,
    /// What it holds, or has left; newest first.
    pub unhealed: Vec<Unhealed>,
    /// How many lines of its journal are unreadable.
    pub torn: usize,
    /// Whether it is at work.
    pub life: Life,
    /// Its journal.
    pub journal: PathBuf,
}

/// Whether an agent is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It has beaten within its lease.
    Live,
    /// It is gone, or hangs: whoever comes may heal what it left.
    Dead,
    /// It was made on another machine, or in another pid namespace: it cannot be judged here.
    Elsewhere,
}

/// All agents of this user's state folder, oldest first.
///
/// # Errors
///
/// The folder is there and cannot be read.
pub fn roster(paths: &Paths) -> io::Result<Vec<Entry>> {
    let entries = match fs::read_dir(&paths.state) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let here = Place::here();
    let mut all = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let Some(agent) = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".journal"))
        else {
            continue;
        };
        // It may end, and take its journal with it, while this looks.
        let read = match journal::read(&path) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        all.push(Entry {
            agent: agent.to_owned(),
            life: life(paths, agent, read.header.as_ref(), &here),
            header: read.header,
            unhealed: read.unhealed,
            torn: read.torn,
            journal: path,
        });
    }
    all.sort_by_key(|entry| entry.header.as_ref().map_or(0, |header| header.started));
    Ok(all)
}

fn life(paths: &Paths, agent: &str, header: Option<&Header>, here: &Place) -> Life {
    let Some(header) = header else {
        return age(paths, agent).map_or(Life::Dead, |age| {
            if age < Duration::from_secs(5) {
                Life::Live
            } else {
                Life::Dead
            }
        });
    };
    let place = &header.place;
    if place.machine != here.machine {
        return Life::Elsewhere;
    }
    if place.boot != here.boot {
        return Life::Dead;
    }
    let patience = Duration::from_millis(header.lease_ms) + Duration::from_secs(1);
    match age(paths, agent) {
        Some(age) if age <= patience => Life::Live,
        _ if place.pids != here.pids => Life::Elsewhere,
        _ => Life::Dead,
    }
}

/// How long ago an agent has beaten.
fn age(paths: &Paths, agent: &str) -> Option<Duration> {
    let text = fs::read_to_string(paths.beat(agent)).ok()?;
    let at = Duration::from_millis(text.trim().parse().ok()?);
    Some(now().saturating_sub(at))
}

/// Writes an agent's beats where others on this host see them.
#[derive(Debug)]
pub(super) struct Beats(File);

impl Beats {
    /// Begins.
    ///
    /// # Errors
    ///
    /// The file cannot be made.
    pub(super) fn open(paths: &Paths, agent: &str) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(paths.beat(agent))?;
        let beats = Self(file);
        beats.beat();
        Ok(beats)
    }

    /// Beats all the while that something is done that may take its time.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let (done, ended) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let beat = move || {
                while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    self.beat();
                }
            };
            // Without more threads the first beat has to do.
            let _ = std::thread::Builder::new().spawn_scoped(scope, beat);
            let result = work();
            drop(done);
            result
        })
    }

    /// Beats once. A file that cannot be written makes this agent look dead, which is safe.
    pub(super) fn beat(&self) {
        let text = format!("{:>20}\n", now().as_millis());
        let _ = self.0.write_all_at(text.as_bytes(), 0);
    }
}

/// Removes all files of an agent that has nothing left to heal.
pub(super) fn forget(paths: &Paths, agent: &str) {
    for path in [paths.journal(agent), paths.beat(agent), paths.halt(agent)] {
        // One that was never made, or that another has removed, is no harm.
        let _ = fs::remove_file(path);
    }
}
