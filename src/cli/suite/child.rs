//! One script of a suite as a run of its own: a defect or a full memory ends that run and not the suite.

use std::ffi::OsString;
use std::io::{self, IsTerminal, stdin};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::flag::register;

/// How often the run and the signals are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Signals that ask for an end: they are passed on to the run under way, which heals and ends.
#[derive(Debug, Default)]
pub(in crate::cli) struct Signals {
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
    came: AtomicBool,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub(in crate::cli) fn catch() -> io::Result<Self> {
        let this = Self::default();
        register(signal_hook::consts::SIGINT, Arc::clone(&this.interrupt))?;
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            register(signal, Arc::clone(&this.terminate))?;
        }
        Ok(this)
    }

    /// Whether an end was asked for.
    pub(in crate::cli) fn came(&self) -> bool {
        self.take();
        self.came.load(Ordering::Relaxed)
    }

    /// Those that came since the last look.
    fn take(&self) -> (bool, bool) {
        let taken = (
            self.interrupt.swap(false, Ordering::Relaxed),
            self.terminate.swap(false, Ordering::Relaxed),
        );
        if taken.0 || taken.1 {
            self.came.store(true, Ordering::Relaxed);
        }
        taken
    }
}

/// Runs this program with these arguments to its end; the signals reach it too. Its exit code; a run that was killed
/// counts as an internal error (1).
///
/// # Errors
///
/// It cannot be started.
pub(in crate::cli) fn run(args: &[OsString], signals: &Signals) -> io::Result<u8> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(args);
    // A terminal sends Ctrl-C to all of its group, and lets only that group read.
    let shared = stdin().is_terminal();
    if !shared {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    wait(&mut child, signals, shared)
}

fn wait(child: &mut Child, signals: &Signals, shared: bool) -> io::Result<u8> {
    loop {
        if let Some(status) = child.try_wait()? {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.unwrap_or(1));
        }
        let (interrupt, terminate) = signals.take();
        // Not waited for yet, so the id is still its own; that it has just ended is no harm.
        if interrupt && !shared {
            let _ = kill_process(Pid::from_child(child), Signal::INT);
        }
        if terminate {
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
        }
        std::thread::sleep(LOOK);
    }
}
