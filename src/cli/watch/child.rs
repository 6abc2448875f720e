//! The run as a child process: a defect or a full memory ends the run and not the watch, and every
//! run reads its files anew.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc::Sender;

use super::Event;
use super::screen::Stream;

/// How long a run may take to end after it was interrupted.
const GRACE: Duration = Duration::from_secs(10);
/// How long while it has faults to heal: as long as the run itself waits for that.
const HEALING: Duration = Duration::from_secs(95);
/// How long its output may stay open after it ended.
const DRAIN: Duration = Duration::from_secs(1);
/// Bytes of a line that are passed on at once.
const LONG_LINE: u64 = 64 * 1024;
/// File systems stamp with a clock that is a few milliseconds behind.
const CLOCK_STEP: Duration = Duration::from_millis(20);

/// A run, or a check, under way. Dropping it kills it.
pub(super) struct Running {
    /// Distinguishes it from those before.
    pub id: u64,
    child: Child,
    /// When it was started, by the clock of file systems.
    pub since: SystemTime,
    /// When it was started.
    pub started: Instant,
    list: File,
    unfinished: Vec<u8>,
    open: u8,
    kill_at: Option<Instant>,
    killed: bool,
    ended: Option<(ExitStatus, Instant)>,
}

impl Running {
    /// Starts this program with these arguments; it lists the files it reads at `list`.
    pub fn start(
        id: u64,
        args: &[OsString],
        list: &Path,
        events: &Sender<Event>,
    ) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(true)
            .open(list)
            .and_then(|_| File::open(list))?;
        let since = SystemTime::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C reaches it through the watch, once.
            .process_group(0)
            .spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let mut running = Self {
            id,
            child,
            since: since.checked_sub(CLOCK_STEP).unwrap_or(since),
            started: Instant::now(),
            list: file,
            unfinished: Vec::new(),
            open: 2,
            kill_at: None,
            killed: false,
            ended: None,
        };
        running.forward(out, Stream::Out, events)?;
        running.forward(err, Stream::Err, events)?;
        Ok(running)
    }

    fn forward(
        &mut self,
        pipe: Option<impl Read + Send + 'static>,
        stream: Stream,
        events: &Sender<Event>,
    ) -> io::Result<()> {
        let Some(pipe) = pipe else {
            self.open -= 1;
            return Ok(());
        };
        let (id, events) = (self.id, events.clone());
        thread::Builder::new().spawn(move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut line = Vec::new();
                let read = pipe.by_ref().take(LONG_LINE).read_until(b'\n', &mut line);
                let event = match read {
                    Ok(1..) => Event::Text(id, stream, line),
                    _ => Event::Closed(id),
                };
                let last = matches!(event, Event::Closed(_));
                if events.blocking_send(event).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(())
    }

    /// One of its streams was closed.
    pub fn closed(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Asks it to end: it interrupts what is under way and tears down. Asked again, it leaves at
    /// once; not ended in time, it is killed: later if it has to heal before.
    pub fn interrupt(&mut self, heals: bool) {
        if self.ended.is_none() {
            let grace = if heals { HEALING } else { GRACE };
            // Not waited for yet, so the id is still its own.
            let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
            self.kill_at.get_or_insert(Instant::now() + grace);
        }
    }

    /// Whether it was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.kill_at.is_some()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.killed = true;
        // Fails where it has just ended.
        let _ = self.child.kill();
    }

    /// Whether it was killed.
    pub fn was_killed(&self) -> bool {
        self.killed
    }

    /// How it ended, once it has and all it wrote was passed on.
    pub fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            match self.child.try_wait() {
                Ok(Some(status)) => self.ended = Some((status, Instant::now())),
                _ if self.kill_at.is_some_and(|at| Instant::now() >= at) && !self.killed => {
                    self.kill();
                }
                _ => {}
            }
        }
        let (status, at) = self.ended?;
        (self.open == 0 || at.elapsed() > DRAIN).then_some(status)
    }

    /// The files that it listed since the last time.
    pub fn listed(&mut self) -> Vec<PathBuf> {
        let mut text = std::mem::take(&mut self.unfinished);
        // What cannot be read now is read the next time.
        let _ = self.list.read_to_end(&mut text);
        let whole = text
            .iter()
            .rposition(|byte| *byte == 0)
            .map_or(0, |at| at + 1);
        self.unfinished = text.split_off(whole);
        text.split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .map(|path| PathBuf::from(OsStr::from_bytes(path)))
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
