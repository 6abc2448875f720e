//! The history as a terminal shows it.

use super::{KeptRun, Trend, TrendUnit};
use crate::base::units::show_duration;
use crate::output::Verdict;
use crate::output::layout::clean;
use crate::output::look::{Look, Tone};
use crate::output::values::percent;

/// Renders runs, oldest first, and the figures that turned.
#[must_use]
pub fn history_page(folder: &str, runs: &[KeptRun], trends: &[Trend], look: &Look) -> String {
    let mut out = format!("{}: {} runs\n", clean(folder), runs.len());
    let whole = |figure: &str| {
        trends
            .iter()
            .find(|trend| trend.of.is_empty() && trend.figure == figure)
    };
    for (index, run) in runs.iter().enumerate() {
        out += &line(index, run, &whole, look);
    }
    let turned: Vec<String> = trends
        .iter()
        .filter_map(|trend| told(trend, runs))
        .collect();
    if !turned.is_empty() {
        out += "\nturned\n";
    }
    for text in turned {
        out += &format!("  {text}\n");
    }
    out
}

fn line<'a>(
    index: usize,
    run: &KeptRun,
    whole: &dyn Fn(&str) -> Option<&'a Trend>,
    look: &Look,
) -> String {
    let summary = &run.summary;
    let (mark, tone) = match summary.verdict {
        Verdict::Passed => ("✓", Tone::Good),
        Verdict::Aborted => ("!", Tone::Warn),
        Verdict::Failed | Verdict::Error => ("✗", Tone::Bad),
    };
    let passed = summary
        .files
        .iter()
        .filter(|file| file.exit_code == Some(0));
    let mut facts = vec![format!(
        "{} of {} passed",
        passed.count(),
        summary.files.len()
    )];
    for figure in ["errors", "p95", "time to recover"] {
        let value = whole(figure).and_then(|trend| {
            let value = trend.values.get(index).copied().flatten()?;
            Some(format!("{figure} {}", shown(value, trend.unit)))
        });
        facts.extend(value);
    }
    facts.extend(summary.environment.as_ref().map(|name| clean(name)));
    facts.extend(super::super::summary::rehearsal(summary.time_scale));
    format!(
        "  {} {}  {}\n",
        look.paint(tone, mark),
        clean(&run.name),
        facts.join(" · ")
    )
}

/// A figure that turned, in words; `None` if it did not.
pub(super) fn told(trend: &Trend, runs: &[KeptRun]) -> Option<String> {
    let turn = trend.turn?;
    let run = runs.get(turn.at)?;
    let of = match trend.of.as_str() {
        "" => String::new(),
        id => format!(" of {}", clean(id)),
    };
    Some(format!(
        "{}{of}: {} before, {} since {}",
        trend.figure,
        shown(turn.before, trend.unit),
        shown(turn.after, trend.unit),
        clean(&run.name)
    ))
}

/// A value as people read it.
pub(super) fn shown(value: f64, unit: TrendUnit) -> String {
    match unit {
        TrendUnit::Share => percent(value),
        TrendUnit::Time => {
            let time = std::time::Duration::try_from_secs_f64((value / 1e3).max(0.0));
            let whole = crate::base::units::millis(time.unwrap_or_default());
            show_duration(std::time::Duration::from_millis(whole))
        }
    }
}
