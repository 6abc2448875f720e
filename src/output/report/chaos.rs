//! What was done on purpose: experiments, faults, gamedays.

use std::fmt::Write as _;

use super::badge;
use super::html::{Table, escape, mark, panel, section};
use crate::output::experiments::{millis, plain};
use crate::output::values::{percent, show, whole};
use crate::output::{
    ExperimentSummary, FaultSummary, GamedaySummary, Observation, StepSummary, Summary,
};

pub(super) fn experiments(summary: &Summary) -> String {
    let all: Vec<_> = summary.experiments.iter().map(experiment).collect();
    section("experiments", "Experiments", &all.concat())
}

fn experiment(one: &ExperimentSummary) -> String {
    let mut out = format!(
        "<div class=\"head\"><b>{}</b>{}</div>\n",
        escape(&one.name),
        badge(one.verdict)
    );
    for reason in &one.reasons {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "<p class=\"bad\">{}</p>", escape(reason));
    }
    let time = |time: Option<u64>| time.map_or_else(|| "–".to_owned(), millis);
    let _ = writeln!(
        out,
        "<div class=\"facts\"><span>time to detect <b data-fact=\"detect\">{}</b></span>\
         <span>time to recover <b data-fact=\"recover\">{}</b></span></div>",
        time(one.time_to_detect_ms),
        time(one.time_to_recover_ms)
    );
    out.push_str(&steady_state(one));
    out.push_str(&cost(one));
    out.push_str(&steps(&one.steps));
    panel(&out)
}

fn steady_state(one: &ExperimentSummary) -> String {
    let state = &one.steady_state;
    let times = [
        ("before", &state.before),
        ("during", &state.during),
        ("after", &state.after),
    ];
    let seen = |(when, seen): (&str, &Option<Observation>)| {
        let seen = seen.as_ref()?;
        let breaches = match seen.breaches {
            0 => String::new(),
            many => format!(", {} breaches", whole(many)),
        };
        let checks = if seen.checked == 1 { "check" } else { "checks" };
        let mut out = format!(
            "<div><h3>{} {when} <small class=\"soft\">{} {checks}{breaches}</small></h3>",
            mark(seen.ok),
            whole(seen.checked)
        );
        for probe in &seen.probes {
            let saw = match (&probe.error, &probe.value) {
                (Some(error), _) => error.clone(),
                (None, Some(value)) => plain(value),
                (None, None) => String::new(),
            };
            let expected = probe.expected.as_ref();
            let expected = expected.map_or_else(String::new, |text| format!(" (wanted {text})"));
            let _ = write!(
                out,
                "<p>{} {} <span class=\"soft\">{}</span></p>",
                mark(probe.ok),
                escape(&probe.name),
                escape(&format!("{saw}{expected}"))
            );
        }
        Some(out + "</div>\n")
    };
    let all: Vec<_> = times.into_iter().filter_map(seen).collect();
    if all.is_empty() {
        return String::new();
    }
    format!("<div class=\"states\">\n{}</div>\n", all.concat())
}

/// What faults cost, and the load's numbers around them.
fn cost(one: &ExperimentSummary) -> String {
    let mut out = String::new();
    if !one.error_budget.is_empty() {
        let mut table = Table::new(&["error budget", "metric", "#failed", "#of", "#share"]);
        for spent in &one.error_budget {
            table.row(&[
                escape(&spent.fault),
                escape(&spent.metric),
                whole(spent.failed),
                whole(spent.requests),
                escape(&percent(spent.share)),
            ]);
        }
        out.push_str(&table.html());
    }
    if !one.load.is_empty() {
        let mut table = Table::new(&["around", "number", "#before", "#during", "#after"]);
        for around in &one.load {
            let number = |value: Option<f64>| {
                let text = value.map_or_else(|| "–".to_owned(), |value| show(value, &around.unit));
                escape(&text)
            };
            table.row(&[
                escape(&around.fault),
                escape(&around.metric),
                number(around.before),
                number(around.during),
                number(around.after),
            ]);
        }
        out.push_str(&table.html());
    }
    out
}

fn steps(steps: &[StepSummary]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["", "step", "#at", "#took", ""]);
    for step in steps {
        table.row(&[
            mark(step.ok).to_owned(),
            escape(&step.name),
            millis(step.at_ms),
            millis(step.duration_ms),
            escape(step.error.as_deref().unwrap_or_default()),
        ]);
    }
    table.html()
}

pub(super) fn faults(summary: &Summary) -> String {
    if summary.faults.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "",
        "fault",
        "target",
        "tier",
        "#injected",
        "#in force",
        "verified",
        "outcome",
    ]);
    for one in &summary.faults {
        table.named_row(&one.name, &fault(one, summary.duration_seconds));
    }
    let help = "<p class=\"soft\">The tier says what heals a fault should all of rchaos die. \
        kernel: its resources end with their process. lease: the kernel, when a lease runs out. \
        journal: the guardian beside the agent, else the next rchaos. inline: nothing, as what passed \
        through rchaos ends with it.</p>\n";
    section("faults", "Faults", &panel(&(table.html() + help)))
}

fn fault(one: &FaultSummary, seconds: f64) -> Vec<String> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the length of a run in milliseconds"
    )]
    let end = one.healed_at_ms.unwrap_or((seconds * 1e3) as u64);
    let lasted = one
        .injected_at_ms
        .map_or_else(|| "–".to_owned(), |from| millis(end.saturating_sub(from)));
    let mut outcome = escape(&one.outcome.words());
    if !one.detail.is_empty() {
        let _ = write!(
            outcome,
            "<br><span class=\"soft\">{}</span>",
            escape(&one.detail)
        );
    }
    if one.injected_at_ms.is_some() && one.healed_at_ms.is_none() && !one.undo.is_empty() {
        let _ = write!(
            outcome,
            "<br><span class=\"mono\">{}</span>",
            escape(&one.undo)
        );
    }
    let agent = match one.agent.as_str() {
        "local" | "" => String::new(),
        other => format!("<br><span class=\"soft\">on {}</span>", escape(other)),
    };
    vec![
        mark(one.outcome.is_good()).to_owned(),
        format!(
            "{}<br><span class=\"soft mono word\">{}</span>",
            escape(&one.name),
            escape(&one.kind)
        ),
        format!("{}{agent}", escape(&one.target)),
        format!("<span class=\"word\">{}</span>", one.tier.word()),
        one.injected_at_ms.map_or_else(|| "–".to_owned(), millis),
        lasted,
        if one.verified { "yes" } else { "no" }.to_owned(),
        outcome,
    ]
}

pub(super) fn gamedays(summary: &Summary) -> String {
    let all: Vec<_> = summary.gamedays.iter().map(gameday).collect();
    section("gamedays", "Gamedays", &all.concat())
}

fn gameday(one: &GamedaySummary) -> String {
    let mut out = format!(
        "<div class=\"head\"><b>{}</b>{}</div>\n",
        escape(&one.name),
        badge(one.verdict)
    );
    if !one.scores.is_empty() {
        let mut table = Table::new(&["", "score", "#value", "#target"]);
        for score in &one.scores {
            let shown = |value: &Option<serde_json::Value>| {
                escape(&value.as_ref().map_or_else(|| "–".to_owned(), plain))
            };
            table.row(&[
                score.ok.map_or("", mark).to_owned(),
                escape(&score.name),
                shown(&score.value),
                shown(&score.target),
            ]);
        }
        out.push_str(&table.html());
    }
    if !one.entries.is_empty() {
        let mut table = Table::new(&["#at", "phase", "", "what", "answer", "by"]);
        for entry in &one.entries {
            table.row(&[
                millis(entry.at_ms),
                escape(&entry.phase),
                entry.kind.word().to_owned(),
                escape(&entry.prompt),
                escape(entry.answer.as_deref().unwrap_or_default()),
                escape(&entry.by),
            ]);
        }
        out.push_str(&table.html());
    }
    if !one.actions.is_empty() {
        let mut table = Table::new(&["to do", "owner"]);
        for action in &one.actions {
            table.row(&[
                escape(&action.text),
                escape(action.owner.as_deref().unwrap_or_default()),
            ]);
        }
        out.push_str(&table.html());
    }
    panel(&out)
}
