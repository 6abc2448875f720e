//! A terminal, by tmux: what a person sees, and what they type.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A terminal with a shell in it. Dropping it ends both.
pub struct Terminal {
    home: tempfile::TempDir,
}

impl Terminal {
    /// Opens one in a folder.
    pub fn open(folder: &Path) -> Self {
        let new = Self {
            home: tempfile::tempdir().unwrap(),
        };
        let size = ["-x", "110", "-y", "200"];
        let start = ["-f", "/dev/null", "new-session", "-d"];
        let folder = [
            OsStr::new("-c"),
            folder.as_os_str(),
            OsStr::new("env PS1='$ ' sh"),
        ];
        let args = start.iter().chain(&size).map(OsStr::new);
        new.tmux(args.chain(folder));
        new
    }

    fn tmux<T: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = T>) -> String {
        let done = Command::new("tmux")
            .arg("-S")
            .arg(self.home.path().join("socket"))
            .args(args)
            .env_remove("TMUX")
            .env_remove("NO_COLOR")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    }

    /// Presses a key, in the words of tmux.
    pub fn press(&self, key: &str) -> &Self {
        self.tmux(["send-keys", key]);
        self
    }

    /// Types a line and Enter.
    pub fn enter(&self, line: &str) -> &Self {
        self.tmux(["send-keys", "-l", line]);
        self.press("Enter")
    }

    /// What tmux says of the terminal, in its own format.
    pub fn says(&self, format: &str) -> String {
        let said = self.tmux(["display-message", "-p", format]);
        said.trim_end().to_owned()
    }

    /// What is on the screen.
    pub fn shown(&self) -> String {
        self.tmux(["capture-pane", "-p", "-J"])
    }

    /// The last line that has anything.
    pub fn last_line(&self) -> String {
        let shown = self.shown();
        shown
            .trim_end()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> &Self {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            let shown = self.shown();
            if holds(&shown) {
                return self;
            }
            assert!(Instant::now() < limit, "never: {what}\n{shown}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a text.
    #[track_caller]
    pub fn until_shown(&self, text: &str) -> &Self {
        self.until(text, |shown| shown.contains(text))
    }

    /// Waits for a text in the last line.
    #[track_caller]
    pub fn until_status(&self, text: &str) -> &Self {
        self.until(text, |shown| {
            let last = shown.trim_end().lines().last();
            last.is_some_and(|line| line.contains(text))
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .arg("-S")
            .arg(self.home.path().join("socket"))
            .arg("kill-server")
            .output();
    }
}
