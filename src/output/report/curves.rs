//! The run over time: what was in force when, above the curves of the load.

use std::fmt::Write as _;

use serde_json::json;

use super::chart::{Axis, Curve, LEFT, PLOT, WIDTH, chart};
use super::html::{embedded, escape, panel};
use crate::output::{Column, EventKind, Series, Summary, Unit};

/// Rows of bars at most; what does not fit is on the timeline below.
const ROWS: usize = 8;
const ROW: f64 = 20.0;

/// The panel with bars and charts; empty without a point.
pub(super) fn section(summary: &Summary) -> String {
    let series = &summary.series;
    let steps = series.columns.iter().map(|one| one.values.len()).max();
    let Some(steps) = steps.filter(|steps| *steps > 0) else {
        return String::new();
    };
    #[expect(clippy::cast_precision_loss, reason = "at most 600 steps")]
    let drawn = steps as f64 * series.step_seconds;
    let axis = Axis {
        seconds: drawn.max(summary.duration_seconds),
        step: series.step_seconds,
        bands: bars(summary)
            .into_iter()
            .filter(|bar| bar.fault)
            .map(|bar| (bar.from, bar.to))
            .collect(),
    };
    let mut out = String::from("<div class=\"charts\">\n<div id=\"tip\"></div>\n");
    out.push_str(&lanes(summary, &axis));
    let charts = charts(summary);
    for (place, one) in charts.iter().enumerate() {
        let curves: Vec<_> = one
            .columns
            .iter()
            .map(|(column, colour)| Curve {
                name: &column.stat,
                colour,
                values: &column.values,
            })
            .collect();
        let last = place + 1 == charts.len();
        let unit = &one.columns[0].0.unit;
        out.push_str(&chart(&one.title, unit, &curves, &axis, last));
    }
    out.push_str("</div>\n");
    let data = json!({
        "width": WIDTH, "left": LEFT, "plot": PLOT,
        "seconds": axis.seconds, "step": axis.step, "steps": steps,
        "columns": charts.iter().flat_map(|one| one.columns.iter().map(|(column, _)| json!({
            "name": format!("{} {}", one.title, if one.columns.len() > 1 { &column.stat } else { "" }).trim(),
            "unit": column.unit.word(),
            "values": column.values,
        }))).collect::<Vec<_>>(),
    });
    let data = embedded(&data.to_string());
    let _ = writeln!(
        out,
        "<script type=\"application/json\" id=\"curves\">{data}</script>"
    );
    panel(&out)
}

/// What one chart shows.
struct Shown<'a> {
    title: String,
    columns: Vec<(&'a Column, &'static str)>,
}

const LATENCIES: [(&str, &str); 3] = [("p(50)", "low"), ("p(95)", "mid"), ("p(99)", "high")];

/// Rate, times, failures, users, and whatever the script watches.
fn charts(summary: &Summary) -> Vec<Shown<'_>> {
    let series = &summary.series;
    let web = series.column("http_reqs", "per second").is_some();
    let one = |title: &str, metric: &str, stat: &str, colour| {
        let column = series.column(metric, stat)?;
        Some(Shown {
            title: title.to_owned(),
            columns: vec![(column, colour)],
        })
    };
    let times = |title: &str, metric: &str| {
        let found = LATENCIES
            .iter()
            .filter_map(|(stat, colour)| Some((series.column(metric, stat)?, *colour)));
        let columns: Vec<_> = found.collect();
        (!columns.is_empty()).then(|| Shown {
            title: title.to_owned(),
            columns,
        })
    };
    let mut all = if web {
        vec![
            one("Requests per second", "http_reqs", "per second", "load"),
            times("Response time", "http_req_duration"),
            one("Failed requests", "http_req_failed", "share", "failed"),
        ]
    } else {
        vec![
            one("Iterations per second", "iterations", "per second", "load"),
            times("Iteration duration", "iteration_duration"),
        ]
    };
    all.push(one(
        "Iteration errors per second",
        "iteration_errors",
        "per second",
        "failed",
    ));
    all.push(one(
        "Dropped iterations per second",
        "dropped_iterations",
        "per second",
        "failed",
    ));
    all.push(one("Virtual users", "vus", "value", "users"));
    all.into_iter().flatten().chain(watched(series)).collect()
}

/// What the load has curves of; gauges beyond these are watched by the script.
const KNOWN: [&str; 9] = [
    "vus",
    "http_reqs",
    "http_req_failed",
    "http_req_duration",
    "iterations",
    "iteration_duration",
    "iteration_errors",
    "dropped_iterations",
    "faults_active",
];

fn watched(series: &Series) -> impl Iterator<Item = Shown<'_>> {
    let watched = series
        .columns
        .iter()
        .filter(|column| !KNOWN.contains(&column.metric.as_str()) && column.stat == "value");
    watched.map(|column| {
        let unit = match &column.unit {
            Unit::Other(word) => format!(" ({word})"),
            _ => String::new(),
        };
        Shown {
            title: format!("{}{unit}", column.metric),
            columns: vec![(column, "load")],
        }
    })
}

/// Something that lasted.
struct Bar {
    name: String,
    from: f64,
    to: f64,
    fault: bool,
}

fn bars(summary: &Summary) -> Vec<Bar> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let seconds = |millis: u64| millis as f64 / 1e3;
    let end = summary.duration_seconds;
    let faults = summary.faults.iter().filter_map(|fault| {
        Some(Bar {
            name: fault.name.clone(),
            from: seconds(fault.injected_at_ms?),
            to: fault.healed_at_ms.map_or(end, seconds),
            fault: true,
        })
    });
    let steps = summary.experiments.iter().flat_map(|one| &one.steps);
    let steps = steps.map(|step| (&step.name, step.at_ms, step.duration_ms));
    let phases = summary.gamedays.iter().flat_map(|one| &one.phases);
    let phases = phases.map(|phase| (&phase.name, phase.at_ms, phase.duration_ms));
    let spans = phases.chain(steps).map(|(name, at, length)| Bar {
        name: name.clone(),
        from: seconds(at),
        to: seconds(at + length),
        fault: false,
    });
    spans.chain(faults).collect()
}

/// Bars of what was in force, packed into rows, and ticks where something went wrong.
fn lanes(summary: &Summary, axis: &Axis) -> String {
    let bars = bars(summary);
    let mut ends: Vec<(f64, bool)> = Vec::new();
    let mut out = String::new();
    let mut hidden = 0;
    for bar in &bars {
        let free = ends
            .iter()
            .position(|(end, fault)| *fault == bar.fault && *end <= bar.from);
        let row = free.unwrap_or(ends.len());
        if row >= ROWS {
            hidden += 1;
            continue;
        }
        if free.is_none() {
            ends.push((0.0, bar.fault));
        }
        ends[row].0 = bar.to;
        let (x, end) = (axis.x(bar.from), axis.x(bar.to));
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let y = row as f64 * ROW + 2.0;
        let width = (end - x).max(3.0);
        let name = escape(&bar.name);
        let class = if bar.fault { 'f' } else { 's' };
        // A name that has no room beside the bar stands to its left.
        #[expect(clippy::cast_precision_loss, reason = "the length of a name")]
        let long = bar.name.chars().count() as f64 * 6.2;
        let (at, anchor) = match () {
            () if long + 8.0 <= width => (x + 5.0, "start"),
            () if end + 5.0 + long <= LEFT + PLOT => (end + 5.0, "start"),
            () => (x - 5.0, "end"),
        };
        let _ = writeln!(
            out,
            "<g class=\"bar\"><title>{name}: {:.1}s to {:.1}s</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" rx=\"3\"/><text x=\"{at:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{name}</text></g>",
            bar.from,
            bar.to,
            ROW - 4.0,
            y + 12.0,
        );
    }
    let marks = marks(summary, axis);
    if out.is_empty() && marks.is_empty() {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "a few rows")]
    let tall = ends.len() as f64 * ROW;
    let height = tall + if marks.is_empty() { 2.0 } else { 16.0 };
    let mut note = match hidden {
        0 => String::new(),
        more => format!("<p class=\"soft\">… and {more} more, see the timeline</p>\n"),
    };
    note += &key(&marks);
    format!(
        "<svg class=\"lanes\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"steps and faults\">\n{out}<g transform=\"translate(0 {tall})\">{marks}</g></svg>\n{note}"
    )
}

/// What the ticks mean, where there are any.
fn key(marks: &str) -> String {
    let mut out = String::new();
    for (colour, text) in [
        ("good", "the steady state came back"),
        (
            "bad",
            "a guard, a threshold, an error or a person stepped in",
        ),
    ] {
        if marks.contains(&format!("var(--{colour})")) {
            let _ = writeln!(
                out,
                "<small class=\"soft marks\"><span style=\"color:var(--{colour})\">▼</span> {text}</small>"
            );
        }
    }
    out
}

/// Ticks where a threshold, a guard or a person ended something, or an error came up.
fn marks(summary: &Summary, axis: &Axis) -> String {
    let mut out = String::new();
    for event in &summary.timeline {
        let colour = match event.kind {
            EventKind::Threshold | EventKind::Guard | EventKind::Error | EventKind::Interrupt => {
                "bad"
            }
            EventKind::Recover => "good",
            _ => continue,
        };
        let seconds = event.at.as_secs_f64();
        let x = axis.x(seconds);
        let text = escape(&event.text);
        let _ = writeln!(
            out,
            "<path d=\"M{:.1} 3h9l-4.5 8z\" style=\"fill:var(--{colour})\"><title>{seconds:.1}s: {text}</title></path>",
            x - 4.5
        );
    }
    out
}
