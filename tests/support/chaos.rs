//! The program as a child process: what it is given.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::running::{Finished, Running};

/// One run of the program, before it starts. It works in a folder of its own, which goes with it.
pub struct Rchaos {
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
    timeout: Duration,
    open_files: Option<u32>,
    home: TempDir,
    folder: Option<PathBuf>,
    summary: bool,
}

impl Rchaos {
    /// The program with these arguments.
    pub fn new<T: AsRef<OsStr>>(args: impl IntoIterator<Item = T>) -> Self {
        Self {
            args: args.into_iter().map(|arg| arg.as_ref().into()).collect(),
            env: Vec::new(),
            stdin: None,
            timeout: Duration::from_secs(30),
            open_files: None,
            home: tempfile::tempdir().unwrap(),
            folder: None,
            summary: false,
        }
    }

    /// `run script.lua` with this text, and the summary read back.
    pub fn script(text: &str) -> Self {
        let mut new = Self::new(["run", "script.lua"]).file("script.lua", text);
        new.summary = true;
        new
    }

    /// `check script.lua` with this text.
    pub fn check(text: &str) -> Self {
        Self::new(["check", "script.lua"]).file("script.lua", text)
    }

    /// Adds arguments.
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().into()));
        self
    }

    /// Puts a file into the working folder.
    pub fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Runs in another folder than its own.
    pub fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_path_buf());
        self
    }

    /// Asks for the summary as JSON and reads it back.
    pub fn with_summary(mut self) -> Self {
        self.summary = true;
        self
    }

    /// Sets a variable of the process.
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.env.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// What it reads on standard input; nothing by default.
    pub fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(text.as_ref().to_vec());
        self
    }

    /// Kills it, and fails the test, after so long; 30 s by default.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How many files and sockets it may have open.
    pub fn open_files(mut self, most: u32) -> Self {
        self.open_files = Some(most);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let summary = self.home.path().join("summary.json");
        if self.summary {
            self.args.push("--summary".into());
            self.args.push(summary.clone().into());
        }
        let program = env!("CARGO_BIN_EXE_rchaos");
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(most) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "ulimit -n \"$0\" && exec \"$@\""]);
                shell.arg(most.to_string()).arg(program);
                shell
            }
        };
        command
            .args(&self.args)
            .current_dir(self.folder.as_deref().unwrap_or(self.home.path()))
            .stdin(
                self.stdin
                    .as_ref()
                    .map_or_else(Stdio::null, |_| Stdio::piped()),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "RUST_LOG"] {
            command.env_remove(name);
        }
        // Not the machine's own: what tests leave there would be healed by the next real run.
        command.env("RCHAOS_STATE_DIR", self.home.path().join(".rchaos"));
        let environment = self.env.iter().map(|(name, value)| (name, value));
        command.envs(environment);
        let child = command.spawn().unwrap();
        Running::new(child, self.stdin.take(), self.timeout, self.home, summary)
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Finished {
        self.start().wait()
    }
}
