//! Metrics by subject: distributions as a table, the others as a line.

use super::checks::heading;
use super::layout::{clean, columns, left, right, shorten};
use super::look::Tone;
use super::terminal::Page;
use super::values::{percent, show, whole};
use super::{Metric, ScenarioSummary, Summary, Trend, Unit, Values};

/// Metrics shown at most in one section.
const MAX_ROWS: usize = 60;

/// A column of the table of distributions.
type Column = (&'static str, fn(&Trend) -> f64);

const COLUMNS: [Column; 7] = [
    ("avg", |t| t.avg),
    ("min", |t| t.min),
    ("med", |t| t.med),
    ("p90", |t| t.p90),
    ("p95", |t| t.p95),
    ("p99", |t| t.p99),
    ("max", |t| t.max),
];

/// Columns given up, in this order, where a terminal is narrow.
const DISPENSABLE: [&str; 6] = ["min", "p90", "p99", "avg", "max", "med"];

const SECTIONS: [&str; 4] = ["http", "execution", "network", "custom"];

/// The phases of a request, which only a closer look asks for.
const PHASES: [&str; 7] = [
    "http_req_blocked",
    "http_req_dns",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
];

const EXECUTION: [&str; 11] = [
    "iteration_duration",
    "iteration_lag",
    "iteration_errors",
    "iterations",
    "dropped_iterations",
    "interrupted_iterations",
    "vus",
    "vus_max",
    "group_duration",
    "worker_stall",
    "faults_active",
];

/// Which section a metric belongs to; `None` for what is shown elsewhere or not at all.
fn section(metric: &Metric, details: bool) -> Option<&'static str> {
    let (base, part) = split(&metric.name);
    match base {
        // The checks have a section of their own; a part of them is something else.
        "checks" if part.is_empty() => None,
        "checks" => Some("execution"),
        "data_sent" | "data_received" => Some("network"),
        phase if PHASES.contains(&phase) && !details => None,
        other if other.starts_with("http_") => Some("http"),
        other if EXECUTION.contains(&other) => Some("execution"),
        _ => Some("custom"),
    }
}

/// `name{selector}` in two; the selector keeps its braces.
fn split(name: &str) -> (&str, &str) {
    name.find('{').map_or((name, ""), |at| name.split_at(at))
}

/// Renders all sections that have something to show, columns aligned across them.
pub(super) fn sections(page: &mut Page, summary: &Summary) {
    let details = page.look.details;
    let mut rows: Vec<Row> = summary
        .metrics
        .iter()
        .filter_map(|metric| Some(Row::new(section(metric, details)?, metric)))
        .collect();
    // A table first and its parts below it, by name: the same run reads the same twice.
    rows.sort_by(|a, b| a.order().cmp(&b.order()));
    let table = Table::fit(&rows, page.room(0));
    for title in SECTIONS {
        let members: Vec<_> = rows.iter().filter(|row| row.section == title).collect();
        let scenarios: &[ScenarioSummary] = match title {
            "execution" => &summary.scenarios,
            _ => &[],
        };
        if members.is_empty() && scenarios.is_empty() {
            continue;
        }
        let trends = members.iter().any(|row| !row.cells.is_empty());
        table.heading(page, title, trends);
        for row in members.iter().take(MAX_ROWS) {
            table.row(page, row);
        }
        page.more(members.len().saturating_sub(MAX_ROWS));
        for scenario in scenarios {
            scenario_line(page, scenario);
        }
    }
}

fn scenario_line(page: &mut Page, scenario: &ScenarioSummary) {
    let mut text = format!(
        "  {}: {} iterations",
        clean(&scenario.name),
        whole(scenario.iterations)
    );
    for (count, word) in [
        (scenario.dropped, "dropped"),
        (scenario.interrupted, "interrupted"),
    ] {
        if count > 0 {
            text += &format!(", {} {word}", whole(count));
        }
    }
    let (executor, description) = (&scenario.executor, clean(&scenario.description));
    text += &format!(" ({executor}, {description})");
    let text = shorten(&text, page.room(0));
    page.line(&text);
}

struct Row<'a> {
    section: &'static str,
    metric: &'a Metric,
    label: String,
    /// The cells of a distribution, as many as there are columns; empty for other metrics.
    cells: Vec<String>,
    /// The main number of another metric, and what is said beside it.
    value: String,
    note: String,
}

impl<'a> Row<'a> {
    fn new(section: &'static str, metric: &'a Metric) -> Self {
        let (base, part) = split(&metric.name);
        let label = if part.is_empty() {
            format!("  {}", clean(base))
        } else if base == "checks" {
            // Its whole is shown elsewhere.
            format!("  {}", clean(&metric.name))
        } else {
            format!("    {}", clean(part))
        };
        let mut row = Self {
            section,
            metric,
            label,
            cells: Vec::new(),
            value: String::new(),
            note: String::new(),
        };
        let unit = &metric.unit;
        match &metric.values {
            Values::Trend(trend) => {
                let cells = COLUMNS.iter().map(|(_, get)| show(get(trend), unit));
                row.cells = cells.collect();
            }
            Values::Counter { count, per_second } => {
                row.value = show(*count, unit);
                row.note = format!("{}/s", show(*per_second, unit));
            }
            Values::Gauge { value, min, max } => {
                row.value = show(*value, unit);
                row.note = format!("min {}, max {}", show(*min, unit), show(*max, unit));
            }
            Values::Rate {
                rate,
                passes,
                fails,
            } => {
                row.value = percent(*rate);
                row.note = format!("{} of {}", whole(*passes), whole(passes + fails));
            }
        }
        if let (Values::Counter { per_second, .. }, Unit::Other(word)) = (&metric.values, unit) {
            row.note = format!("{} {word}/s", show(*per_second, &Unit::Plain));
        }
        row
    }

    fn order(&self) -> (bool, &str, &str) {
        let (base, part) = split(&self.metric.name);
        (self.cells.is_empty(), base, part)
    }
}

/// The shape that all sections share.
struct Table {
    label: usize,
    /// Index and width of the columns that fit.
    columns: Vec<(usize, usize)>,
    value: usize,
}

impl Table {
    fn fit(rows: &[Row], room: usize) -> Self {
        let mut kept: Vec<(usize, usize)> = COLUMNS
            .iter()
            .enumerate()
            .map(|(index, (title, _))| {
                let cells = rows.iter().filter_map(|row| row.cells.get(index));
                let widest = cells.map(|cell| columns(cell)).max().unwrap_or(0);
                (index, widest.max(columns(title)).max(5))
            })
            .collect();
        let labels = rows.iter().map(|row| columns(&row.label));
        let mut label = labels.max().unwrap_or(0).max(12);
        let needed = |kept: &[(usize, usize)]| kept.iter().map(|(_, width)| width + 2).sum();
        for title in DISPENSABLE {
            let cells: usize = needed(&kept);
            if label.saturating_add(cells) <= room {
                break;
            }
            kept.retain(|(index, _)| COLUMNS[*index].0 != title);
        }
        let cells: usize = needed(&kept);
        label = label.min(room.saturating_sub(cells));
        let values = rows.iter().map(|row| columns(&row.value));
        // A gap before it, and at least the width of a column, so that both kinds of row line up.
        let value = (values.max().unwrap_or(0) + 2).max(7);
        Self {
            label,
            columns: kept,
            value,
        }
    }

    fn heading(&self, page: &mut Page, title: &str, trends: bool) {
        if !trends {
            heading(page, title, "");
            return;
        }
        page.blank();
        let titles: String = self
            .columns
            .iter()
            .map(|(index, width)| format!("  {}", right(COLUMNS[*index].0, *width)))
            .collect();
        let title = shorten(title, self.label);
        let pad = " ".repeat(self.label - columns(&title));
        let title = page.look.paint(Tone::Strong, &title);
        let titles = page.look.paint(Tone::Faint, &titles);
        page.line(&format!("{title}{pad}{titles}"));
    }

    fn row(&self, page: &mut Page, row: &Row) {
        let label = left(&row.label, self.label);
        if row.cells.is_empty() {
            let value = right(&row.value, self.value);
            let used = self.label + self.value + 2;
            let note = shorten(&row.note, page.room(used));
            let note = page.look.paint(Tone::Faint, &note);
            let text = format!("{label}{value}  {note}");
            let fits = page.room(0) >= self.label + self.value;
            let narrow = || shorten(&format!("{label}{value}"), page.room(0));
            let text = if fits { text } else { narrow() };
            page.line(&text);
            return;
        }
        let cells: String = self
            .columns
            .iter()
            .map(|(index, width)| format!("  {}", right(&row.cells[*index], *width)))
            .collect();
        page.line(&format!("{label}{cells}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Look;
    use super::super::sample::{sample, trend};
    use super::super::terminal::end_summary;

    #[test]
    fn phases_are_shown_on_demand() {
        let mut summary = sample();
        summary.metrics.push(trend("http_req_waiting"));
        let plain = end_summary(&summary, &Look::default());
        assert!(!plain.contains("http_req_waiting"));
        let details = Look {
            details: true,
            ..Look::default()
        };
        assert!(end_summary(&summary, &details).contains("  http_req_waiting "));
    }

    #[test]
    fn a_narrow_terminal_keeps_the_p95() {
        let look = Look {
            width: Some(50),
            ..Look::default()
        };
        let text = end_summary(&sample(), &look);
        let header = text.lines().find(|line| line.starts_with("http ")).unwrap();
        assert!(header.contains("p95") && !header.contains("min"), "{text}");
    }
}
