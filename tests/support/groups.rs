//! Control groups as a test sees them: which a process is in, and one of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::faults::eventually;

/// Whether this machine lets a test make control groups of version 1 with limits, and of version 2.
pub fn present() -> bool {
    let writable = |folder: &str| {
        let probe = Path::new(folder).join(format!(
            "rchaos-probe-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let made = std::fs::create_dir(&probe).is_ok();
        let _ = std::fs::remove_dir(&probe);
        made
    };
    ["cpu", "memory", "pids", "unified"]
        .iter()
        .all(|name| writable(&format!("/sys/fs/cgroup/{name}")))
}

/// The lines of `/proc/PID/cgroup`; none for one that is gone.
pub fn of(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

/// Whether a fault has the process in a group of its own.
pub fn held(pid: u32) -> bool {
    of(pid).contains("/rchaos-")
}

/// A group of version 1 of the test's own; removed with it, once it is empty.
pub struct Group(pub PathBuf);

impl Group {
    /// Makes one, and writes its files.
    pub fn make(controller: &str, name: &str, files: &[(&str, &str)]) -> Self {
        let folder = format!(
            "/sys/fs/cgroup/{controller}/test-{name}-{}",
            std::process::id()
        );
        std::fs::create_dir(&folder).unwrap();
        let group = Self(folder.into());
        for (file, text) in files {
            std::fs::write(group.0.join(file), text).unwrap();
        }
        group
    }

    /// Takes a process in.
    pub fn take(&self, pid: u32) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    /// A number in one of its files, after a name in that file where there is one.
    pub fn number(&self, file: &str, name: &str) -> u64 {
        let text = std::fs::read_to_string(self.0.join(file)).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim().parse().unwrap()
    }

    /// How many lines a file of it has: processes, for `cgroup.procs`.
    pub fn lines(&self, file: &str) -> usize {
        let text = std::fs::read_to_string(self.0.join(file)).unwrap();
        text.lines().count()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let limit = std::time::Instant::now() + Duration::from_secs(5);
        while std::fs::remove_dir(&self.0).is_err() && std::time::Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A shell with a script, which waits for lines at its standard input and writes to a file; ended with the test.
pub struct Shell {
    child: Child,
    output: tempfile::NamedTempFile,
}

impl Shell {
    /// Starts it, and waits until it is the shell.
    pub fn start(script: &str) -> Self {
        let output = tempfile::NamedTempFile::new().unwrap();
        // Each line at the end, whichever of the two it comes from.
        let end = || {
            let file = std::fs::OpenOptions::new().append(true).open(output.path());
            file.unwrap()
        };
        let child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let shell = Self { child, output };
        let comm = format!("/proc/{}/comm", shell.pid());
        eventually("it is a shell", Duration::from_secs(10), || {
            std::fs::read_to_string(&comm).is_ok_and(|name| name.trim() == "sh")
        });
        shell
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives it a line.
    pub fn tell(&mut self, line: &str) {
        use std::io::Write;
        let input = self.child.stdin.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// What it has written.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.output.path()).unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Its children end with the pipe, or are the test's to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
