//! What is shown: text that stays, and below it one line on how things stand.

use std::io::{IsTerminal, Write, stderr, stdout};

use crate::output::terminal_size;

/// Where a text belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// The terminal, or plain streams.
#[derive(Debug)]
pub(super) struct Screen {
    /// Whether the status is redrawn in place.
    live: bool,
    status: String,
    drawn: bool,
}

impl Screen {
    pub fn new() -> Self {
        Self {
            live: stderr().is_terminal(),
            status: String::new(),
            drawn: false,
        }
    }

    /// Writes text that stays. A reader that left must not end the watch.
    pub fn text(&mut self, stream: Stream, text: &[u8]) {
        self.clear();
        match stream {
            Stream::Out => {
                let _ = stdout().write_all(text);
                let _ = stdout().flush();
            }
            Stream::Err => {
                let _ = stderr().write_all(text);
            }
        }
        // Between the lines of a page that is being written there is no place for a status.
        if text.ends_with(b"\n") {
            self.draw();
        }
    }

    /// Writes a line of the watch itself.
    pub fn note(&mut self, text: &str) {
        self.text(Stream::Err, format!("watch: {text}\n").as_bytes());
    }

    /// Says how things stand; on plain streams only the notes do.
    pub fn status(&mut self, text: &str) {
        if self.live && self.status != text {
            self.clear();
            text.clone_into(&mut self.status);
            self.draw();
        }
    }

    /// Leaves the terminal as a shell wants it.
    pub fn end(&mut self) {
        self.clear();
        self.status.clear();
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = stderr().write_all(b"\r\x1b[K");
        }
    }

    fn draw(&mut self) {
        if !self.live || self.status.is_empty() {
            return;
        }
        // One column is left free: a full line would wrap, and could not be cleared.
        let room = terminal_size(&stderr()).map_or(80, |size| size.columns);
        let text: String = self.status.chars().take(room.saturating_sub(1)).collect();
        let _ = stderr().write_all(text.as_bytes());
        self.drawn = true;
    }
}
