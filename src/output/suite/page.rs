//! The result of several scripts, as a terminal shows it.

use std::time::Duration;

use super::SuiteSummary;
use super::targets::shown;
use crate::base::units::{millis, show_duration};
use crate::output::layout::clean;
use crate::output::look::{Look, Tone};
use crate::output::{FileResult, Verdict};

/// Renders the end of a run of several scripts.
#[must_use]
pub fn suite_page(summary: &SuiteSummary, look: &Look) -> String {
    let mut out = String::from("\n");
    let (mark, tone) = mark(Some(summary.verdict));
    let word = look.paint(tone, &format!("{mark} {}", summary.verdict.word()));
    let mut facts = vec![clean(&summary.folder), seconds(summary.duration_seconds)];
    facts.extend(summary.environment.iter().map(|name| clean(name)));
    facts.push(format!("seed {}", summary.seed));
    facts.extend(super::super::summary::rehearsal(summary.time_scale));
    if summary.exit_code != 0 {
        facts.push(format!("exit code {}", summary.exit_code));
    }
    out += &format!("{word}  {}\n", facts.join(" · "));
    for reason in &summary.reasons {
        out += &format!("  {}\n", clean(reason));
    }
    files(&mut out, summary, look);
    if !summary.targets.is_empty() {
        out += "\ntargets\n";
    }
    for target in &summary.targets {
        let (mark, tone) = if target.ok {
            ("✓", Tone::Good)
        } else {
            ("✗", Tone::Bad)
        };
        let measured = target.measured.as_deref().unwrap_or("not measured");
        let mark = look.paint(tone, mark);
        out += &format!(
            "  {mark} {:<14} {measured}, wanted {}\n",
            target.name, target.wanted
        );
    }
    for (what, times) in [("detect", summary.detect), ("recover", summary.recover)] {
        if let Some(times) = times {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are few")]
            let (min, max) = (shown(times.min_ms as f64), shown(times.max_ms as f64));
            let mean = shown(times.mean_ms);
            out += &format!(
                "\ntime to {what}: mean {mean}, min {min}, max {max} over {}\n",
                times.count
            );
        }
    }
    if !summary.recommendations.is_empty() {
        out += "\nrecommendations\n";
    }
    for text in &summary.recommendations {
        out += &format!("  - {}\n", clean(text));
    }
    out
}

fn files(out: &mut String, summary: &SuiteSummary, look: &Look) {
    let width = summary.files.iter().map(|file| file.id.chars().count());
    let width = width.max().unwrap_or_default();
    let mut suite = "";
    for file in &summary.files {
        if file.suite != suite {
            suite = &file.suite;
            *out += &format!("\n{}\n", clean(suite));
        }
        *out += &line(file, width, look);
        for reason in file.reasons.iter().take(3) {
            *out += &format!("      {}\n", clean(reason));
        }
    }
}

fn line(file: &FileResult, width: usize, look: &Look) -> String {
    let (mark, tone) = mark(file.verdict);
    let mut after = Vec::new();
    if file.verdict.is_some() {
        after.push(seconds(file.duration_seconds));
    }
    match file.verdict {
        Some(Verdict::Passed) => {}
        Some(verdict) => after.push(verdict.word().to_owned()),
        None => after.push("not run".to_owned()),
    }
    format!(
        "  {} {:<width$}  {}  {}\n",
        look.paint(tone, mark),
        clean(&file.id),
        clean(&file.title),
        after.join(" · ")
    )
}

fn mark(verdict: Option<Verdict>) -> (&'static str, Tone) {
    match verdict {
        Some(Verdict::Passed) => ("✓", Tone::Good),
        Some(Verdict::Aborted) => ("!", Tone::Warn),
        Some(Verdict::Failed | Verdict::Error) => ("✗", Tone::Bad),
        None => ("-", Tone::Warn),
    }
}

fn seconds(time: f64) -> String {
    let time = Duration::try_from_secs_f64(time).unwrap_or_default();
    let whole = if time > Duration::from_secs(10) {
        Duration::from_secs(time.as_secs())
    } else {
        Duration::from_millis(millis(time))
    };
    show_duration(whole)
}
