//! The program as a child process: watching it, and what it left behind.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A running program. Dropping it kills it.
pub struct Running {
    child: Child,
    started: Instant,
    timeout: Duration,
    stdout: Output,
    stderr: Output,
    home: TempDir,
    summary: PathBuf,
}

/// A stream that a thread reads to its end.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let target = bytes.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count) = stream.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                target.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

impl Running {
    pub(super) fn new(
        mut child: Child,
        stdin: Option<Vec<u8>>,
        timeout: Duration,
        home: TempDir,
        summary: PathBuf,
    ) -> Self {
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            // A program that does not read its input is no failure here.
            let _ = pipe.write_all(&text);
        }
        Self {
            stdout: Output::of(child.stdout.take().unwrap()),
            stderr: Output::of(child.stderr.take().unwrap()),
            child,
            started: Instant::now(),
            timeout,
            home,
            summary,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> &Self {
        kill_process(self.pid(), signal).unwrap();
        self
    }

    /// Waits until it has written something to stderr.
    pub fn until_stderr(&self, text: &str) -> &Self {
        self.until(&self.stderr, text)
    }

    /// Waits until it has written one of these to stderr; which of them.
    pub fn until_one_of(&self, texts: &[&str]) -> usize {
        let found = || {
            let so_far = self.stderr.so_far();
            texts.iter().position(|text| so_far.contains(text))
        };
        let limit = self.started + self.timeout;
        loop {
            if let Some(index) = found() {
                return index;
            }
            let all = (self.stdout.so_far(), self.stderr.so_far());
            assert!(Instant::now() < limit, "never written: {texts:?}\n{all:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has written something to stdout.
    pub fn until_stdout(&self, text: &str) -> &Self {
        self.until(&self.stdout, text)
    }

    fn until(&self, output: &Output, text: &str) -> &Self {
        let limit = self.started + self.timeout;
        while !output.so_far().contains(text) {
            assert!(
                Instant::now() < limit,
                "never written: {text}\n{}{}",
                self.stdout.so_far(),
                self.stderr.so_far()
            );
            thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Finished {
        let limit = self.started + self.timeout;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > limit {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!(
                    "still running after {:?}\n{}\n{}",
                    self.timeout,
                    self.stdout.finish(),
                    self.stderr.finish()
                );
            }
            thread::sleep(Duration::from_millis(5));
        };
        let took = self.started.elapsed();
        let summary = fs::read(&self.summary).unwrap_or_default();
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        let home = std::mem::replace(&mut self.home, tempfile::tempdir().unwrap());
        Finished {
            status,
            stdout,
            stderr,
            took,
            summary: serde_json::from_slice(&summary).unwrap_or(Value::Null),
            home,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Has no effect on a process that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run of the program left behind.
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
    /// The summary; null if it was not asked for or not written.
    pub summary: Value,
    home: TempDir,
}

impl Finished {
    /// Everything, for messages of failed assertions.
    pub fn all(&self) -> String {
        format!(
            "{} after {:?}\n--- stdout\n{}--- stderr\n{}",
            self.status, self.took, self.stdout, self.stderr
        )
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.all());
        self
    }

    /// Asserts that stderr has a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "not on stderr: {text}\n{}",
            self.all()
        );
        self
    }

    /// Asserts that stdout has a text.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "not on stdout: {text}\n{}",
            self.all()
        );
        self
    }

    /// Asserts that it ran at least so long.
    #[track_caller]
    pub fn took_at_least(self, least: Duration) -> Self {
        assert!(self.took >= least, "faster than {least:?}: {}", self.all());
        self
    }

    /// Asserts that it ended within a time.
    #[track_caller]
    pub fn took_less_than(self, most: Duration) -> Self {
        assert!(self.took < most, "slower than {most:?}: {}", self.all());
        self
    }

    /// The rest of every line on stderr that has `@ `: what a script notes with `print("@ …")`.
    pub fn marks(&self) -> Vec<&str> {
        let marked = |line: &str| line.find("@ ").map(|at| at + 2);
        self.stderr
            .lines()
            .filter_map(|line| Some(line[marked(line)?..].trim_end()))
            .collect()
    }

    /// How much a counter counted; 0 if it has no sample.
    #[track_caller]
    pub fn count(&self, metric: &str) -> f64 {
        self.values(metric)["count"].as_f64().unwrap_or(0.0)
    }

    /// The values of a metric; null if it has no sample.
    #[track_caller]
    pub fn values(&self, metric: &str) -> &Value {
        assert!(self.summary.is_object(), "no summary: {}", self.all());
        &self.summary["metrics"][metric]["values"]
    }

    /// What the summary says of a scenario.
    #[track_caller]
    pub fn scenario(&self, name: &str) -> &Value {
        self.summary["scenarios"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["name"] == name))
            .unwrap_or_else(|| panic!("no scenario {name}: {}", self.all()))
    }

    /// `(iterations, dropped, interrupted)` of a scenario.
    #[track_caller]
    pub fn tally(&self, name: &str) -> (u64, u64, u64) {
        let scenario = self.scenario(name);
        let number = |key: &str| scenario[key].as_u64().unwrap();
        (
            number("iterations"),
            number("dropped"),
            number("interrupted"),
        )
    }

    /// A file that the run left in its folder.
    #[track_caller]
    pub fn left(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap_or_else(|error| {
            panic!("{name}: {error}: {}", self.all());
        })
    }
}
