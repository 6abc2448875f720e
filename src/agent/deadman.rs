//! A dead man's switch: a timer of systemd that heals when worker and guardian are both lost.

use std::io;
use std::process::{Command, Stdio};

use super::paths::Paths;
use crate::fault::Trouble;

/// How often the timer looks, in seconds.
const EVERY: &str = "10s";

/// A timer that is running.
pub(super) struct Deadman {
    unit: String,
}

impl Deadman {
    /// Starts a timer that heals for this agent once it is dead.
    ///
    /// # Errors
    ///
    /// [`Trouble::Precondition`]: there is no systemd here, or it refuses.
    pub(super) fn start(agent: &str, paths: &Paths) -> Result<Self, Trouble> {
        let unit = format!("rchaos-deadman-{agent}");
        let program = std::env::current_exe()
            .map_err(|error| Trouble::system("the path of this program", error))?;
        let output = Command::new("systemd-run")
            .args(["--quiet", "--collect", "--unit", &unit])
            .args(["--on-active", EVERY, "--on-unit-inactive", EVERY])
            .arg("--setenv")
            .arg(format!("RCHAOS_STATE_DIR={}", paths.given().display()))
            .arg("--")
            .arg(program)
            .args(["agent", "--recover", agent, "--now"])
            .stdin(Stdio::null())
            .output();
        let problem = match output {
            Ok(output) if output.status.success() => return Ok(Self { unit }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                "there is no systemd here".to_owned()
            }
            Err(error) => error.to_string(),
        };
        Err(Trouble::Precondition(format!(
            "--deadman: systemd-run: {problem}; leave the option out, or run `rchaos recover` by another timer"
        )))
    }

    /// Stops it, after everything is healed.
    pub(super) fn stop(&self) {
        stop(&self.unit);
    }
}

/// Stops the timer of an agent that is healed. Where there is none, nothing happens.
pub fn stop_for(agent: &str) {
    stop(&format!("rchaos-deadman-{agent}"));
}

fn stop(unit: &str) {
    // A timer that stays finds nothing to heal.
    let _ = Command::new("systemctl")
        .args(["stop", "--quiet", &format!("{unit}.timer")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
