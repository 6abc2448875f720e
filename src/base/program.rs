//! Running a program to its end: its exit code and its output. It blocks: for threads of their own, never for async code.

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How often it is asked whether the program has ended.
const LOOK: Duration = Duration::from_millis(5);
/// How long output is waited for that somebody else still holds open.
const LINGER: Duration = Duration::from_secs(2);

/// A program, and what it is given.
#[derive(Debug, Clone)]
pub struct Program {
    /// Program and arguments; at least the program.
    pub words: Vec<String>,
    /// Its working folder.
    pub folder: PathBuf,
    /// Added to this process's environment.
    pub env: BTreeMap<String, String>,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// How many bytes of each output are kept; the rest is read and dropped.
    pub most: usize,
}

/// How it ended, and what it wrote.
#[derive(Debug, Default)]
pub struct Ended {
    /// The exit code, or 128 and the signal that ended it.
    pub code: i32,
    /// Whether it was ended because nobody waited any more.
    pub cut: bool,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Whether either was longer than what is kept.
    pub truncated: bool,
}

/// Ends the program when it is dropped, so that a future that is given up leaves nothing behind.
#[derive(Debug, Default)]
pub struct Leash(pub Arc<AtomicBool>);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Program {
    /// Runs it to its end, or until `over`; then it is killed, with what it started in its group.
    ///
    /// # Errors
    ///
    /// A program that cannot be started.
    pub fn run(&self, over: &AtomicBool) -> io::Result<Ended> {
        let mut child = Command::new(&self.words[0])
            .args(&self.words[1..])
            .envs(&self.env)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        self.feed(&mut child);
        let stdout = child.stdout.take().map(|pipe| drain(pipe, self.most));
        let stderr = child.stderr.take().map(|pipe| drain(pipe, self.most));
        let (status, cut) = wait(&mut child, over)?;
        let (stdout, long) = collect(stdout);
        let (stderr, longer) = collect(stderr);
        let signal = status.signal().map(|signal| 128 + signal);
        Ok(Ended {
            code: status.code().or(signal).unwrap_or(-1),
            cut,
            stdout,
            stderr,
            truncated: long || longer,
        })
    }

    /// On a thread, as a program that writes before it reads would otherwise wait for us, and we for it.
    fn feed(&self, child: &mut Child) {
        let (pipe, text) = (child.stdin.take(), self.stdin.clone());
        if let (Some(mut pipe), false) = (pipe, text.is_empty()) {
            // A program need not read what it is given.
            std::thread::spawn(move || pipe.write_all(&text));
        }
    }
}

/// Output that is being read, and the thread that does.
struct Drain {
    /// What is kept, and whether there was more.
    read: Arc<Mutex<(Vec<u8>, bool)>>,
    thread: JoinHandle<()>,
}

fn drain(mut pipe: impl Read + Send + 'static, most: usize) -> Drain {
    let read = Arc::<Mutex<(Vec<u8>, bool)>>::default();
    let into = Arc::clone(&read);
    let thread = std::thread::spawn(move || {
        let mut block = [0; 16 * 1024];
        // What was read before an error counts.
        while let Ok(length @ 1..) = pipe.read(&mut block) {
            let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
            let room = most.saturating_sub(into.0.len()).min(length);
            into.0.extend_from_slice(&block[..room]);
            into.1 |= room < length;
        }
    });
    Drain { read, thread }
}

/// What was read. Something that the program left behind may hold the pipe open; that is not waited for.
fn collect(drain: Option<Drain>) -> (Vec<u8>, bool) {
    let Some(drain) = drain else {
        return Default::default();
    };
    let limit = Instant::now() + LINGER;
    while !drain.thread.is_finished() && Instant::now() < limit {
        std::thread::sleep(LOOK);
    }
    let mut read = drain.read.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *read)
}

/// Its end, and whether it was brought about.
fn wait(child: &mut Child, over: &AtomicBool) -> io::Result<(ExitStatus, bool)> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, false));
        }
        if over.load(Ordering::Relaxed) {
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            if let Some(group) = group {
                // It may have ended just now.
                let _ = kill_process_group(group, Signal::KILL);
            }
            return Ok((child.wait()?, true));
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str, stdin: &[u8], most: usize) -> Program {
        Program {
            words: ["sh", "-c", text].map(str::to_owned).to_vec(),
            folder: PathBuf::from("."),
            env: BTreeMap::new(),
            stdin: stdin.to_vec(),
            most,
        }
    }

    #[test]
    fn code_and_both_outputs_are_kept_apart() {
        let program = shell("cat; echo no >&2; exit 3", b"yes", 100);
        let ended = program.run(&AtomicBool::new(false)).unwrap();
        assert_eq!((ended.code, ended.cut), (3, false));
        assert_eq!(ended.stdout, b"yes");
        assert_eq!(ended.stderr, b"no\n");
    }

    #[test]
    fn more_output_than_is_kept_holds_nobody_up() {
        let program = shell("head -c 1000000 /dev/zero", b"", 10);
        let ended = program.run(&AtomicBool::new(false)).unwrap();
        assert_eq!((ended.code, ended.stdout.len()), (0, 10));
        assert!(ended.truncated);
    }

    #[test]
    fn it_is_killed_with_its_children_when_nobody_waits() {
        let program = shell("sleep 600 & sleep 600", b"", 10);
        let ended = program.run(&AtomicBool::new(true)).unwrap();
        assert!(ended.cut);
        assert_eq!(ended.code, 137);
    }
}
