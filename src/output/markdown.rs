//! `--report FILE.md`: the result as Markdown, for wikis, issues and pull requests.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::checks::share;
use super::experiments::{millis, plain};
use super::layout::clean;
use super::values::{percent, show, whole};
use super::{ExperimentSummary, FaultSummary, GamedaySummary, Observation, Summary, Values};
use crate::base::units::show_duration;

/// Renders the document.
#[must_use]
pub fn markdown(summary: &Summary) -> String {
    let seconds = Duration::try_from_secs_f64(summary.duration_seconds).unwrap_or_default();
    let mut out = format!(
        "# {}: {}\n\n{} · {} · seed {}{} · exit code {}\n",
        text(&summary.script),
        summary.verdict.word(),
        summary.started,
        show_duration(seconds),
        summary.seed,
        summary
            .rehearsal()
            .map_or_else(String::new, |text| format!(" · {text}")),
        summary.exit_code
    );
    if !summary.reasons.is_empty() {
        out.push('\n');
    }
    for reason in &summary.reasons {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "- {}", text(reason));
    }
    for one in &summary.experiments {
        experiment(&mut out, one);
    }
    for one in &summary.gamedays {
        gameday(&mut out, one);
    }
    faults(&mut out, &summary.faults);
    thresholds(&mut out, summary);
    checks(&mut out, summary);
    metrics(&mut out, summary);
    timeline(&mut out, summary);
    out
}

/// Text that cannot end a table's cell or become markup.
fn text(raw: &str) -> String {
    let mut out = String::new();
    for c in clean(raw).chars() {
        if matches!(
            c,
            '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn mark(ok: bool) -> &'static str {
    if ok { "✓" } else { "✗" }
}

/// A table's head: its title, its columns.
fn table(out: &mut String, title: &str, columns: &[&str]) {
    let rule = "|---".repeat(columns.len());
    let _ = write!(
        out,
        "\n## {title}\n\n| {} |\n{rule}|\n",
        columns.join(" | ")
    );
}

fn row(out: &mut String, cells: &[String]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn experiment(out: &mut String, one: &ExperimentSummary) {
    let verdict = one.verdict.word();
    let _ = write!(out, "\n## Experiment: {} ({verdict})\n\n", text(&one.name));
    for reason in &one.reasons {
        let _ = writeln!(out, "- {}", text(reason));
    }
    let state = &one.steady_state;
    for (when, seen) in [
        ("before", &state.before),
        ("during", &state.during),
        ("after", &state.after),
    ] {
        if let Some(seen) = seen {
            let _ = writeln!(out, "- steady state {when}: {}", observed(seen));
        }
    }
    for (what, time) in [
        ("time to detect", one.time_to_detect_ms),
        ("time to recover", one.time_to_recover_ms),
    ] {
        if let Some(time) = time {
            let _ = writeln!(out, "- {what}: {}", millis(time));
        }
    }
    for spent in &one.error_budget {
        let _ = writeln!(
            out,
            "- {} cost {} of {} requests ({})",
            text(&spent.fault),
            whole(spent.failed),
            whole(spent.requests),
            text(&percent(spent.share))
        );
    }
    for step in &one.steps {
        let error = step
            .error
            .as_deref()
            .map(|error| format!(": {}", text(error)));
        let _ = writeln!(
            out,
            "- {} step {}, {} after {}{}",
            mark(step.ok),
            text(&step.name),
            millis(step.duration_ms),
            millis(step.at_ms),
            error.unwrap_or_default()
        );
    }
}

fn observed(seen: &Observation) -> String {
    let word = if seen.ok { "held" } else { "broken" };
    let failed = seen.probes.iter().filter(|probe| !probe.ok);
    let failed: Vec<_> = failed
        .map(|probe| match (&probe.error, &probe.value) {
            (Some(error), _) => format!("{}: {}", text(&probe.name), text(error)),
            (None, Some(value)) => format!("{}: {}", text(&probe.name), text(&plain(value))),
            (None, None) => text(&probe.name),
        })
        .collect();
    let failed = match failed.len() {
        0 => String::new(),
        _ => format!(" ({})", failed.join("; ")),
    };
    format!("{word} in {} checks{failed}", whole(seen.checked))
}

fn gameday(out: &mut String, one: &GamedaySummary) {
    let verdict = one.verdict.word();
    let _ = write!(out, "\n## Gameday: {} ({verdict})\n\n", text(&one.name));
    for phase in &one.phases {
        let _ = writeln!(
            out,
            "- {} {}: {} after {}",
            mark(phase.ok),
            text(&phase.name),
            millis(phase.duration_ms),
            millis(phase.at_ms)
        );
    }
    let shown =
        |value: &Option<Value>| value.as_ref().map_or("–".to_owned(), |v| text(&plain(v)));
    if !one.scores.is_empty() {
        out.push_str("\n|  | score | value | target |\n|---|---|---|---|\n");
    }
    for score in &one.scores {
        let mark = score.ok.map_or("", mark).to_owned();
        row(
            out,
            &[
                mark,
                text(&score.name),
                shown(&score.value),
                shown(&score.target),
            ],
        );
    }
    if !one.entries.is_empty() {
        out.push_str("\n| at | phase |  | what | answer | by |\n|---|---|---|---|---|---|\n");
    }
    for entry in &one.entries {
        row(
            out,
            &[
                millis(entry.at_ms),
                text(&entry.phase),
                entry.kind.word().to_owned(),
                text(&entry.prompt),
                text(entry.answer.as_deref().unwrap_or_default()),
                text(&entry.by),
            ],
        );
    }
    if !one.actions.is_empty() {
        out.push('\n');
    }
    for action in &one.actions {
        let owner = action
            .owner
            .as_deref()
            .map(|owner| format!(" ({})", text(owner)));
        let _ = writeln!(
            out,
            "- [ ] {}{}",
            text(&action.text),
            owner.unwrap_or_default()
        );
    }
}

fn faults(out: &mut String, faults: &[FaultSummary]) {
    if faults.is_empty() {
        return;
    }
    let columns = [
        "", "fault", "kind", "target", "tier", "injected", "healed", "verified", "outcome",
    ];
    table(out, "Faults", &columns);
    for one in faults {
        let at = |time: Option<u64>| time.map_or_else(|| "–".to_owned(), millis);
        let mut outcome = text(&one.outcome.words());
        if one.injected_at_ms.is_some() && one.healed_at_ms.is_none() {
            outcome += &format!(": {}", text(&one.undo));
        }
        row(
            out,
            &[
                mark(one.outcome.is_good()).to_owned(),
                text(&one.name),
                text(&one.kind),
                text(&one.target),
                one.tier.word().to_owned(),
                at(one.injected_at_ms),
                at(one.healed_at_ms),
                if one.verified { "yes" } else { "no" }.to_owned(),
                outcome,
            ],
        );
    }
}

fn thresholds(out: &mut String, summary: &Summary) {
    if summary.thresholds.is_empty() {
        return;
    }
    table(out, "Thresholds", &["", "metric", "threshold", "observed"]);
    for one in &summary.thresholds {
        let observed = match one.observed {
            Some(value) if !one.no_data => show(value, &one.unit),
            _ => "no data".to_owned(),
        };
        let mark = mark(one.ok).to_owned();
        row(
            out,
            &[
                mark,
                text(&one.metric),
                text(&one.expression),
                text(&observed),
            ],
        );
    }
}

fn checks(out: &mut String, summary: &Summary) {
    if summary.checks.is_empty() {
        return;
    }
    table(out, "Checks", &["", "check", "passed", "failed", "share"]);
    for one in &summary.checks {
        let share = share(one.passes, one.passes + one.fails);
        row(
            out,
            &[
                mark(one.fails == 0).to_owned(),
                text(&one.name),
                whole(one.passes),
                whole(one.fails),
                text(&share),
            ],
        );
    }
}

fn metrics(out: &mut String, summary: &Summary) {
    if summary.metrics.is_empty() {
        return;
    }
    table(out, "Metrics", &["metric", "value", "p95", "p99", "max"]);
    for metric in &summary.metrics {
        let shown = |value: f64| text(&show(value, &metric.unit));
        let mut cells = vec![text(&metric.name)];
        match &metric.values {
            Values::Trend(trend) => {
                cells.extend([trend.med, trend.p95, trend.p99, trend.max].map(shown));
            }
            Values::Counter { count, .. } => cells.push(shown(*count)),
            Values::Gauge { value, max, .. } => {
                cells.extend([shown(*value), String::new(), String::new(), shown(*max)]);
            }
            Values::Rate { rate, .. } => cells.push(text(&percent(*rate))),
        }
        cells.resize(5, String::new());
        row(out, &cells);
    }
    out.push_str("\nThe value of a distribution is its median.\n");
}

fn timeline(out: &mut String, summary: &Summary) {
    if summary.timeline.is_empty() {
        return;
    }
    table(out, "Timeline", &["at", "", "what"]);
    for event in &summary.timeline {
        let at = format!("{}.{:03}s", event.at.as_secs(), event.at.subsec_millis());
        row(out, &[at, event.kind.word().to_owned(), text(&event.text)]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::chaos;
    use super::*;

    #[test]
    fn the_document_has_everything_and_no_text_breaks_a_table() {
        let mut summary = chaos();
        summary.checks[0].name = "a | b\n`c`".into();
        let page = markdown(&summary);
        for part in [
            "# cart.lua: failed\n",
            "## Experiment: checkout survives a cache partition (failed)",
            "- steady state during: broken in 12 checks (api healthy: 503)",
            "- time to recover: 4.3s",
            "| ✗ | time to page | 4m30s | 2m |",
            "| 700ms | lose the cache | confirm | everybody there? | yes | answers |",
            "- [ ] page on cache loss (mia)",
            "| ✗ | pause | docker.pause | api | journal | 1s | – | no | unhealed: docker unpause api |",
            "| ✓ | a \\| b\\`c\\` | 1,000 | 0 | 100% |",
            "| http\\_req\\_duration | 1ms | 3.2ms | 5ms | 12s |",
        ] {
            assert!(page.contains(part), "no {part}\n{page}");
        }
    }
}
