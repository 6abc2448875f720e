//! The run on a whole terminal: scenarios, curves, faults, steps and log, drawn anew each time.

mod charts;
mod panels;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use crate::base::units::show_duration;

use super::Progress;
use super::layout::clean;

/// Lines of the log that are kept for the screen, and for the reader after it.
const LOG: usize = 1000;
/// Fewer rows than this have room for the most important only.
const SMALL: u16 = 16;

/// What is on the screen.
#[derive(Debug, Default)]
pub struct LiveView {
    title: String,
    keys: String,
    progress: Option<Progress>,
    log: VecDeque<String>,
    dropped: usize,
}

impl LiveView {
    /// A view that has seen nothing yet; `title` is its first line's beginning, `keys` what can be pressed.
    #[must_use]
    pub fn new(title: &str, keys: &str) -> Self {
        Self {
            title: clean(title),
            keys: keys.to_owned(),
            ..Self::default()
        }
    }

    /// Takes how the run stands.
    pub fn show(&mut self, progress: &Progress) {
        self.progress = Some(progress.clone());
    }

    /// Says what can be pressed now.
    pub fn keys(&mut self, keys: &str) {
        keys.clone_into(&mut self.keys);
    }

    /// Takes lines of the log, with or without colours.
    pub fn log(&mut self, text: &str) {
        for line in text.lines() {
            if self.log.len() == LOG {
                self.log.pop_front();
                self.dropped += 1;
            }
            self.log.push_back(line.to_owned());
        }
    }

    /// The log as it was written, for a terminal that has its own screen again.
    #[must_use]
    pub fn logged(&self) -> String {
        let mut text = String::new();
        if self.dropped > 0 {
            text = format!("… {} earlier lines of the log\n", self.dropped);
        }
        for line in &self.log {
            text += line;
            text.push('\n');
        }
        text
    }

    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let scenarios = self.progress.as_ref().map_or(0, |one| one.scenarios.len());
        let [head, top, curves, middle, log, keys] =
            Layout::vertical(self.rows(area, scenarios)).areas(area);
        self.head(frame, head);
        if let Some(progress) = &self.progress {
            panels::scenarios(frame, top, progress);
            if let Some(detail) = &progress.detail {
                charts::curves(frame, curves, &detail.series);
                let [faults, steps] =
                    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(middle);
                panels::faults(frame, faults, &detail.faults);
                panels::steps(frame, steps, &detail.events);
            }
        }
        panels::log(frame, log, &self.log);
        let line = Line::styled(format!(" {}", self.keys), faint());
        frame.render_widget(Paragraph::new(line), keys);
    }

    fn rows(&self, area: Rect, scenarios: usize) -> [Constraint; 6] {
        let scenarios = u16::try_from(scenarios).unwrap_or(u16::MAX).clamp(1, 8);
        let (curves, middle) = match area.height {
            ..SMALL => (0, 0),
            SMALL..28 => (5, 0),
            28..40 => (6, 7),
            _ => (8, 9),
        };
        // Where there is no room for all, faults are worth more than the log.
        let middle = if middle == 0 && area.height >= SMALL {
            5
        } else {
            middle
        };
        [
            Constraint::Length(1),
            Constraint::Length(scenarios + 2),
            Constraint::Length(curves),
            Constraint::Length(middle),
            Constraint::Min(3),
            Constraint::Length(1),
        ]
    }

    fn head(&self, frame: &mut Frame<'_>, area: Rect) {
        let at = self.progress.as_ref().map_or_else(
            || "loading".to_owned(),
            |progress| show_duration(std::time::Duration::from_secs(progress.at.as_secs())),
        );
        let faults = self
            .progress
            .as_ref()
            .and_then(|progress| progress.detail.as_ref())
            .map_or(0, |detail| detail.faults.len());
        let mut line = vec![
            Span::styled(format!(" {} ", self.title), strong()),
            Span::raw(format!(" {at} ")),
        ];
        if faults > 0 {
            let word = if faults == 1 { "fault" } else { "faults" };
            line.push(Span::styled(format!(" {faults} {word} live "), bad()));
        }
        frame.render_widget(Paragraph::new(Line::from(line)), area);
    }
}

fn block(title: &str) -> Block<'_> {
    Block::bordered()
        .border_style(faint())
        .title(Span::styled(format!(" {title} "), strong()))
}

fn faint() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn warn() -> Style {
    Style::new().fg(Color::Yellow)
}

fn bad() -> Style {
    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)
}
