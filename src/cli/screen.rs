//! The terminal's lower edge, shared by progress and log lines so that neither overwrites the other.

use std::io::{self, IsTerminal, Stderr, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::output::{Look, Mode, Progress, ProgressPrinter, terminal_size};

use super::live::{self, Live};

/// The process has one stderr, and the logger is as global as it is.
static SCREEN: Mutex<Option<Screen>> = Mutex::new(None);

/// Whether something is asked on the terminal, so that nothing is drawn.
static HUSHED: AtomicBool = AtomicBool::new(false);

enum Screen {
    /// A few lines below what else is written.
    Lines(ProgressPrinter<Stderr>),
    /// The whole terminal.
    Whole(Box<Live>),
}

fn screen() -> MutexGuard<'static, Option<Screen>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hushed() -> bool {
    HUSHED.load(Ordering::Relaxed)
}

/// Begins to show progress: redrawn in place on a terminal, plain lines elsewhere.
pub fn begin() {
    let mode = if stderr().is_terminal() {
        Mode::Live(|| terminal_size(&stderr()))
    } else {
        Mode::Plain
    };
    let look = Look::detect(&stderr(), false);
    *screen() = Some(Screen::Lines(ProgressPrinter::new(stderr(), mode, look)));
}

/// Begins to show progress on the whole terminal, which is given back by `end`.
pub fn begin_whole(title: &str) {
    *screen() = Some(Screen::Whole(Box::new(Live::begin(title))));
    live::follow(|ready| match &mut *screen() {
        Some(Screen::Whole(live)) => {
            live.step(hushed(), ready);
            true
        }
        _ => false,
    });
}

/// Shows how the run stands, if progress is shown. A terminal that went away must not end the run.
pub fn show(progress: &Progress) {
    match &mut *screen() {
        // Drawn with the next frame.
        Some(Screen::Whole(live)) => live.view().show(progress),
        Some(Screen::Lines(printer)) if !hushed() => {
            let _ = printer.show(progress);
        }
        _ => {}
    }
}

/// Clears what was drawn while something is asked on the terminal, and goes on after that.
pub fn hush(on: bool) {
    let mut screen = screen();
    HUSHED.store(on, Ordering::Relaxed);
    match (&mut *screen, on) {
        (Some(Screen::Lines(printer)), true) => {
            let _ = printer.finish();
        }
        (Some(Screen::Whole(live)), on) => live.hush(on),
        _ => {}
    }
}

/// Clears what was drawn and shows no more.
pub fn end() {
    match screen().take() {
        Some(Screen::Lines(mut printer)) => {
            let _ = printer.finish();
        }
        Some(Screen::Whole(live)) => {
            let logged = live.end();
            // Where the log goes elsewhere it has been written already.
            if stderr().is_terminal() {
                let _ = stderr().write_all(logged.as_bytes());
            }
        }
        None => {}
    }
}

/// A writer for log lines: above the progress, or plainly to stderr.
#[derive(Debug, Clone, Copy)]
pub struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *screen() {
            Some(Screen::Lines(printer)) => printer.print_above(&String::from_utf8_lossy(line))?,
            Some(Screen::Whole(live)) => {
                live.view().log(&String::from_utf8_lossy(line));
                if !stderr().is_terminal() {
                    stderr().write_all(line)?;
                }
            }
            None => stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}
