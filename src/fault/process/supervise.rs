//! The supervisor of a spawned program, in a process of its own: it adopts all that the program forks, and when
//! the agent lets go of its line or dies, it kills the lot.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, set_child_subreaper, wait,
};
use serde::{Deserialize, Serialize};

use super::clock::put_ahead;
use super::identity::{Identity, stat};
use crate::fault::child::ended;
use crate::fault::outcome::{until, worst};
use crate::fault::stub::{Role, Stub, User};
use crate::fault::{Healed, Trouble};

/// The variable in the environment of a spawned program, and of all that it forks, that says whose it is.
const MARKER: &str = "RCHAOS_SPAWNED";

/// How long it tries to kill those that go on forking.
const KILLING: Duration = Duration::from_secs(5);

/// What a supervisor is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Supervise {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Whose process it is; the agent's user where left out.
    pub user: Option<User>,
    /// Variables that only the program has.
    pub env: Vec<(String, String)>,
    /// How many seconds its clocks other than the wall clock are ahead.
    pub ahead: Option<f64>,
}

/// What it tells, a JSON object a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// The program's pid.
    Started(i32),
    /// How it ended.
    Ended(String),
}

impl Supervise {
    /// Runs the program until it ends or the line at standard input is closed; then nothing of it is left.
    pub(in crate::fault) fn run(self) -> io::Result<()> {
        let mut line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        set_child_subreaper(Some(getpid()))?;
        if let Some(seconds) = self.ahead {
            put_ahead(seconds)?;
        }
        let role = Role::Become {
            command: self.command,
            user: self.user,
            env: self.env,
        };
        let mut command = Stub::new(role).command(std::env::current_exe()?)?;
        command.stdin(Stdio::null()).process_group(0);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).unwrap_or_default();
        let result = watch(pid, &mut line);
        kill_all();
        result
    }
}

/// Until the program has ended, or the line has.
fn watch(pid: i32, line: &mut UnixStream) -> io::Result<()> {
    await_program(pid);
    tell(line, &Told::Started(pid));
    let program = Pid::from_raw(pid).ok_or(Errno::SRCH)?;
    let descriptor = pidfd_open(program, PidfdFlags::empty())?;
    loop {
        // Orphans that it has adopted wait to be reaped, so it looks now and then.
        let pause = Timespec::try_from(Duration::from_millis(500)).ok();
        let mut watched = [
            PollFd::new(&descriptor, PollFlags::IN),
            PollFd::new(line, PollFlags::IN),
        ];
        match poll(&mut watched, pause.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let closed = !watched[1].revents().is_empty();
        if let Some(status) = reap(program) {
            tell(line, &Told::Ended(ended(status)));
            return Ok(());
        }
        if closed && !matches!(line.read(&mut [0; 16]), Ok(1..)) {
            return Ok(());
        }
    }
}

/// Waits until the child is the program: as long as it is a stub of ours, nobody finds it.
fn await_program(pid: i32) {
    let limit = Instant::now() + Duration::from_secs(5);
    let is_stub = || {
        let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // While one program takes the place of another, there are no arguments for a moment.
        let between = text.is_empty() && stat(pid).is_some_and(|stat| stat.state != 'Z');
        between || text.split(|byte| *byte == 0).nth(2) == Some(b"--stub")
    };
    while is_stub() && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reaps whoever has ended; how the program did, if it is among them.
fn reap(program: Pid) -> Option<ExitStatus> {
    let mut result = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == program {
            result = Some(ExitStatus::from_raw(status.as_raw()));
        }
    }
    result
}

fn tell(line: &mut UnixStream, told: &Told) {
    // The other end may be gone; what follows is the same.
    if let Ok(mut text) = serde_json::to_vec(told) {
        text.push(b'\n');
        let _ = line.write_all(&text);
    }
}

/// Kills all descendants until there are none.
fn kill_all() {
    let limit = Instant::now() + KILLING;
    let me = getpid().as_raw_pid();
    while Instant::now() < limit {
        let below = descendants(me);
        for identity in &below {
            let _ = identity.signal(Signal::KILL);
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        // Zombies are no descendants, but those are reaped by now.
        if below.is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Everybody below a process, alive.
pub(super) fn descendants(of: i32) -> Vec<Identity> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![of]);
    while let Some(pid) = next.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            next.push(child);
            found.extend(Identity::of(child).ok().filter(Identity::alive));
        }
    }
    found
}

/// Marks a child, so that what is left of it is found.
pub(in crate::fault) fn mark(command: &mut std::process::Command, marker: &str) {
    command.env(MARKER, marker);
}

/// Kills whoever has the mark; says what is left if they do not end.
pub(in crate::fault) fn kill_marked(marker: &str, what: &str) -> Result<Healed, Trouble> {
    let outcomes = marked(marker).into_iter().map(|identity| {
        let sent = identity.signal(Signal::KILL)?;
        Ok(if sent {
            Healed::Restored
        } else {
            Healed::Vanished
        })
    });
    let healed = worst(outcomes)?;
    if until(|| marked(marker).is_empty()) {
        return Ok(healed);
    }
    let pids = marked(marker).into_iter().map(|one| one.pid.to_string());
    let pids = pids.collect::<Vec<_>>().join(" ");
    Err(Trouble::Failed(format!(
        "{what} is there still; run `kill -KILL {pids}`"
    )))
}

/// Everybody whose environment has this value of [`MARKER`]: what a spawned program has left behind.
fn marked(marker: &str) -> Vec<Identity> {
    let wanted = format!("{MARKER}={marker}").into_bytes();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let ours = environment
                .split(|byte| *byte == 0)
                .any(|one| one == wanted);
            ours.then(|| Identity::of(pid).ok())?
        })
        .collect()
}
