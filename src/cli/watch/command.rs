//! What the watch's children are told: the user's own command line, as `run`, and hidden options.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{self, stdout};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::base::rng::fresh_seed;
use crate::output::{Look, terminal_size};

/// A folder for what the children leave behind. Dropping it removes it.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let name = format!("rchaos-watch-{}-{:x}", std::process::id(), fresh_seed());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the folder for temporary files is removed by the system some day.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The command lines of a watch's children.
#[derive(Debug)]
pub(super) struct Commands {
    before: Vec<OsString>,
    after: Vec<OsString>,
    summary: Option<PathBuf>,
    scratch: Scratch,
}

impl Commands {
    /// From this process' arguments, program name included; `summary` is where the user wants it.
    pub fn new(args: Vec<OsString>, summary: Option<&Path>) -> io::Result<Self> {
        let mut args = args.into_iter().skip(1);
        // No option that may stand before the command takes "watch" as its value.
        let before = args.by_ref().take_while(|arg| arg != "watch").collect();
        Ok(Self {
            before,
            after: args.collect(),
            summary: summary.map(Path::to_path_buf),
            scratch: Scratch::new()?,
        })
    }

    /// Where a check lists the files it reads.
    pub fn check_list(&self) -> PathBuf {
        self.scratch.0.join("check")
    }

    /// Where a run lists the files it reads.
    pub fn run_list(&self) -> PathBuf {
        self.scratch.0.join("run")
    }

    /// Where a run leaves its result.
    pub fn summary(&self) -> PathBuf {
        let own = || self.scratch.0.join("summary.json");
        self.summary.clone().unwrap_or_else(own)
    }

    /// Loads and judges the script.
    pub fn check(&self) -> Vec<OsString> {
        self.line(&self.check_list(), vec!["--only-check".into()])
    }

    /// Runs the script.
    pub fn run(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> = Vec::new();
        if self.summary.is_none() {
            options.extend(["--summary".into(), self.summary().into()]);
        }
        if Look::detect(&stdout(), false).colour {
            options.push("--colours".into());
        }
        if let Some(size) = terminal_size(&stdout()) {
            options.extend(["--columns".into(), size.columns.to_string().into()]);
        }
        self.line(&self.run_list(), options)
    }

    fn line(&self, list: &Path, options: Vec<OsString>) -> Vec<OsString> {
        let mut line = self.before.clone();
        line.extend(["run".into(), "--files-read".into(), list.into()]);
        line.extend(options);
        line.extend(self.after.iter().cloned());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_options_reach_the_run_where_they_stood() {
        let args = ["rchaos", "-v", "watch", "a.lua", "-d", "1s", "--", "watch"];
        let commands = Commands::new(args.map(OsString::from).to_vec(), None).unwrap();
        let line = commands.check();
        assert_eq!(line[..3], ["-v", "run", "--files-read"]);
        assert_eq!(
            line[4..],
            ["--only-check", "a.lua", "-d", "1s", "--", "watch"]
        );
        assert!(commands.run().contains(&commands.summary().into()));
        let own = Commands::new(Vec::new(), Some(Path::new("own.json"))).unwrap();
        assert_eq!(own.summary(), Path::new("own.json"));
        assert!(!own.run().contains(&"--summary".into()));
        let scratch = own.scratch.0.clone();
        assert!(scratch.is_dir());
        drop(own);
        assert!(!scratch.exists());
    }
}
