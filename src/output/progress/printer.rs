//! Draws snapshots on a stream, in place or line by line.

use std::io::{self, Write};
use std::time::Duration;

use crate::output::layout::{clean, columns, shorten};
use crate::output::look::Tone;
use crate::output::{Look, Size};

use super::Progress;
use super::line;

/// Time between two rounds of plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);
/// What a terminal is taken for that does not say its size.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};

/// How progress is shown.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// Redrawn in place; the function asks for the size, so that resizing is noticed.
    Live(fn() -> Option<Size>),
    /// Plain lines every five seconds.
    Plain,
    /// Nothing.
    Quiet,
}

/// Draws progress on a stream, standard error as a rule.
#[derive(Debug)]
pub struct ProgressPrinter<W: Write> {
    out: W,
    mode: Mode,
    look: Look,
    /// Lines on the screen that the next drawing replaces.
    drawn: usize,
    next_plain: Duration,
}

impl<W: Write> ProgressPrinter<W> {
    /// A printer that has drawn nothing yet.
    pub fn new(out: W, mode: Mode, look: Look) -> Self {
        Self {
            out,
            mode,
            look,
            drawn: 0,
            next_plain: PLAIN_EVERY,
        }
    }

    /// Shows a snapshot, as the mode has it.
    ///
    /// # Errors
    ///
    /// Those of the stream; the run need not care.
    pub fn show(&mut self, progress: &Progress) -> io::Result<()> {
        match self.mode {
            Mode::Quiet => Ok(()),
            Mode::Live(size) => self.draw(progress, size().unwrap_or(USUAL)),
            Mode::Plain if progress.at < self.next_plain => Ok(()),
            Mode::Plain => {
                while self.next_plain <= progress.at {
                    self.next_plain += PLAIN_EVERY;
                }
                self.lines(progress)
            }
        }
    }

    /// Writes text, such as a log line, above what is drawn in place. A line break is added if the
    /// text has none at its end.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn print_above(&mut self, text: &str) -> io::Result<()> {
        let mut frame = self.erase();
        frame.push_str(text);
        if !text.ends_with('\n') {
            frame.push('\n');
        }
        self.flush(&frame)
    }

    /// Removes what is drawn in place, so that the summary follows on a clean screen.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn finish(&mut self) -> io::Result<()> {
        let frame = self.erase();
        self.flush(&frame)
    }

    /// The codes that put the cursor where the drawing began and clear what is below.
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            lines => format!("\r\x1b[{lines}A\x1b[J"),
        }
    }

    /// One write, so that nothing flickers. The cursor is never hidden: whatever ends the process,
    /// the terminal is as it was.
    fn draw(&mut self, progress: &Progress, size: Size) -> io::Result<()> {
        let mut frame = self.erase();
        let room = size.rows.saturating_sub(2).max(1);
        let shown = line::choose(&progress.scenarios, room);
        let widths = shown.iter().map(|s| columns(&clean(&s.name)));
        let name = widths.max().unwrap_or(0).min(size.columns / 3);
        for scenario in &shown {
            frame += &line::live(scenario, name, size.columns, &self.look);
            frame.push('\n');
        }
        let mut lines = shown.len();
        let hidden = progress.scenarios.len() - shown.len();
        if hidden > 0 {
            let text = shorten(&format!("  … and {hidden} more"), size.columns);
            frame += &self.look.paint(Tone::Faint, &text);
            frame.push('\n');
            lines += 1;
        }
        self.drawn = lines;
        self.flush(&frame)
    }

    fn lines(&mut self, progress: &Progress) -> io::Result<()> {
        let text: String = progress
            .scenarios
            .iter()
            .filter(|scenario| scenario.state.is_active())
            .map(|scenario| line::plain(scenario, progress.at) + "\n")
            .collect();
        self.flush(&text)
    }

    fn flush(&mut self, frame: &str) -> io::Result<()> {
        if frame.is_empty() {
            return Ok(());
        }
        self.out.write_all(frame.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::tests::browse;
    use super::super::{ScenarioProgress, ScenarioState};
    use super::*;

    fn at(seconds: u64, scenarios: Vec<ScenarioProgress>) -> Progress {
        Progress {
            at: Duration::from_secs(seconds),
            scenarios,
            detail: None,
        }
    }

    fn small() -> Option<Size> {
        Some(Size {
            columns: 40,
            rows: 5,
        })
    }

    fn printed(mode: Mode, act: impl Fn(&mut ProgressPrinter<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        act(&mut ProgressPrinter::new(&mut out, mode, Look::default()));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_lines_come_every_five_seconds() {
        let text = printed(Mode::Plain, |printer| {
            for second in 0..=12 {
                printer.show(&at(second, vec![browse()])).unwrap();
            }
            printer.finish().unwrap();
        });
        let starts: Vec<_> = text.lines().map(|line| &line[..3]).collect();
        assert_eq!(starts, ["5s ", "10s"]);
    }

    #[test]
    fn plain_lines_leave_out_what_does_not_run() {
        let waiting = ScenarioProgress {
            state: ScenarioState::Waiting,
            ..browse()
        };
        let text = printed(Mode::Plain, |printer| {
            printer.show(&at(5, vec![waiting.clone()])).unwrap();
        });
        assert_eq!(text, "");
    }

    #[test]
    fn quiet_is_quiet() {
        let text = printed(Mode::Quiet, |printer| {
            printer.show(&at(60, vec![browse()])).unwrap();
            printer.finish().unwrap();
        });
        assert_eq!(text, "");
    }

    #[test]
    fn drawing_again_replaces_what_was_drawn() {
        let text = printed(Mode::Live(small), |printer| {
            printer.show(&at(1, vec![browse(), browse()])).unwrap();
            printer.show(&at(2, vec![browse()])).unwrap();
            printer.print_above("a log line").unwrap();
            printer.finish().unwrap();
        });
        let moves: Vec<_> = text.split("\r\x1b[").skip(1).map(|t| &t[..2]).collect();
        assert_eq!(moves, ["2A", "1A"]);
        assert!(text.ends_with("\x1b[Ja log line\n"), "{text:?}");
    }

    #[test]
    fn a_drawing_never_outgrows_the_terminal() {
        let text = printed(Mode::Live(small), |printer| {
            printer.show(&at(1, vec![browse(); 9])).unwrap();
        });
        assert_eq!(text.lines().count(), 4);
        assert!(text.ends_with("  … and 6 more\n"), "{text}");
        assert!(text.lines().all(|line| columns(line) < 40), "{text}");
    }
}
