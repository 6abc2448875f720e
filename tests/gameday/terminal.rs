//! Gamedays at a terminal, through tmux.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::gate;

/// A terminal with a run in it.
struct Terminal {
    folder: TempDir,
    socket: String,
}

impl Terminal {
    fn start(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("day.lua"), script).unwrap();
        let socket = folder.path().join("tmux").display().to_string();
        let program = env!("CARGO_BIN_EXE_rchaos");
        let line =
            format!("{program} run day.lua --summary s.json; echo \"exit $?\" > exit; sleep 60");
        let started = Command::new("tmux")
            .args([
                "-S",
                &socket,
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                "100",
                "-y",
                "40",
            ])
            .arg(line)
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(started.success());
        Self { folder, socket }
    }

    fn tmux(&self, args: &[&str]) -> String {
        let out = Command::new("tmux")
            .args(["-S", &self.socket])
            .args(args)
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Waits until the screen shows a text.
    fn until(&self, text: &str) {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            let screen = self.tmux(&["capture-pane", "-p", "-t", "0"]);
            if screen.contains(text) {
                return;
            }
            assert!(Instant::now() < limit, "not shown: {text}\n{screen}");
            sleep(Duration::from_millis(50));
        }
    }

    fn keys(&self, keys: &[&str]) {
        let mut args = vec!["send-keys", "-t", "0"];
        args.extend(keys);
        self.tmux(&args);
    }

    /// The exit code and the summary.
    fn finish(&self) -> (String, serde_json::Value) {
        let limit = Instant::now() + Duration::from_secs(30);
        let path = |name: &str| self.folder.path().join(name);
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        while read(&path("exit")).is_empty() {
            assert!(
                Instant::now() < limit,
                "{}",
                self.tmux(&["capture-pane", "-p", "-t", "0"])
            );
            sleep(Duration::from_millis(50));
        }
        let summary = serde_json::from_str(&read(&path("s.json"))).unwrap();
        (read(&path("exit")).trim().to_owned(), summary)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn people_answer_at_their_terminal() {
    if !gate::met("tmux", "people_answer_at_their_terminal") {
        return;
    }
    let terminal = Terminal::start(
        "gameday('day', function(g)
            g:phase('brief', function(p)
                p:choose('Who leads?', { 'ana', 'bo' })
                p:confirm('Go on?')
                p:ask('Anything else?', { timeout = '1s', default = 'no' })
                p:wait_mark('page received')
            end)
        end)",
    );
    terminal.until("Who leads?");
    terminal.until("2 bo");
    terminal.keys(&["7", "Enter"]);
    terminal.until("write one of ana, bo");
    terminal.keys(&["2", "Enter"]);
    terminal.until("Go on? [yes/no]");
    terminal.keys(&["yes", "Enter"]);
    terminal.until("page received");
    terminal.keys(&["Enter"]);
    let (exit, summary) = terminal.finish();
    assert_eq!(exit, "exit 0");
    let entries = summary["gamedays"][0]["entries"].as_array().unwrap();
    let answers: Vec<_> = entries
        .iter()
        .map(|e| e["answer"].as_str().unwrap())
        .collect();
    assert_eq!(answers, ["bo", "yes", "no", ""]);
    assert_eq!(entries[2]["by"], "timeout");
}

#[test]
fn a_key_stops_at_a_countdown() {
    if !gate::met("tmux", "a_key_stops_at_a_countdown") {
        return;
    }
    let terminal = Terminal::start(
        "gameday('day', function(g)
            g:phase('break it', function(p)
                p:countdown('60s', 'injecting')
                print('it went on')
            end)
        end)",
    );
    terminal.until("(s stops)");
    terminal.keys(&["s"]);
    let (exit, summary) = terminal.finish();
    assert_eq!(exit, "exit 6");
    let reason = summary["reasons"][0].as_str().unwrap();
    assert!(
        reason.contains("stopped at the countdown \"injecting\""),
        "{reason}"
    );
}

#[test]
fn ctrl_c_at_a_question_ends_the_run() {
    if !gate::met("tmux", "ctrl_c_at_a_question_ends_the_run") {
        return;
    }
    let terminal = Terminal::start("gameday('day', function(g) g:ask('Who is there?') end)");
    terminal.until("Who is there?");
    terminal.keys(&["C-c"]);
    let (exit, summary) = terminal.finish();
    assert_eq!(exit, "exit 6");
    assert_eq!(summary["gamedays"][0]["verdict"], "aborted");
}
