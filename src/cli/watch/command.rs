//! What the watch's children are told: the user's own command line, as `run`, and hidden options.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{self, stdout};
use std::os::unix::ffi::OsStrExt;
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
    /// Whether faults are to be logged only, which the user has not said himself.
    dry: bool,
    scratch: Scratch,
}

impl Commands {
    /// From this process' arguments, program name included; `summary` is where the user wants it.
    pub fn new(args: Vec<OsString>, summary: Option<&Path>, dry: bool) -> io::Result<Self> {
        let mut args = args.into_iter().skip(1);
        // No option that may stand before the command takes "watch" as its value.
        let before = args.by_ref().take_while(|arg| arg != "watch").collect();
        Ok(Self {
            before,
            after: without_own(args),
            dry,
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

    /// Where a run says how many faults are live.
    pub fn faults_live(&self) -> PathBuf {
        self.scratch.0.join("live")
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
        options.extend(["--faults-live".into(), self.faults_live().into()]);
        if self.dry {
            options.push("--dry-run".into());
        }
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

/// Leaves out what only the watch knows. The command line was accepted, so that no value of
/// another option looks like one of these.
fn without_own(mut args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    while let Some(arg) = args.next() {
        if arg == "--" {
            kept.push(arg);
            kept.extend(args);
            break;
        }
        if arg == "--on-busy" {
            args.next();
        } else if arg != "--arm" && !arg.as_bytes().starts_with(b"--on-busy=") {
            kept.push(arg);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_options_reach_the_run_where_they_stood() {
        let args = ["rchaos", "-v", "watch", "a.lua", "-d", "1s", "--", "watch"];
        let commands = Commands::new(args.map(OsString::from).to_vec(), None, false).unwrap();
        let line = commands.check();
        assert_eq!(line[..3], ["-v", "run", "--files-read"]);
        assert_eq!(
            line[4..],
            ["--only-check", "a.lua", "-d", "1s", "--", "watch"]
        );
        assert!(commands.run().contains(&commands.summary().into()));
        let own = Commands::new(Vec::new(), Some(Path::new("own.json")), false).unwrap();
        assert_eq!(own.summary(), Path::new("own.json"));
        assert!(!own.run().contains(&"--summary".into()));
        let scratch = own.scratch.0.clone();
        assert!(scratch.is_dir());
        drop(own);
        assert!(!scratch.exists());
    }

    #[test]
    fn the_watchs_own_options_stay_with_it() {
        let args = [
            "rchaos",
            "watch",
            "--arm",
            "a.lua",
            "--on-busy",
            "restart",
            "--on-busy=queue",
            "-u",
            "2",
            "--",
            "--arm",
        ];
        let commands = Commands::new(args.map(OsString::from).to_vec(), None, true).unwrap();
        let line = commands.run();
        let own = line.len() - 5;
        assert_eq!(line[own..], ["a.lua", "-u", "2", "--", "--arm"]);
        assert!(line[..own].contains(&"--dry-run".into()));
        assert!(!commands.check().contains(&"--dry-run".into()));
    }
}
