//! What a watch does when: check what was saved, let the old run end, start the new one.

mod children;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::Sender;

use crate::base::text::printable;
use crate::base::units::show_duration;
use crate::output::Recorded;

use super::child::Running;
use super::command::Commands;
use super::files::{Files, Snapshot};
use super::folders::Folders;
use super::keys::CTRL_C;
use super::screen::Screen;
use super::{Event, Manners};

/// After the last news of a file, so that a save of several steps is one.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// After the first news, so that a file that never rests is looked at nevertheless.
const LATEST: Duration = Duration::from_secs(1);
/// How often files are looked at without news: some file systems give none.
const POLL: Duration = Duration::from_secs(2);
/// Bytes of a check's errors that are kept.
const MOST_TEXT: usize = 64 * 1024;

/// A check under way.
struct Check {
    child: Running,
    text: Vec<u8>,
    /// What it reads, or may have read, the content of.
    snapshot: Snapshot,
    /// Whether a file changed since it began.
    stale: bool,
}

/// A run under way.
struct Run {
    child: Running,
    read: BTreeSet<PathBuf>,
    /// When the result was last written before it.
    result_before: Option<SystemTime>,
}

/// A watch from its begin to its end.
pub(super) struct Session {
    commands: Commands,
    script: String,
    events: Sender<Event>,
    has_keys: bool,
    manners: Manners,
    screen: Screen,
    files: Files,
    folders: Folders,
    /// First and last news of files that were not looked at yet.
    news: Option<(Instant, Instant)>,
    looked: Instant,
    check: Option<Check>,
    /// What was checked and is to run next.
    next: Option<Snapshot>,
    run: Option<Run>,
    /// What the current or last run was started with.
    ran: Option<Snapshot>,
    last: Option<Recorded>,
    /// Whether the files as they are do not load.
    broken: bool,
    paused: bool,
    /// Whether something changed during the pause.
    missed: bool,
    quitting: bool,
    children: u64,
    runs: u64,
}

impl Session {
    pub fn new(
        commands: Commands,
        script: String,
        manners: Manners,
        events: Sender<Event>,
        has_keys: bool,
    ) -> Self {
        Self {
            commands,
            script,
            has_keys,
            manners,
            screen: Screen::new(),
            files: Files::default(),
            folders: Folders::new(events.clone()),
            events,
            news: None,
            looked: Instant::now(),
            check: None,
            next: None,
            run: None,
            ran: None,
            last: None,
            broken: false,
            paused: false,
            missed: false,
            quitting: false,
            children: 0,
            runs: 0,
        }
    }

    /// Checks and runs the script for the first time.
    pub fn begin(&mut self) {
        self.begin_check();
    }

    /// Whether it was told to end, and what it started has ended.
    pub fn is_over(&self) -> bool {
        self.quitting && self.run.is_none()
    }

    /// Leaves the terminal as a shell wants it.
    pub fn end(&mut self) {
        self.screen.end();
    }

    pub fn event(&mut self, event: Event) {
        match event {
            Event::Files => {
                let now = Instant::now();
                let first = self.news.map_or(now, |(first, _)| first);
                self.news = Some((first, now));
            }
            Event::Key(key) => self.key(key),
            Event::Text(id, stream, text) => match (&mut self.check, &self.run) {
                (Some(check), _) if check.child.id == id => {
                    let room = MOST_TEXT.saturating_sub(check.text.len());
                    check.text.extend(text.into_iter().take(room));
                }
                (_, Some(run)) if run.child.id == id => self.screen.text(stream, &text),
                _ => {}
            },
            Event::Closed(id) => {
                let check = self.check.as_mut().map(|check| &mut check.child);
                let run = self.run.as_mut().map(|run| &mut run.child);
                for child in [check, run].into_iter().flatten() {
                    if child.id == id {
                        child.closed();
                    }
                }
            }
        }
    }

    fn key(&mut self, key: u8) {
        match key {
            b'q' | b'Q' | CTRL_C => self.quit(),
            _ if self.quitting => {}
            b'r' | b'R' => {
                self.screen.note("once more");
                self.begin_check();
            }
            b's' | b'S' => self.stop(),
            b'p' | b'P' => {
                self.paused = !self.paused;
                self.screen.note(if self.paused {
                    "paused; what is saved is not run until p is pressed again"
                } else {
                    "goes on"
                });
                if !self.paused && std::mem::take(&mut self.missed) {
                    self.begin_check();
                }
            }
            _ => {}
        }
    }

    fn stop(&mut self) {
        self.next = None;
        self.check = None;
        let heals = self.faults_live() > 0;
        if let Some(run) = &mut self.run {
            run.child.interrupt(heals);
        }
    }

    /// How many faults of the run are live.
    pub(super) fn faults_live(&self) -> usize {
        if self.run.is_none() {
            return 0;
        }
        // Not there before the first fault.
        let text = std::fs::read_to_string(self.commands.faults_live());
        text.ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Ends as soon as the run has ended; told again, the run leaves at once.
    pub fn quit(&mut self) {
        self.quitting = true;
        self.stop();
    }

    /// Whatever is due.
    pub fn step(&mut self) {
        self.learn();
        let rested = |(first, last): (Instant, Instant)| {
            last.elapsed() >= DEBOUNCE || first.elapsed() >= LATEST
        };
        if self.news.is_some_and(rested) || self.looked.elapsed() >= POLL {
            self.look();
        }
        self.poll_check();
        self.poll_run();
        self.poll_queue();
        let idle = self.run.is_none() && self.check.is_none() && !self.quitting;
        if idle && let Some(snapshot) = self.next.take() {
            self.begin_run(snapshot);
        }
        let status = self.status();
        self.screen.status(&status);
    }

    /// Watches what the children have read by now.
    fn learn(&mut self) {
        let mut late = false;
        let mut new = false;
        if let Some(check) = &mut self.check {
            for path in check.child.listed() {
                check.stale |= self.files.add(&path, check.child.since);
                let content = self.files.content(&path);
                check.snapshot.entry(path).or_insert(content);
                new = true;
            }
        }
        if let Some(run) = &mut self.run {
            for path in run.child.listed() {
                late |= self.files.add(&path, run.child.since);
                if let Some(ran) = &mut self.ran {
                    let content = self.files.content(&path);
                    ran.entry(path.clone()).or_insert(content);
                }
                run.read.insert(path);
                new = true;
            }
        }
        if new {
            self.folders.set(&self.files.folders());
        }
        if late {
            self.changed();
        }
    }

    /// Looks whether files changed.
    fn look(&mut self) {
        self.news = None;
        self.looked = Instant::now();
        let changed = self.files.refresh();
        self.folders.set(&self.files.folders());
        let Some(first) = changed.first() else {
            return;
        };
        let more = match changed.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let word = match self.files.content(first) {
            Some(_) => "changed",
            None => "gone",
        };
        let shown = first.strip_prefix(".").unwrap_or(first).display();
        let text = printable(&format!("{word}: {shown}{more}"));
        self.screen.note(&text);
        // What is saved and put back before anything came of it needs no new run.
        let back = |ran: &Snapshot| {
            let mut all = ran.iter();
            all.all(|(path, content)| self.files.content(path) == *content)
        };
        if self.ran.as_ref().is_some_and(back) && self.next.is_none() && !self.quitting {
            self.check = None;
            self.broken = false;
            self.missed = false;
            self.screen.note("as it was when the run was started");
            return;
        }
        self.changed();
    }

    fn changed(&mut self) {
        if self.paused {
            self.missed = true;
        } else {
            self.begin_check();
        }
    }

    fn status(&self) -> String {
        let mut text = match (&self.check, &self.run) {
            _ if self.quitting => "ending".to_owned(),
            (_, Some(run)) if run.child.is_stopping() => "stopping".to_owned(),
            (Some(_), _) => format!("checking {}", self.script),
            (None, Some(run)) => {
                let seconds = Duration::from_secs(run.child.started.elapsed().as_secs());
                format!("running {}, {}", self.script, show_duration(seconds))
            }
            (None, None) if self.broken => "does not load; waiting for a change".to_owned(),
            (None, None) => "waiting for a change".to_owned(),
        };
        if let Some(count) = Some(self.faults_live()).filter(|count| *count > 0) {
            let word = if count == 1 { "fault" } else { "faults" };
            text += &format!(" · {count} {word} live");
        }
        if self.next.is_some() && self.run.is_some() {
            text += " · a change waits";
        }
        if self.paused {
            text += " · paused";
        }
        text += if self.manners.armed {
            " · armed"
        } else {
            " · faults run dry"
        };
        text += if self.has_keys {
            " · r re-run  s stop  p pause  q quit"
        } else {
            " · Ctrl-C quits"
        };
        text
    }
}
