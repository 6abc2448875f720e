//! What was asked for and whether it held: thresholds, checks, errors.

use std::time::Duration;

use crate::base::units::show_duration;

use super::layout::{clean, columns, left, shorten};
use super::look::Tone;
use super::terminal::Page;
use super::values::{percent, show, whole};
use super::{Check, ErrorCount, Threshold};

/// Checks shown at most; those that failed come before those that did not.
const MAX_CHECKS: usize = 40;
/// Errors shown at most, and lines of one.
const MAX_ERRORS: usize = 10;
const MAX_ERROR_LINES: usize = 6;

pub(super) fn thresholds(page: &mut Page, thresholds: &[Threshold]) {
    if thresholds.is_empty() {
        return;
    }
    heading(page, "thresholds", "");
    let metrics: Vec<_> = thresholds.iter().map(|t| clean(&t.metric)).collect();
    let conditions: Vec<_> = thresholds.iter().map(|t| clean(&t.expression)).collect();
    let metric_width = widest(&metrics).min(page.room(0) / 2);
    let condition_width = widest(&conditions);
    for ((threshold, metric), condition) in thresholds.iter().zip(&metrics).zip(&conditions) {
        let metric = left(metric, metric_width);
        let condition = left(condition, condition_width);
        let text = format!("{metric}  {condition}  {}", observed(threshold));
        row(page, threshold.ok, &text);
    }
}

fn observed(threshold: &Threshold) -> String {
    let mut text = match threshold.observed {
        Some(value) if !threshold.no_data => format!("observed {}", show(value, &threshold.unit)),
        _ => return "no data".to_owned(),
    };
    let window = threshold
        .window_seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    if let Some(window) = window {
        text += &format!(" over {}", show_duration(window));
    }
    if threshold.abort_on_fail && !threshold.ok {
        text += ", which ended the run";
    }
    text
}

pub(super) fn checks(page: &mut Page, checks: &[Check]) {
    if checks.is_empty() {
        return;
    }
    let passes: u64 = checks.iter().map(|check| check.passes).sum();
    let fails: u64 = checks.iter().map(|check| check.fails).sum();
    let total = passes + fails;
    let note = format!("{} of {} passed", share(passes, total), whole(total));
    heading(page, "checks", &note);
    let shown = choose(checks);
    let names: Vec<_> = shown.iter().map(|check| full_name(check)).collect();
    let width = widest(&names).min(page.room(0) / 2);
    for (check, name) in shown.iter().zip(&names) {
        let total = check.passes + check.fails;
        let count = if check.fails == 0 {
            format!("{} passed", whole(check.passes))
        } else {
            let (fails, all) = (whole(check.fails), whole(total));
            format!(
                "{} passed, {fails} of {all} failed",
                share(check.passes, total)
            )
        };
        row(
            page,
            check.fails == 0,
            &format!("{}  {count}", left(name, width)),
        );
    }
    page.more(checks.len() - shown.len());
}

/// All checks in their order, or as many as are shown, failed ones first.
fn choose(checks: &[Check]) -> Vec<&Check> {
    let mut shown: Vec<_> = checks.iter().collect();
    if shown.len() > MAX_CHECKS {
        shown.sort_by_key(|check| check.fails == 0);
        shown.truncate(MAX_CHECKS);
    }
    shown
}

fn full_name(check: &Check) -> String {
    if check.group.is_empty() {
        return clean(&check.name);
    }
    format!("{} › {}", clean(&check.group), clean(&check.name))
}

pub(super) fn errors(page: &mut Page, errors: &[ErrorCount]) {
    if errors.is_empty() {
        return;
    }
    heading(page, "errors", "");
    for error in errors.iter().take(MAX_ERRORS) {
        let count = format!("{}× ", whole(error.count));
        let indent = 2 + columns(&count);
        let place = error.location.as_deref().unwrap_or_default();
        let mut lines = error.message.lines().map(clean).take(MAX_ERROR_LINES);
        let mut first = lines.next().unwrap_or_default();
        if !place.is_empty() && !first.starts_with(place) {
            first = format!("{}: {first}", clean(place));
        }
        let first = shorten(&first, page.room(indent));
        let count = page.look.paint(Tone::Bad, &count);
        page.line(&format!("  {count}{first}"));
        for line in lines {
            let line = shorten(&line, page.room(indent));
            page.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }
    page.more(errors.len().saturating_sub(MAX_ERRORS));
}

/// A section's title after an empty line, with a note beside it.
pub(super) fn heading(page: &mut Page, title: &str, note: &str) {
    page.blank();
    let title_width = columns(title) + 2;
    let title = page.look.paint(Tone::Strong, title);
    let note = shorten(note, page.room(title_width));
    page.line(&format!("{title}  {note}"));
}

pub(super) fn row(page: &mut Page, ok: bool, text: &str) {
    let (mark, tone) = if ok {
        ("✓", Tone::Good)
    } else {
        ("✗", Tone::Bad)
    };
    let mark = page.look.paint(tone, mark);
    let text = shorten(text, page.room(4));
    page.line(&format!("  {mark} {text}"));
}

pub(super) fn share(part: u64, total: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with four digits")]
    let value = part as f64 / total.max(1) as f64;
    percent(value)
}

pub(super) fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| columns(text)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::Look;
    use super::super::sample::sample;
    use super::super::terminal::end_summary;
    use super::*;

    #[test]
    fn of_very_many_checks_the_failed_ones_are_shown() {
        let check = |index: u64| Check {
            name: format!("c{index}"),
            group: String::new(),
            passes: 1,
            fails: u64::from(index == 99),
        };
        let mut summary = sample();
        summary.checks = (0..100).map(check).collect();
        let text = end_summary(&summary, &Look::default());
        assert!(
            text.contains("✗ c99  50% passed, 1 of 2 failed\n  ✓ c0 "),
            "{text}"
        );
        assert!(text.contains("… and 60 more"), "{text}");
    }

    #[test]
    fn an_error_of_many_lines_is_indented_and_cut() {
        let mut summary = sample();
        summary.errors[0].message = (0..50).map(|n| format!("line {n}\n")).collect();
        let text = end_summary(&summary, &Look::default());
        assert!(
            text.contains("  3× cart.lua:12: line 0\n     line 1\n"),
            "{text}"
        );
        assert!(!text.contains("line 6"), "{text}");
    }

    #[test]
    fn a_name_cannot_smuggle_in_control_codes() {
        let mut summary = sample();
        summary.checks[0].name = "a\x1b[2Jb".into();
        summary.errors[0].message = "x\x1b]0;t\x07".into();
        summary.thresholds[0].metric = "m\r".into();
        let text = end_summary(&summary, &Look::default());
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text:?}"
        );
    }
}
