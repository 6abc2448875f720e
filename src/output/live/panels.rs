//! The parts of the live view that are lists.

use std::collections::VecDeque;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::base::units::show_duration;
use crate::output::layout::{clean, columns, shorten};
use crate::output::progress::line;
use crate::output::{Event, EventKind, FaultProgress, Look, Progress, ScenarioState};

use super::{bad, block, faint, warn};

/// The scenarios with their stages.
pub(super) fn scenarios(frame: &mut Frame<'_>, area: Rect, progress: &Progress) {
    let block = block("scenarios");
    let room = block.inner(area);
    let shown = line::choose(&progress.scenarios, usize::from(room.height));
    let names = shown.iter().map(|one| columns(&clean(&one.name)));
    let name = names.max().unwrap_or(0).min(usize::from(room.width) / 3);
    let lines: Vec<_> = shown
        .iter()
        .map(|one| {
            let style = match one.state {
                ScenarioState::Waiting | ScenarioState::Done => faint(),
                _ if one.errors > 0 => warn(),
                _ => Style::new(),
            };
            // One more: it leaves a column free for terminals that wrap.
            let width = usize::from(room.width) + 1;
            Line::styled(line::live(one, name, width, &Look::default()), style)
        })
        .collect();
    let text = if lines.is_empty() {
        Paragraph::new(Line::styled("  none", faint()))
    } else {
        Paragraph::new(lines)
    };
    frame.render_widget(text.block(block), area);
}

/// The faults that are live, with the time that is left.
pub(super) fn faults(frame: &mut Frame<'_>, area: Rect, faults: &[FaultProgress]) {
    let block = block("faults");
    let room = block.inner(area);
    let lines: Vec<_> = faults
        .iter()
        .take(usize::from(room.height))
        .map(|fault| fault_line(fault, usize::from(room.width)))
        .collect();
    let text = if lines.is_empty() {
        Paragraph::new(Line::styled(" none is live", faint()))
    } else {
        Paragraph::new(lines)
    };
    frame.render_widget(text.block(block), area);
}

fn fault_line(fault: &FaultProgress, room: usize) -> Line<'static> {
    let tier = fault.tier.map_or("?", |tier| tier.word());
    let left = match (fault.left, fault.since) {
        (Some(left), _) => format!("{} left", seconds(left)),
        (None, Some(since)) => format!("for {}, until its scope ends", seconds(since)),
        (None, None) => String::new(),
    };
    // The time first: it is what must not be cut off.
    let head = format!(" {}  {left}", clean(&fault.name));
    let tail = format!("  {}, {tier}: {}", fault.state, clean(&fault.label));
    let head = shorten(&head, room);
    let tail = shorten(&tail, room.saturating_sub(columns(&head)));
    let style = if fault.state == "not healed" {
        bad()
    } else {
        warn()
    };
    Line::from(vec![Span::styled(head, style), Span::raw(tail)])
}

/// What experiments and gamedays have done, the last below.
pub(super) fn steps(frame: &mut Frame<'_>, area: Rect, events: &[Event]) {
    let of_steps = events.iter().filter(|event| {
        matches!(
            event.kind,
            EventKind::Setup
                | EventKind::Teardown
                | EventKind::Experiment
                | EventKind::Step
                | EventKind::Probe
                | EventKind::Guard
                | EventKind::Fault
                | EventKind::Heal
                | EventKind::Gameday
                | EventKind::Phase
                | EventKind::Recover
                | EventKind::Interrupt
        )
    });
    let block = block("steps");
    let room = block.inner(area);
    let lines: Vec<_> = of_steps.map(|event| step_line(event, room)).collect();
    let text = Paragraph::new(last(lines, room));
    frame.render_widget(text.block(block), area);
}

fn step_line(event: &Event, room: Rect) -> Line<'static> {
    let at = seconds(event.at);
    let text = format!(" {at:>6}  {}", clean(&event.text));
    let style = match event.kind {
        EventKind::Guard | EventKind::Interrupt => bad(),
        EventKind::Fault => warn(),
        EventKind::Probe => faint(),
        _ => Style::new(),
    };
    Line::styled(shorten(&text, usize::from(room.width)), style)
}

/// The end of the log.
pub(super) fn log(frame: &mut Frame<'_>, area: Rect, log: &VecDeque<String>) {
    let block = block("log");
    let room = block.inner(area);
    let first = log.len().saturating_sub(usize::from(room.height));
    let lines: Vec<_> = log
        .iter()
        .skip(first)
        .map(|line| {
            let line = clean(&plain(line));
            let style = match line.split_whitespace().next() {
                Some("ERROR") => bad(),
                Some("WARN") => warn(),
                _ => Style::new(),
            };
            Line::styled(shorten(&line, usize::from(room.width)), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn last(mut lines: Vec<Line<'static>>, room: Rect) -> Vec<Line<'static>> {
    let first = lines.len().saturating_sub(usize::from(room.height));
    lines.split_off(first)
}

fn seconds(time: Duration) -> String {
    show_duration(Duration::from_secs(time.as_secs()))
}

/// A log line without its colours.
pub(super) fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' && chars.as_str().starts_with('[') {
            chars.next();
            // Parameters end with a letter.
            chars.by_ref().find(|c| ('@'..='~').contains(c));
        } else {
            text.push(c);
        }
    }
    text
}
