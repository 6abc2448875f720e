//! What `rchaos watch` asks of the run that it starts: hidden options of `rchaos run`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write, stdout};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::Args;
use rustix::process::{Signal, getpid, getppid, kill_process};

use crate::base::text::quoted;
use crate::engine::SeenFaults;
use crate::modules::files_sought;
use crate::output::Look;
use crate::script::Sources;

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options that are not for people.
#[derive(Debug, Default, Args)]
pub struct WatchedArgs {
    /// Append the path of every file that the script looks for, as it does, each ended by a NUL
    #[arg(long, hide = true, value_name = "FILE")]
    files_read: Option<PathBuf>,
    /// Keep in this file how many faults are live
    #[arg(long, hide = true, value_name = "FILE")]
    faults_live: Option<PathBuf>,
    /// Load and judge the script as for a run, and start nothing
    #[arg(long, hide = true)]
    pub only_check: bool,
    /// End as for Ctrl-C when the process that started this one is gone
    #[arg(long, hide = true)]
    until_parent_ends: bool,
    /// Width of the terminal that the output will reach
    #[arg(long, hide = true)]
    columns: Option<usize>,
    /// Whether that terminal wants colours
    #[arg(long, hide = true)]
    colours: bool,
}

impl WatchedArgs {
    /// The look of the end summary: the reader's terminal is not this process' own.
    #[must_use]
    pub fn look(&self) -> Look {
        let own = Look::detect(&stdout(), false);
        Look {
            colour: own.colour || self.colours,
            width: self.columns.or(own.width),
            ..own
        }
    }

    /// Whether this run is a part of another one, which holds what both need, or injects nothing.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.until_parent_ends || self.only_check
    }

    /// Begins to watch whoever started this run, if that was asked for.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn bind_to_parent(&self) -> Result<(), Failure> {
        if !self.until_parent_ends {
            return Ok(());
        }
        let parent = getppid();
        let thread = thread::Builder::new().name("parent".to_owned());
        let spawned = thread.spawn(move || {
            while getppid() == parent {
                thread::sleep(EVERY);
            }
            // It cannot fail for oneself.
            let _ = kill_process(getpid(), Signal::INT);
        });
        spawned
            .map(drop)
            .map_err(|error| Failure::new(Exit::Internal, format!("no thread: {error}")))
    }

    /// Where the run's faults are looked at, if that was asked for.
    #[must_use]
    pub fn seen(&self) -> Option<SeenFaults> {
        self.faults_live.is_some().then(SeenFaults::default)
    }

    /// Begins to list files, and to count faults, if that was asked for.
    ///
    /// # Errors
    ///
    /// The list cannot be written.
    pub fn list(
        &self,
        sources: &Arc<Sources>,
        seen: Option<&SeenFaults>,
    ) -> Result<Option<Lister>, Failure> {
        let count = self.faults_live.clone().zip(seen.cloned());
        let list = |path: &PathBuf| Lister::start(path, Arc::clone(sources), count);
        self.files_read.as_ref().map(list).transpose()
    }
}

/// How long a file that was looked for may be unlisted, or a fault not counted.
const EVERY: Duration = Duration::from_millis(50);

/// Lists what scripts look for until it is dropped, and ends the run should the watch be killed.
#[derive(Debug)]
pub struct Lister {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Lister {
    fn start(
        path: &Path,
        sources: Arc<Sources>,
        count: Option<(PathBuf, SeenFaults)>,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let path = quoted(&path.display().to_string());
            Failure::new(Exit::Usage, format!("cannot write {path}: {error}"))
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        let watcher = getppid();
        let (stop, stopped) = sync_channel::<()>(0);
        // A thread: scripts read files on several, and the main one may wait in the meantime.
        let thread = thread::Builder::new()
            .name("files".to_owned())
            .spawn(move || {
                let mut listed = BTreeSet::new();
                let mut told = false;
                let mut counted = 0;
                loop {
                    let waited = stopped.recv_timeout(EVERY);
                    // Without the list nothing is run again, which is no harm to this run.
                    let _ = append(&file, &sources, &mut listed);
                    if let Some((path, seen)) = &count
                        && seen.live() != counted
                    {
                        counted = seen.live();
                        // Without the count a save interrupts the run, which heals then as well.
                        let _ = std::fs::write(path, counted.to_string());
                    }
                    if !told && getppid() != watcher {
                        told = true;
                        // Nobody watches any more: end as for Ctrl-C. It cannot fail for oneself.
                        let _ = kill_process(getpid(), Signal::INT);
                    }
                    if !matches!(waited, Err(RecvTimeoutError::Timeout)) {
                        break;
                    }
                }
            })
            .map_err(failed)?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Lister {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn append(mut file: &File, sources: &Sources, listed: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let mut text = Vec::new();
    for path in sources.sought().into_iter().chain(files_sought()) {
        if !listed.contains(&path) {
            text.extend_from_slice(path.as_os_str().as_bytes());
            text.push(0);
            listed.insert(path);
        }
    }
    if text.is_empty() {
        return Ok(());
    }
    file.write_all(&text)
}
