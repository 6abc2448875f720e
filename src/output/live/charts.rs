//! The load as four small curves, with the seconds marked in which faults were live.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::widgets::{Sparkline, SparklineBar};

use crate::output::values::show;
use crate::output::{Series, Unit};

use super::block;

/// Steps of a bar's height: finer than a terminal can show.
const FINE: f64 = 1000.0;

/// What is drawn: a title, a metric and its number, and the metric that stands in where there is none.
const CURVES: [(&str, [(&str, &str); 2]); 4] = [
    (
        "requests/s",
        [("http_reqs", "per second"), ("iterations", "per second")],
    ),
    (
        "p95",
        [
            ("http_req_duration", "p(95)"),
            ("iteration_duration", "p(95)"),
        ],
    ),
    (
        "errors",
        [
            ("http_req_failed", "share"),
            ("iteration_errors", "per second"),
        ],
    ),
    ("users", [("vus", "value"), ("vus", "value")]),
];

/// Draws all four side by side.
pub(super) fn curves(frame: &mut Frame<'_>, area: Rect, series: &Series) {
    if area.height < 3 {
        return;
    }
    let areas: [Rect; 4] = Layout::horizontal([Constraint::Fill(1); 4]).areas(area);
    for ((title, [first, second]), area) in CURVES.into_iter().zip(areas) {
        let (title, column) = match series.column(first.0, first.1) {
            Some(column) => (title.to_owned(), Some(column)),
            None => {
                let title = if title == "requests/s" {
                    "iterations/s"
                } else {
                    title
                };
                (title.to_owned(), series.column(second.0, second.1))
            }
        };
        let values: &[Option<f64>] = column.map_or(&[], |column| &column.values);
        let unit = column.map_or(&Unit::Plain, |column| &column.unit);
        curve(frame, area, &title, values, unit, &faulty(series));
    }
}

fn curve(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    values: &[Option<f64>],
    unit: &Unit,
    faulty: &[bool],
) {
    let room = usize::from(area.width.saturating_sub(2));
    let first = values.len().saturating_sub(room);
    let shown = &values[first..];
    let most = shown.iter().flatten().copied().fold(0.0, f64::max);
    let now = shown.last().copied().flatten();
    let now = now.map_or_else(|| "-".to_owned(), |value| show(value, unit));
    let title = format!("{title} {now}, max {}", show(most, unit));
    let bars = shown.iter().enumerate().map(|(index, value)| {
        let bar = SparklineBar::from(value.map(|value| height(value, most)));
        let live = faulty.get(first + index).copied().unwrap_or(false);
        bar.style(live.then_some(Style::new().fg(Color::Red)))
    });
    let chart = Sparkline::default()
        .block(block(&title))
        .style(Style::new().fg(Color::Cyan))
        .max(height(1.0, 1.0))
        .data(bars);
    frame.render_widget(chart, area);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and the finest step"
)]
fn height(value: f64, most: f64) -> u64 {
    if most > 0.0 {
        (value / most * FINE).clamp(0.0, FINE).round() as u64
    } else {
        0
    }
}

/// In which steps a fault was live.
fn faulty(series: &Series) -> Vec<bool> {
    let mut live = false;
    let column = series.column("faults_active", "value");
    let values = column.map_or(&[][..], |column| &column.values);
    // The gauge has a value where it changed only.
    values
        .iter()
        .map(|value| {
            let was = live;
            live = value.map_or(live, |value| value > 0.0);
            was || live
        })
        .collect()
}
