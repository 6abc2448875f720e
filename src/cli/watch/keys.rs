//! Single keys from a terminal, which is put back as it was.

use std::io::{IsTerminal, Read, stdin};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc::Sender;

use super::Event;

/// What Ctrl-C sends while the terminal does not make a signal of it.
pub(super) const CTRL_C: u8 = 3;

/// A terminal that gives every key at once. Dropping it puts the terminal back as it was.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// `None` where standard input is no terminal.
    pub fn start(events: Sender<Event>) -> Option<Self> {
        let input = stdin();
        if !input.is_terminal() {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        let mut raw = before.clone();
        // Ctrl-C is a key as well: it must reach this process once, and the run through it.
        raw.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(&input, OptionalActions::Now, &raw).ok()?;
        let keys = Self { before };
        thread::Builder::new()
            .name("keys".to_owned())
            .spawn(move || forward(&events))
            .ok()?;
        Some(keys)
    }
}

/// Ends with the terminal, or with the process: nothing else ends the waiting for a key.
fn forward(events: &Sender<Event>) {
    let mut buffer = [0; 64];
    while let Ok(count @ 1..) = stdin().lock().read(&mut buffer) {
        // A key such as an arrow comes as several bytes, of which the last may be a letter.
        if buffer[0] == 0x1b {
            continue;
        }
        for key in &buffer[..count] {
            if events.blocking_send(Event::Key(*key)).is_err() {
                return;
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
