//! What suites need to be started: commands before them, and after them on every way out.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::base::units::show_duration;
use crate::cli::project::Hook;

/// How long a command of a hook may take, where it does not say.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Hooks that were started; dropping them stops them, last first.
#[derive(Debug)]
pub(super) struct Started<'a> {
    folder: &'a Path,
    hooks: Vec<(&'a str, &'a Hook)>,
}

impl<'a> Started<'a> {
    /// None yet.
    pub(super) fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            hooks: Vec::new(),
        }
    }

    /// Starts one, unless it is started already.
    ///
    /// # Errors
    ///
    /// Why not; it is stopped with the others then, since half of it may be there.
    pub(super) fn start(&mut self, name: &'a str, hook: &'a Hook) -> Result<(), String> {
        if self.hooks.iter().any(|(other, _)| *other == name) {
            return Ok(());
        }
        eprintln!("starting {name}");
        self.hooks.push((name, hook));
        carry_out(self.folder, &hook.start, hook.timeout.unwrap_or(TIMEOUT))
            .map_err(|error| format!("hook {name}: {error}"))
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        while let Some((name, hook)) = self.hooks.pop() {
            if hook.stop.is_empty() {
                continue;
            }
            eprintln!("stopping {name}");
            let stopped = carry_out(self.folder, &hook.stop, hook.timeout.unwrap_or(TIMEOUT));
            if let Err(error) = stopped {
                eprintln!("error: hook {name}: {error}");
            }
        }
    }
}

/// Runs a command to its end; what it starts in the background may go on.
fn carry_out(folder: &Path, words: &[String], timeout: Duration) -> Result<(), String> {
    let shown = words.join(" ");
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| "its command is empty".to_owned())?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("`{shown}`: {error}"))?;
    let limit = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let how = crate::fault::ended(status);
                return Err(format!("`{shown}` ended with {how}"));
            }
            Err(error) => return Err(format!("`{shown}`: {error}")),
            Ok(None) if Instant::now() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                let time = show_duration(timeout);
                return Err(format!("`{shown}` took more than {time}"));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
