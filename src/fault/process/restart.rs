//! Starting again what a kill has ended.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::find::Find;
use crate::fault::outcome::within;
use crate::fault::{Children, Healed, Trouble, ended};

/// How it is started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restart {
    /// Program and arguments: `{"systemctl", "start", "etcd"}`, or the program itself. It outlives rchaos.
    pub command: Vec<String>,
    /// Its working folder; the agent's where left out.
    pub cwd: Option<String>,
    /// How long it may take until as many processes match as before.
    pub within: Duration,
}

impl Restart {
    /// The command as one line.
    #[must_use]
    pub fn line(&self) -> String {
        crate::base::text::command_line(&self.command)
    }

    /// Starts it, unless as many match as `before` the kill; waits until they do.
    pub(super) fn heal(
        &self,
        find: &Find,
        before: usize,
        children: &Children,
    ) -> Result<Healed, Trouble> {
        let back = || find.all().is_ok_and(|found| found.len() >= before);
        if back() {
            return Ok(Healed::Unchanged);
        }
        let mut child = children
            .detach(&self.command, |command| {
                if let Some(folder) = &self.cwd {
                    command.current_dir(folder);
                }
            })
            .map_err(|error| Trouble::system(format!("cannot start `{}`", self.line()), error))?;
        if within(self.within, back) {
            return Ok(Healed::Restored);
        }
        let state = match child.try_wait() {
            Ok(Some(status)) => ended(status),
            _ => "still running".to_owned(),
        };
        let (line, label) = (self.line(), find.label());
        let limit = crate::base::units::show_duration(self.within);
        Err(Trouble::Failed(format!(
            "no process matches {label}, {limit} after `{line}` was started ({state}); start it by hand"
        )))
    }
}
