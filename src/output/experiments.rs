//! What was done on purpose and what came of it: experiments, faults, gamedays.

use std::time::Duration;

use serde_json::Value;

use crate::base::units::show_duration;

use super::checks::{heading, row, widest};
use super::layout::{clean, left, shorten};
use super::look::Tone;
use super::terminal::Page;
use super::values::{percent, show, whole};
use super::{
    ExperimentSummary, FaultOutcome, FaultSummary, GamedaySummary, Observation, Summary, Verdict,
};

/// Faults shown at most; those that did not go well come before those that did.
const MAX_FAULTS: usize = 40;

/// Renders what there is of the three.
pub(super) fn sections(page: &mut Page, summary: &Summary) {
    experiments(page, &summary.experiments);
    faults(page, &summary.faults);
    gamedays(page, &summary.gamedays);
}

fn experiments(page: &mut Page, experiments: &[ExperimentSummary]) {
    if experiments.is_empty() {
        return;
    }
    heading(page, "experiments", "");
    for one in experiments {
        let word = match one.verdict {
            Verdict::Passed => String::new(),
            other => format!("  {}", other.word()),
        };
        let text = format!("{}{word}", clean(&one.name));
        row(page, one.verdict == Verdict::Passed, &text);
        for reason in &one.reasons {
            below(page, &clean(reason));
        }
        if let Some(text) = steady_state(one) {
            below(page, &text);
        }
        if let Some(text) = times(one) {
            below(page, &text);
        }
        for spent in &one.error_budget {
            let (failed, of) = (whole(spent.failed), whole(spent.requests));
            let (fault, share) = (clean(&spent.fault), percent(spent.share));
            below(
                page,
                &format!("{fault} cost {failed} of {of} requests ({share})"),
            );
        }
        for around in &one.load {
            let number = |value: Option<f64>| {
                value.map_or_else(|| "–".to_owned(), |value| show(value, &around.unit))
            };
            below(
                page,
                &format!(
                    "{} with {}: {} → {} → {}",
                    clean(&around.metric),
                    clean(&around.fault),
                    number(around.before),
                    number(around.during),
                    number(around.after)
                ),
            );
        }
        for step in one.steps.iter().filter(|step| !step.ok) {
            let error = step.error.as_deref().unwrap_or("did not go through");
            below(
                page,
                &format!("step {}: {}", clean(&step.name), clean(error)),
            );
        }
    }
}

fn steady_state(one: &ExperimentSummary) -> Option<String> {
    let state = &one.steady_state;
    let parts = [
        ("before", &state.before),
        ("during", &state.during),
        ("after", &state.after),
    ];
    let words = |(when, seen): (&str, &Option<Observation>)| {
        let seen = seen.as_ref()?;
        Some(match (seen.ok, seen.breaches) {
            (true, 0) => format!("held {when}"),
            (true, breaches) => format!("held {when} ({} tolerated)", whole(breaches)),
            (false, _) => format!("broken {when}{}", broken(seen)),
        })
    };
    let parts: Vec<_> = parts.into_iter().filter_map(words).collect();
    (!parts.is_empty()).then(|| format!("steady state {}", parts.join(", ")))
}

/// Which probe broke it, and what it saw.
fn broken(seen: &Observation) -> String {
    let Some(probe) = seen.probes.iter().find(|probe| !probe.ok) else {
        return String::new();
    };
    let mut text = format!(": {}", clean(&probe.name));
    if let Some(error) = &probe.error {
        text += &format!(", {}", clean(error));
    } else if let Some(value) = &probe.value {
        text += &format!(" was {}", plain(value));
    }
    text
}

fn times(one: &ExperimentSummary) -> Option<String> {
    let times = [
        ("detected after", one.time_to_detect_ms),
        ("recovered after", one.time_to_recover_ms),
    ];
    let words =
        |(word, time): (&str, Option<u64>)| time.map(|time| format!("{word} {}", millis(time)));
    let times: Vec<_> = times.into_iter().filter_map(words).collect();
    (!times.is_empty()).then(|| times.join(", "))
}

fn faults(page: &mut Page, faults: &[FaultSummary]) {
    if faults.is_empty() {
        return;
    }
    let healed = faults.iter().filter(|one| one.outcome.is_good()).count();
    let note = format!("{healed} of {} as they should", faults.len());
    heading(page, "faults", &note);
    let mut shown: Vec<_> = faults.iter().collect();
    if shown.len() > MAX_FAULTS {
        shown.sort_by_key(|one| one.outcome.is_good());
        shown.truncate(MAX_FAULTS);
    }
    let names: Vec<_> = shown.iter().map(|one| clean(&one.name)).collect();
    let width = widest(&names).min(page.room(0) / 3);
    for (one, name) in shown.iter().zip(&names) {
        let target = format!("{} on {}", clean(&one.kind), clean(&one.target));
        let text = format!("{}  {target}  {}", left(name, width), fate(one));
        row(page, one.outcome.is_good(), &text);
        if !one.outcome.is_good() && !one.detail.is_empty() {
            below(page, &clean(&one.detail));
        }
        if one.outcome == FaultOutcome::Unhealed && !one.undo.is_empty() {
            below(page, &format!("to mend it: {}", clean(&one.undo)));
        }
    }
    page.more(faults.len() - shown.len());
}

/// What became of a fault, how long it was in force, and how it was held.
fn fate(one: &FaultSummary) -> String {
    let mut text = one.outcome.words();
    if let (Some(from), Some(to)) = (one.injected_at_ms, one.healed_at_ms) {
        text += &format!(" after {}", millis(to.saturating_sub(from)));
    }
    if one.injected_at_ms.is_some() {
        text += if one.verified {
            ", verified"
        } else {
            ", not verified"
        };
    }
    format!("{text} ({})", one.tier.word())
}

fn gamedays(page: &mut Page, gamedays: &[GamedaySummary]) {
    if gamedays.is_empty() {
        return;
    }
    heading(page, "gamedays", "");
    for one in gamedays {
        let passed = one.verdict == Verdict::Passed;
        let count = |many: usize, word: &str| match many {
            1 => format!("1 {word}"),
            _ => format!("{many} {word}s"),
        };
        let text = format!(
            "{}  {}, {}",
            clean(&one.name),
            count(one.phases.len(), "phase"),
            if passed {
                count(one.actions.len(), "action")
            } else {
                one.verdict.word().to_owned()
            }
        );
        row(page, passed, &text);
        for score in &one.scores {
            let value = score.value.as_ref().map_or_else(|| "–".to_owned(), plain);
            let mark = match score.ok {
                Some(true) => "✓ ",
                Some(false) => "✗ ",
                None => "",
            };
            let target = score.target.as_ref();
            let target =
                target.map_or_else(String::new, |target| format!(", target {}", plain(target)));
            below(
                page,
                &format!("{mark}{}: {value}{target}", clean(&score.name)),
            );
        }
        for action in &one.actions {
            let owner = action.owner.as_deref().map(clean);
            let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
            below(page, &format!("to do: {}{owner}", clean(&action.text)));
        }
    }
}

/// A line that belongs to the row above it.
fn below(page: &mut Page, text: &str) {
    let text = shorten(text, page.room(6));
    let text = page.look.paint(Tone::Faint, &text);
    page.line(&format!("      {text}"));
}

/// A value as people read it: texts without quotes.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}

/// Milliseconds as a duration.
pub(super) fn millis(value: u64) -> String {
    show_duration(Duration::from_millis(value))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{chaos, sample};
    use super::super::terminal::end_summary;
    use super::super::{Look, Summary};

    const EXPECTED: &str = "\
experiments
  ✗ checkout survives a cache partition  failed
      probe \"api healthy\" broke during the experiment
      steady state held before, broken during: api healthy was 503, held after
      detected after 1.2s, recovered after 4.3s
      cut cost 42 of 1,000 requests (4.2%)
      http_req_duration p(95) with cut: 3.2ms → 12s → –
      step cut api from cache: expected a bypass

faults  1 of 2 as they should
  ✓ cut    netfault.partition on api | cache  healed after 30s, verified (lease)
  ✗ pause  docker.pause on api                unhealed, not verified (journal)
      the container did not answer
      to mend it: docker unpause api
";

    #[test]
    fn experiments_faults_and_gamedays_read_as_written_here() {
        let bare = Summary {
            metrics: Vec::new(),
            thresholds: Vec::new(),
            checks: Vec::new(),
            errors: Vec::new(),
            scenarios: Vec::new(),
            ..chaos()
        };
        let text = end_summary(&bare, &Look::default());
        // Targets are not aligned: their widths differ too much for columns.
        let squeezed = |text: &str| {
            text.split("  ")
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join("  ")
        };
        for line in EXPECTED.lines() {
            assert!(
                text.lines().any(|found| squeezed(found) == squeezed(line)),
                "{line}\n{text}"
            );
        }
        assert!(
            text.contains("gamedays\n  ✓ cache day  1 phase, 1 action\n"),
            "{text}"
        );
        assert!(
            text.contains("      ✗ time to page: 4m30s, target 2m\n"),
            "{text}"
        );
        assert!(
            text.contains("      to do: page on cache loss (mia)\n"),
            "{text}"
        );
    }

    #[test]
    fn a_run_without_them_does_not_mention_them() {
        let text = end_summary(&sample(), &Look::default());
        assert!(
            !text.contains("experiments") && !text.contains("faults"),
            "{text}"
        );
    }
}
