//! The check and the run of a watch: how they begin and what comes of their end.

use std::collections::BTreeSet;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use crate::base::units::show_duration;
use crate::output::{Recorded, Verdict, key_numbers};

use super::super::OnBusy;
use super::super::child::Running;
use super::super::files::Snapshot;
use super::super::screen::Stream;
use super::{Check, Run, Session};
use crate::cli::Exit;

/// How long a script may take to load.
const CHECK_LIMIT: Duration = Duration::from_secs(30);

impl Session {
    pub(super) fn begin_check(&mut self) {
        if self.quitting {
            return;
        }
        if let Some(check) = &mut self.check {
            check.stale = true;
            return;
        }
        self.children += 1;
        let (args, list) = (self.commands.check(), self.commands.check_list());
        match Running::start(self.children, &args, &list, &self.events) {
            Ok(child) => {
                self.check = Some(Check {
                    child,
                    text: Vec::new(),
                    snapshot: self.files.snapshot(),
                    stale: false,
                });
            }
            Err(error) => self
                .screen
                .note(&format!("cannot start the check: {error}")),
        }
    }

    pub(super) fn poll_check(&mut self) {
        let Some(check) = &mut self.check else { return };
        if check.child.started.elapsed() > CHECK_LIMIT && !check.child.was_killed() {
            check.child.kill();
        }
        let Some(status) = check.child.poll() else {
            return;
        };
        self.learn();
        let Some(check) = self.check.take() else {
            return;
        };
        if check.stale {
            self.begin_check();
            return;
        }
        if status.success() {
            self.broken = false;
            self.next = Some(check.snapshot);
            if self
                .run
                .as_ref()
                .is_some_and(|run| !run.child.is_stopping())
            {
                self.make_way();
            }
            return;
        }
        self.broken = true;
        self.next = None;
        self.screen.text(Stream::Err, &check.text);
        if check.child.was_killed() {
            let limit = show_duration(CHECK_LIMIT);
            self.screen
                .note(&format!("the script did not load within {limit}"));
        }
        self.screen.note(match &self.run {
            Some(run) if !run.child.is_stopping() => "not started; the run goes on",
            _ => "not started",
        });
    }

    /// Interrupts the run for the new one, unless its faults are live and the new one can wait.
    fn make_way(&mut self) {
        let live = self.faults_live();
        let restart = self.manners.on_busy == OnBusy::Restart;
        if live > 0 && !restart {
            self.screen.note(
                "faults are live: the new one waits until they are healed; s stops the run, \
                 --on-busy restart cancels it",
            );
            return;
        }
        self.screen.note(if live > 0 {
            "the run is cancelled; the new one starts when its faults are healed"
        } else {
            "the run is interrupted for the new one"
        });
        if let Some(run) = &mut self.run {
            run.child.interrupt(live > 0);
        }
    }

    /// Lets what waits for faults to be healed have its way.
    pub(super) fn poll_queue(&mut self) {
        let waits = self.next.is_some()
            && self
                .run
                .as_ref()
                .is_some_and(|run| !run.child.is_stopping());
        if waits && self.faults_live() == 0 {
            self.make_way();
        }
    }

    pub(super) fn begin_run(&mut self, snapshot: Snapshot) {
        self.children += 1;
        self.runs += 1;
        let (args, list) = (self.commands.run(), self.commands.run_list());
        self.ran = Some(snapshot);
        let manner = if self.manners.armed { ", armed" } else { "" };
        self.screen.note(&format!("run {}{manner}", self.runs));
        // Of the run before; it is not there if that had no faults.
        let _ = std::fs::remove_file(self.commands.faults_live());
        match Running::start(self.children, &args, &list, &self.events) {
            Ok(child) => {
                self.run = Some(Run {
                    child,
                    read: BTreeSet::new(),
                    result_before: self.result_written(),
                });
            }
            Err(error) => self.screen.note(&format!("cannot start the run: {error}")),
        }
    }

    fn result_written(&self) -> Option<SystemTime> {
        let found = std::fs::metadata(self.commands.summary());
        found.and_then(|found| found.modified()).ok()
    }

    pub(super) fn poll_run(&mut self) {
        let Some(run) = &mut self.run else { return };
        let Some(status) = run.child.poll() else {
            return;
        };
        self.learn();
        let live = self.faults_live();
        let Some(run) = self.run.take() else { return };
        let left =
            status.code() == Some(Exit::Unhealed as i32) || (status.code().is_none() && live > 0);
        if left {
            self.next = None;
            self.screen.note(
                "not all is known to be healed, so nothing is started; look with `rchaos status`, heal \
                 with `rchaos recover`, then press r or save again",
            );
        }
        let result = (self.result_written() != run.result_before)
            .then(|| std::fs::read_to_string(self.commands.summary()).ok())
            .flatten()
            .and_then(|text| Recorded::read(&text).ok());
        let text = match &result {
            Some(result) => key_numbers(result, self.last.as_ref()),
            None => ending(status, run.child.was_killed()),
        };
        self.screen.note(&format!("run {}: {text}", self.runs));
        // A run that was cut short is no measure for the next one.
        if let Some(result) = result.filter(|one| one.verdict() != Verdict::Aborted.word()) {
            self.last = Some(result);
        }
        // What is no longer read need not be watched; a run that was cut short had not read all.
        if !run.child.is_stopping() && self.check.is_none() && !self.broken {
            self.files.keep(&run.read);
            if let Some(ran) = &mut self.ran {
                ran.retain(|path, _| run.read.contains(path));
            }
            self.folders.set(&self.files.folders());
        }
    }
}

fn ending(status: ExitStatus, killed: bool) -> String {
    match status.code() {
        _ if killed => "did not end in time and was killed".to_owned(),
        Some(code) => format!("no result, exit code {code}"),
        None => format!("no result, {status}"),
    }
}
