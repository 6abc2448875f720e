//! The terminal's lower edge, shared by progress and log lines so that neither overwrites the other.

use std::io::{self, IsTerminal, Stderr, Write, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::output::{Look, Mode, Progress, ProgressPrinter, terminal_size};

/// The process has one stderr, and the logger is as global as it is.
static SCREEN: Mutex<Option<ProgressPrinter<Stderr>>> = Mutex::new(None);

fn screen() -> MutexGuard<'static, Option<ProgressPrinter<Stderr>>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to show progress: redrawn in place on a terminal, plain lines elsewhere.
pub fn begin() {
    let mode = if stderr().is_terminal() {
        Mode::Live(|| terminal_size(&stderr()))
    } else {
        Mode::Plain
    };
    let look = Look::detect(&stderr(), false);
    *screen() = Some(ProgressPrinter::new(stderr(), mode, look));
}

/// Shows how the run stands, if progress is shown. A terminal that went away must not end the run.
pub fn show(progress: &Progress) {
    if let Some(printer) = &mut *screen() {
        let _ = printer.show(progress);
    }
}

/// Clears what was drawn and shows no more.
pub fn end() {
    if let Some(mut printer) = screen().take() {
        let _ = printer.finish();
    }
}

/// A writer for log lines: above the progress, or plainly to stderr.
#[derive(Debug, Clone, Copy)]
pub struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *screen() {
            Some(printer) => printer.print_above(&String::from_utf8_lossy(line))?,
            None => stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}
