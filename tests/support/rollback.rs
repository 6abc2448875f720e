//! A run with live faults whose parts are killed or frozen: for the crash tests of every fault.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{Rchaos, running::Running};

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Controller,
    Guardian,
    Worker,
}

use Part::{Controller, Guardian, Worker};

/// Who is lost, and which parts have to be healed for by somebody else: every part alone, and any two.
pub const LOSSES: [&[Part]; 6] = [
    &[Controller],
    &[Worker],
    &[Guardian],
    &[Controller, Worker],
    &[Controller, Guardian],
    &[Worker, Guardian],
];

/// The promise: the lease, five seconds by default, and two more. Runs here have a shorter lease, so that a busy
/// machine may be late without the promise being broken.
pub const PROMISE: Duration = Duration::from_secs(7);

/// What the script logs once its faults are live.
const READY: &str = "faults are live";

/// What a run says whose agent has lost it while it was injecting.
const FENCED: &str = "everything was healed while it was being injected";

/// A run with live faults.
pub struct Faulty {
    pub running: Running,
    state: TempDir,
}

impl Faulty {
    /// Runs a script whose `body` injects at its top level; it then says so and sleeps.
    pub fn start(body: &str) -> Self {
        Self::with(body, |rchaos| rchaos)
    }

    /// As `start`, with more arguments.
    pub fn with(body: &str, more: impl Fn(Rchaos) -> Rchaos) -> Self {
        Self::script(
            &format!("{body}\nlog.info(\"{READY}\")\nsleep(\"60s\")\n"),
            more,
        )
    }

    /// Runs a whole script that logs "faults are live" when they are.
    pub fn script(text: &str, more: impl Fn(Rchaos) -> Rchaos) -> Self {
        let start = || {
            let state = tempfile::tempdir().unwrap();
            let rchaos = Rchaos::script(text)
                .args(["--lease", "2s"])
                .env("RCHAOS_STATE_DIR", state.path().display().to_string())
                .timeout(Duration::from_secs(90));
            let running = more(rchaos).start();
            Self { running, state }
        };
        // A machine that stands still for longer than this short lease fences a run before its fault is live, as
        // it shall; then nothing can be lost yet.
        for _ in 0..2 {
            let faulty = start();
            if faulty.running.until_one_of(&[READY, FENCED]) == 0 {
                return faulty;
            }
        }
        let faulty = start();
        faulty.running.until_stderr(READY);
        faulty
    }

    /// The same state folder for another run.
    pub fn state(&self) -> String {
        self.state.path().display().to_string()
    }

    /// A command of rchaos on the same state folder.
    pub fn command(&self, args: &[&str]) -> Rchaos {
        Rchaos::new(args).env("RCHAOS_STATE_DIR", self.state())
    }

    /// What `rchaos status` says.
    pub fn status(&self) -> Value {
        let done = self.command(&["status", "--json"]).run();
        serde_json::from_str(&done.stdout).unwrap()
    }

    /// The pid of a part.
    pub fn pid(&self, part: Part) -> Pid {
        let raw = match part {
            Controller => return self.running.pid(),
            Guardian => self.status()["agents"][0]["guardian"].as_i64().unwrap(),
            Worker => self.status()["agents"][0]["worker"].as_i64().unwrap(),
        };
        Pid::from_raw(i32::try_from(raw).unwrap()).unwrap()
    }

    /// Sends a signal to several parts, one right after the other.
    pub fn signal(&self, parts: &[Part], signal: Signal) -> Vec<Pid> {
        let pids: Vec<Pid> = parts.iter().map(|part| self.pid(*part)).collect();
        // Frozen first, so that none of them sees another one go, and puts somebody in its place, before it goes itself.
        for each in [Signal::STOP, signal] {
            for pid in &pids {
                // A part may have ended because another one did.
                let _ = kill_process(*pid, each);
            }
        }
        pids
    }
}

/// Whether `done` becomes true within the time; asks every few milliseconds.
pub fn within(limit: Duration, done: impl Fn() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs the crash tests of one fault: every loss by SIGKILL and by SIGSTOP, each healed within the promise; all parts at
/// once, healed by `rchaos recover`. After SIGCONT nothing comes back.
///
/// `body` is the script's text that injects; `live` says from outside whether the effect is there.
pub fn crash_tests(body: &str, live: impl Fn() -> bool) {
    for signal in [Signal::KILL, Signal::STOP] {
        for loss in LOSSES {
            one_loss(body, &live, loss, signal);
        }
        all_lost(body, &live, signal);
    }
}

/// For faults that take long to come and go: the holder lost by either signal, and all parts at once.
pub fn holder_lost(body: &str, live: impl Fn() -> bool) {
    for signal in [Signal::KILL, Signal::STOP] {
        one_loss(body, &live, &[Worker], signal);
    }
    all_lost(body, &live, Signal::KILL);
}

/// One loss.
pub fn one_loss(body: &str, live: &impl Fn() -> bool, loss: &[Part], signal: Signal) {
    let case = format!("{signal:?} of {loss:?}");
    let faulty = Faulty::start(body);
    assert!(live(), "{case}: the effect is not there");
    let pids = faulty.signal(loss, signal);
    let healed = within(PROMISE, || !live());
    let thawed = resume(&pids, signal);
    assert!(healed, "{case}: the effect is still there");
    if thawed {
        stays_healed(&case, live);
    }
    // Whoever is left ends by itself; what remains is ended with `faulty`.
    let recovered = within(PROMISE * 2, || {
        faulty.status()["agents"].as_array().unwrap().is_empty()
    });
    assert!(
        recovered,
        "{case}: the journal is still there: {}",
        faulty.status()
    );
}

fn all_lost(body: &str, live: &impl Fn() -> bool, signal: Signal) {
    let case = format!("{signal:?} of all");
    let faulty = Faulty::start(body);
    assert!(live(), "{case}: the effect is not there");
    let pids = faulty.signal(&[Controller, Guardian, Worker], signal);
    // A dead agent is known by its silence.
    within(Duration::from_secs(10), || {
        faulty.status()["agents"][0]["life"] != "live"
    });
    let done = faulty
        .command(&["recover"])
        .timeout(Duration::from_secs(60))
        .run();
    let healed = within(Duration::from_secs(1), || !live());
    let thawed = resume(&pids, signal);
    assert!(
        healed,
        "{case}: the effect is still there\n{}\n{}",
        done.stdout, done.stderr
    );
    assert_eq!(
        done.status.code(),
        Some(0),
        "{case}: {}\n{}",
        done.stdout,
        done.stderr
    );
    if thawed {
        stays_healed(&case, live);
    }
}

/// Lets frozen parts go on.
fn resume(pids: &[Pid], signal: Signal) -> bool {
    if signal != Signal::STOP {
        return false;
    }
    for pid in pids {
        let _ = kill_process(*pid, Signal::CONT);
    }
    true
}

/// Nothing comes back, although those that were frozen go on.
fn stays_healed(case: &str, live: &impl Fn() -> bool) {
    let back = within(Duration::from_millis(1500), live);
    assert!(!back, "{case}: the effect came back after SIGCONT");
}
