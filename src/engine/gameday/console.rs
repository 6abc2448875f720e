//! Questions on the terminal: prompts with time-outs, and a countdown that a key stops.

use std::io::{Write, stderr, stdin};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::desk::{Question, Reply, Unanswered, Wanted};
use crate::base::text::printable;
use crate::base::units::show_duration;

/// How long a look for input waits.
const LOOK: Duration = Duration::from_millis(100);

/// Shows a line.
pub fn tell(text: &str) {
    // A terminal that went away is noticed where something is asked.
    let _ = writeln!(stderr(), "{}", printable(text));
}

/// Asks on a thread of its own, which ends with the future.
///
/// # Errors
///
/// The terminal is gone.
pub async fn ask(question: Question) -> Result<Reply, Unanswered> {
    let end = Ended::default();
    let over = Arc::clone(&end.0);
    let asked = tokio::task::spawn_blocking(move || Asking { question, over }.run());
    match asked.await {
        Ok(reply) => reply,
        Err(_) => Err(Unanswered::Gone("it broke off".to_owned())),
    }
}

/// Tells the thread that nobody waits any more.
#[derive(Default)]
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Asking {
    question: Question,
    over: Arc<AtomicBool>,
}

/// What came from the terminal.
enum Input {
    Line(String),
    /// Time is up, or nobody waits any more.
    Nothing,
}

impl Asking {
    fn run(&self) -> Result<Reply, Unanswered> {
        if let Wanted::Countdown(time) = self.question.wanted {
            return self.countdown(time);
        }
        let limit = self.question.timeout.map(|time| Instant::now() + time);
        let mut rest = Vec::new();
        loop {
            show(&self.prompt());
            let line = match self.line(&mut rest, limit)? {
                Input::Line(line) => line,
                Input::Nothing => {
                    show("\n");
                    return Ok(Reply {
                        answer: self.question.default.clone(),
                        by: "timeout".to_owned(),
                    });
                }
            };
            let line = match (&self.question.default, line.trim()) {
                (Some(default), "") => default.clone(),
                (_, line) => line.to_owned(),
            };
            match self.question.fit(&line) {
                Ok(answer) => return Ok(self.reply(answer)),
                Err(problem) => show(&format!("  {problem}\n")),
            }
        }
    }

    fn reply(&self, answer: String) -> Reply {
        let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
        Reply {
            // When a mark is set is what counts; what was typed with it does not.
            answer: Some(match self.question.wanted {
                Wanted::Mark => String::new(),
                _ => answer,
            }),
            by: user.unwrap_or_else(|_| "operator".to_owned()),
        }
    }

    fn prompt(&self) -> String {
        let mut text = printable(&self.question.prompt);
        match &self.question.wanted {
            Wanted::Yes => text.push_str(" [yes/no]"),
            Wanted::One(all) => {
                for (place, one) in all.iter().enumerate() {
                    text.push_str(&format!("\n  {} {}", place + 1, printable(one)));
                }
                text.push('\n');
            }
            Wanted::Mark => text.push_str(" [Enter]"),
            Wanted::Text | Wanted::Countdown(_) => {}
        }
        if let Some(default) = &self.question.default {
            text.push_str(&format!(" ({})", printable(default)));
        }
        if let Some(timeout) = self.question.timeout {
            text.push_str(&format!(" within {}", show_duration(timeout)));
        }
        format!("? {text}> ")
    }

    /// Reads a line; the terminal itself lets people correct it before Enter.
    fn line(&self, rest: &mut Vec<u8>, limit: Option<Instant>) -> Result<Input, Unanswered> {
        loop {
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                return Ok(Input::Line(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.over.load(Ordering::Relaxed) || limit.is_some_and(|end| Instant::now() >= end) {
                return Ok(Input::Nothing);
            }
            read(rest)?;
        }
    }

    /// Counts down, second by second; the key `s` stops.
    fn countdown(&self, time: Duration) -> Result<Reply, Unanswered> {
        let _keys = Keys::begin();
        let end = Instant::now() + time;
        let mut shown = None;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let seconds = left.as_millis().div_ceil(1000);
            if shown != Some(seconds) {
                shown = Some(seconds);
                let text = printable(&self.question.prompt);
                show(&format!("\r\x1b[K{text}: {seconds} s (s stops)"));
            }
            if left.is_zero() || self.over.load(Ordering::Relaxed) {
                show("\n");
                return Ok(Reply {
                    answer: Some(String::new()),
                    by: String::new(),
                });
            }
            let mut keys = Vec::new();
            read(&mut keys)?;
            if keys.iter().any(|key| matches!(key, b's' | b'S')) {
                show("\n");
                return Ok(self.reply("stop".to_owned()));
            }
        }
    }
}

/// Takes what there is on stdin, after a short wait.
fn read(into: &mut Vec<u8>) -> Result<(), Unanswered> {
    let gone = |error: rustix::io::Errno| Unanswered::Gone(error.to_string());
    let input = stdin();
    let mut waiting = [PollFd::new(&input, PollFlags::IN)];
    let look = Timespec {
        tv_sec: 0,
        tv_nsec: i64::try_from(LOOK.as_nanos()).unwrap_or(100_000_000),
    };
    match poll(&mut waiting, Some(&look)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(gone(error)),
    }
    let mut bytes = [0; 256];
    match rustix::io::read(input.as_fd(), &mut bytes) {
        Ok(0) => Err(Unanswered::Gone("end of input".to_owned())),
        Ok(count) => {
            into.extend_from_slice(&bytes[..count]);
            Ok(())
        }
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(()),
        Err(error) => Err(gone(error)),
    }
}

fn show(text: &str) {
    let mut out = stderr().lock();
    // A terminal that went away is noticed by reading.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Keys arrive at once and unseen, until this is dropped.
struct Keys(Option<Termios>);

impl Keys {
    fn begin() -> Self {
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut modes = before.clone();
            modes
                .local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO);
            // Without it the key needs an Enter after it.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
        }
        Self(before)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
