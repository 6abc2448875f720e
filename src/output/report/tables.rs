//! What was measured and asked for: thresholds, checks, errors, metrics, scenarios, the timeline.

use super::html::{Table, escape, mark, panel, section};
use crate::output::checks::share;
use crate::output::values::{percent, show, whole};
use crate::output::{Metric, Summary, Values};

pub(super) fn thresholds(summary: &Summary) -> String {
    if summary.thresholds.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["", "metric", "threshold", "#observed"]);
    for one in &summary.thresholds {
        let observed = match one.observed {
            Some(value) if !one.no_data => show(value, &one.unit),
            _ => "no data".to_owned(),
        };
        let window = one
            .window_seconds
            .map_or_else(String::new, |window| format!(" over {window}s"));
        table.named_row(
            &one.metric,
            &[
                mark(one.ok).to_owned(),
                escape(&one.metric),
                escape(&format!("{}{window}", one.expression)),
                escape(&observed),
            ],
        );
    }
    section("thresholds", "Thresholds", &panel(&table.html()))
}

pub(super) fn checks(summary: &Summary) -> String {
    if summary.checks.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["", "check", "#passed", "#failed", "#", ""]);
    for one in &summary.checks {
        let name = if one.group.is_empty() {
            one.name.clone()
        } else {
            format!("{} › {}", one.group, one.name)
        };
        let of = one.passes + one.fails;
        #[expect(clippy::cast_precision_loss, reason = "drawn with 90 steps")]
        let width = one.passes as f64 / of.max(1) as f64 * 100.0;
        table.named_row(
            &one.name,
            &[
                mark(one.fails == 0).to_owned(),
                escape(&name),
                whole(one.passes),
                whole(one.fails),
                escape(&share(one.passes, of)),
                format!("<span class=\"share\"><i style=\"width:{width:.1}%\"></i></span>"),
            ],
        );
    }
    section("checks", "Checks", &panel(&table.html()))
}

pub(super) fn errors(summary: &Summary) -> String {
    if summary.errors.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["#times", "error", "where"]);
    for one in &summary.errors {
        table.row(&[
            whole(one.count),
            format!("<span class=\"mono\">{}</span>", escape(&one.message)),
            escape(one.location.as_deref().unwrap_or_default()),
        ]);
    }
    section("errors", "Errors", &panel(&table.html()))
}

pub(super) fn metrics(summary: &Summary) -> String {
    let mut out = trends(&summary.metrics);
    out.push_str(&others(&summary.metrics));
    section("metrics", "Metrics", &out)
}

fn trends(metrics: &[Metric]) -> String {
    let mut table = Table::new(&[
        "distribution",
        "#count",
        "#avg",
        "#min",
        "#median",
        "#p90",
        "#p95",
        "#p99",
        "#max",
    ]);
    let mut any = false;
    for metric in metrics {
        let Values::Trend(trend) = &metric.values else {
            continue;
        };
        any = true;
        let numbers = [
            trend.avg, trend.min, trend.med, trend.p90, trend.p95, trend.p99, trend.max,
        ];
        let mut cells = vec![escape(&metric.name), whole(trend.count)];
        cells.extend(numbers.map(|value| escape(&show(value, &metric.unit))));
        table.named_row(&metric.name, &cells);
    }
    if any {
        panel(&table.html())
    } else {
        String::new()
    }
}

fn others(metrics: &[Metric]) -> String {
    let mut table = Table::new(&["metric", "#", "details"]);
    let mut any = false;
    for metric in metrics {
        let shown = |value: f64| show(value, &metric.unit);
        let (value, details) = match &metric.values {
            Values::Trend(_) => continue,
            Values::Counter { count, per_second } => {
                (shown(*count), format!("{}/s", shown(*per_second)))
            }
            Values::Gauge { value, min, max } => (
                shown(*value),
                format!("least {}, most {}", shown(*min), shown(*max)),
            ),
            Values::Rate {
                rate,
                passes,
                fails,
            } => (
                percent(*rate),
                format!("{} of {}", whole(*passes), whole(passes + fails)),
            ),
        };
        any = true;
        let cells = [escape(&metric.name), escape(&value), escape(&details)];
        table.named_row(&metric.name, &cells);
    }
    if any {
        panel(&table.html())
    } else {
        String::new()
    }
}

pub(super) fn scenarios(summary: &Summary) -> String {
    if summary.scenarios.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "scenario",
        "executor",
        "profile",
        "#iterations",
        "#dropped",
        "#interrupted",
    ]);
    for one in &summary.scenarios {
        table.named_row(
            &one.name,
            &[
                escape(&one.name),
                escape(&one.executor),
                escape(&one.description),
                whole(one.iterations),
                whole(one.dropped),
                whole(one.interrupted),
            ],
        );
    }
    section("scenarios", "Scenarios", &panel(&table.html()))
}

pub(super) fn timeline(summary: &Summary) -> String {
    if summary.timeline.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["#at", "what", ""]);
    for event in &summary.timeline {
        table.row(&[
            format!("{}.{:03}s", event.at.as_secs(), event.at.subsec_millis()),
            event.kind.word().to_owned(),
            escape(&event.text),
        ]);
    }
    section("timeline", "Timeline", &panel(&table.html()))
}
