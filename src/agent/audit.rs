//! The audit log of a host: who broke what, when, and on whose word. Lines are only ever added.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::paths::Paths;
use super::protocol::Hello;
use crate::fault::{Healed, Preflight, Spec, Trouble};

/// The open log, with what every line of this agent says.
pub(super) struct Audit {
    file: Mutex<File>,
    run: String,
    script: String,
    operator: String,
    ticket: Option<String>,
}

impl Audit {
    /// Opens `audit.log` of the state folder.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub(super) fn open(paths: &Paths, hello: &Hello) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(paths.state.join("audit.log"))?;
        Ok(Self {
            file: Mutex::new(file),
            run: hello.run.clone(),
            script: hello.script.clone(),
            operator: format!("{}@{}", hello.operator, hello.host),
            ticket: hello.ticket.clone(),
        })
    }

    /// A fault is about to be injected.
    ///
    /// # Errors
    ///
    /// The line cannot be written.
    pub(super) fn injecting(
        &self,
        name: &str,
        kind: &str,
        found: &Preflight,
    ) -> Result<(), Trouble> {
        let line = json!({
            "event": "inject",
            "fault": name,
            "kind": kind,
            "targets": found.targets,
            "effect": found.effect,
        });
        self.write(line).map_err(|error| {
            Trouble::Precondition(format!("the audit log: {error}; nothing was injected"))
        })
    }

    /// A live fault is about to get other settings.
    ///
    /// # Errors
    ///
    /// The line cannot be written.
    pub(super) fn updating(&self, name: &str, spec: &Spec) -> Result<(), Trouble> {
        let line = json!({ "event": "update", "fault": name, "kind": spec.kind });
        self.write(line).map_err(|error| {
            Trouble::Precondition(format!("the audit log: {error}; nothing was changed"))
        })
    }

    /// A heal has ended. Healing never waits for this.
    pub(super) fn healed(&self, name: &str, outcome: &Result<Healed, Trouble>) {
        let (outcome, error) = match outcome {
            Ok(healed) => (Some(healed), None),
            Err(trouble) => (None, Some(trouble.to_string())),
        };
        let line = json!({ "event": "heal", "fault": name, "outcome": outcome, "error": error });
        // Healed is healed, also where the disk no longer takes notes.
        let _ = self.write(line);
    }

    fn write(&self, mut line: Value) -> io::Result<()> {
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        line["at"] = json!(at);
        line["run"] = json!(self.run);
        line["script"] = json!(self.script);
        line["operator"] = json!(self.operator);
        line["ticket"] = json!(self.ticket);
        let text = format!("{line}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(text.as_bytes())
    }
}
