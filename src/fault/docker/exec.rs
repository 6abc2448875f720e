//! A command inside a container: its output, its exit code, and its end when time is up.

use std::time::Duration;

use futures_util::StreamExt;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::trouble::ANSWER;
use crate::docker::models::ExecConfig;
use crate::docker::{Engine, EngineError};
use crate::fault::process::{Identity, container_of};

/// What is kept of what a command writes.
const KEPT: usize = 1 << 20;

/// A command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exec {
    /// Program and arguments.
    pub cmd: Vec<String>,
    /// Whose process it is, by name or number in the container; its own user where left out.
    pub user: Option<String>,
    /// Its working folder.
    pub workdir: Option<String>,
    /// Variables, as `NAME=value`.
    pub env: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ended {
    /// What it wrote on its standard output, at most one mebibyte.
    pub stdout: String,
    /// What it wrote on its standard error, as much.
    pub stderr: String,
    /// Its exit code; none when its time was up.
    pub code: Option<i64>,
}

impl Ended {
    /// In words, for messages: `code 1: no such file`.
    pub(super) fn shown(&self) -> String {
        let said = if self.stderr.trim().is_empty() {
            self.stdout.trim()
        } else {
            self.stderr.trim()
        };
        let last = said.lines().next_back().unwrap_or_default();
        let how = match self.code {
            Some(code) => format!("ended with code {code}"),
            None => "did not end in time".to_owned(),
        };
        match last.is_empty() {
            true => how,
            false => format!("{how}: {}", crate::base::text::printable(last)),
        }
    }
}

impl Exec {
    /// A command without anything else said.
    #[must_use]
    pub fn new(cmd: Vec<String>, timeout: Duration) -> Self {
        Self {
            cmd,
            user: None,
            workdir: None,
            env: Vec::new(),
            timeout,
        }
    }

    /// The command as one line.
    pub(super) fn line(&self) -> String {
        self.cmd.join(" ")
    }

    /// Runs it, and waits for its end. One whose time is up is killed where it can be reached.
    pub(super) fn run(&self, engine: &Engine, container: &str) -> Result<Ended, EngineError> {
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(self.cmd.clone()),
            user: self.user.clone(),
            working_dir: self.workdir.clone(),
            env: Some(self.env.clone()),
            ..ExecConfig::default()
        };
        let id = container.to_owned();
        let made = engine.call(ANSWER, |docker| async move {
            docker.create_exec(&id, config).await
        })?;
        let (exec, limit) = (made.id.clone(), self.timeout);
        let (ended, in_time) = engine.call(limit + ANSWER, |docker| async move {
            let mut ended = Ended::default();
            let reading = read(&docker, &exec, &mut ended);
            let in_time = match tokio::time::timeout(limit, reading).await {
                Ok(result) => result.map(|()| true)?,
                Err(_) => false,
            };
            Ok((ended, in_time))
        })?;
        let exec = made.id;
        let state = engine.call(
            ANSWER,
            |docker| async move { docker.inspect_exec(&exec).await },
        )?;
        if !in_time {
            let pid = state.pid.and_then(|pid| i32::try_from(pid).ok());
            // Engines cannot end a command; its process can be, if it is here.
            if let Some(pid) = pid.filter(|pid| container_of(*pid).as_deref() == Some(container))
                && let Ok(process) = Identity::of(pid)
            {
                let _ = process.signal(Signal::KILL);
            }
        }
        let code = state.exit_code.filter(|_| in_time);
        Ok(Ended { code, ..ended })
    }
}

async fn read(
    docker: &bollard::Docker,
    exec: &str,
    ended: &mut Ended,
) -> Result<(), bollard::errors::Error> {
    use bollard::container::LogOutput;
    use bollard::exec::StartExecResults;
    let StartExecResults::Attached { mut output, .. } = docker.start_exec(exec, None).await? else {
        return Ok(());
    };
    while let Some(piece) = output.next().await {
        let (sink, bytes) = match piece? {
            LogOutput::StdErr { message } => (&mut ended.stderr, message),
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message } => (&mut ended.stdout, message),
        };
        if sink.len() < KEPT {
            sink.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(())
}
