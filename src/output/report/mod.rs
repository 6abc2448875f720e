//! `--report FILE.html`: the result as one page that needs nothing else.

mod chaos;
mod chart;
mod curves;
mod html;
mod tables;

use std::fmt::Write as _;
use std::time::Duration;

use super::values::{millis, percent, show, whole};
use super::{Summary, Unit, Values, Verdict};
use crate::base::units::show_duration;
pub(super) use html::escape;
use html::{embedded, section};

pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Renders the page. Everything is in it: style, drawings, numbers, and the summary as JSON in the
/// element `summary`. It loads nothing, and says everything without its script.
#[must_use]
pub fn report(summary: &Summary) -> String {
    let title = escape(&format!("{}: {}", summary.script, summary.verdict.word()));
    let json = serde_json::to_string(summary).unwrap_or_else(|_| "null".to_owned());
    let body = [
        head(summary),
        section("time", "Over time", &curves::section(summary)),
        chaos::experiments(summary),
        chaos::faults(summary),
        chaos::gamedays(summary),
        tables::thresholds(summary),
        tables::checks(summary),
        tables::errors(summary),
        tables::metrics(summary),
        tables::scenarios(summary),
        tables::timeline(summary),
    ]
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         <footer>rchaos {} · seed {} · repeat with <span class=\"mono\">--seed {}</span></footer>\n\
         </main>\n<script type=\"application/json\" id=\"summary\">{}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        summary.seed,
        summary.seed,
        embedded(&json),
    )
}

/// The class of a verdict's colour.
pub(super) fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "good",
        Verdict::Aborted => "warn",
        Verdict::Failed | Verdict::Error => "bad",
    }
}

fn badge(verdict: Verdict) -> String {
    let word = verdict.word();
    format!("<span class=\"badge {}\">{word}</span>", tone(verdict))
}

fn head(summary: &Summary) -> String {
    let seconds = Duration::try_from_secs_f64(summary.duration_seconds).unwrap_or_default();
    let mut facts = format!(
        "{} · {}",
        escape(&day_and_time(&summary.started)),
        show_duration(seconds)
    );
    if let Some(rehearsal) = summary.rehearsal() {
        let _ = write!(facts, " · {rehearsal}");
    }
    if summary.exit_code != 0 {
        // Writing to a string cannot fail.
        let _ = write!(facts, " · exit code {}", summary.exit_code);
    }
    let mut out = format!(
        "<header>\n<div class=\"head\"><div><h1>{}</h1><p class=\"soft\">{facts}</p></div>\
         <div id=\"verdict\">{}</div></div>\n",
        escape(&summary.script),
        badge(summary.verdict)
    );
    if !summary.reasons.is_empty() {
        let reasons = summary.reasons.iter();
        let reasons: Vec<_> = reasons
            .map(|reason| format!("<li>{}</li>", escape(reason)))
            .collect();
        let _ = writeln!(out, "<ul class=\"reasons\">{}</ul>", reasons.concat());
    }
    let cards = cards(summary);
    if !cards.is_empty() {
        let _ = writeln!(out, "<div class=\"cards\">{cards}</div>");
    }
    out + "</header>\n"
}

/// `2026-11-21 08:30:00 UTC` of `2026-11-21T08:30:00.250Z`.
fn day_and_time(started: &str) -> String {
    match started.split_once('T') {
        Some((day, time)) => {
            let time = time.split(['.', 'Z']).next().unwrap_or_default();
            format!("{day} {time} UTC")
        }
        None => started.to_owned(),
    }
}

/// The key numbers.
fn cards(summary: &Summary) -> String {
    let mut out = String::new();
    let mut card = |name: &str, value: String, what: &str| {
        let (value, what) = (escape(&value), escape(what));
        let _ = write!(
            out,
            "<div class=\"card\" data-card=\"{name}\"><b>{value}</b><span>{what}</span></div>"
        );
    };
    let values = |name: &str| {
        let mut all = summary.metrics.iter();
        all.find(|metric| metric.name == name)
            .map(|metric| &metric.values)
    };
    let web = values("http_reqs").is_some();
    let (count, times, noun) = if web {
        ("http_reqs", "http_req_duration", "requests")
    } else {
        ("iterations", "iteration_duration", "iterations")
    };
    if let Some(Values::Counter { count, per_second }) = values(count) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of requests"
        )]
        card("count", whole(*count as u64), noun);
        card(
            "rate",
            show(*per_second, &Unit::Plain),
            &format!("{noun} per second"),
        );
    }
    if let Some(Values::Trend(trend)) = values(times) {
        card("median", millis(trend.med), "median time");
        card("p95", millis(trend.p95), "95th percentile");
    }
    if let Some(Values::Rate { rate, .. }) = values("http_req_failed") {
        card("failed", percent(*rate), "failed requests");
    }
    if let Some(Values::Rate { rate, .. }) = values("checks") {
        card("checks", percent(*rate), "checks passed");
    }
    if let Some(Values::Gauge { max, .. }) = values("vus") {
        card("users", show(*max, &Unit::Plain), "most virtual users");
    }
    if !summary.faults.is_empty() {
        let healed = summary
            .faults
            .iter()
            .filter(|one| one.healed_at_ms.is_some());
        let of = summary
            .faults
            .iter()
            .filter(|one| one.injected_at_ms.is_some());
        let text = format!("{} of {}", healed.count(), of.count());
        card("healed", text, "faults healed");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample::{chaos, sample};
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = report(&chaos());
        for forbidden in ["http://", "https://", "src=", "@import", "url(", "<link"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn everything_of_the_summary_is_on_it() {
        let page = report(&chaos());
        for part in [
            "<span class=\"badge bad\">failed</span>",
            "2 of 3 thresholds failed",
            "2026-11-21 08:30:00 UTC · 20s · exit code 5",
            "data-card=\"p95\"><b>3.2ms</b>",
            "http_req_failed{scenario:browse}",
            "checkout survives a cache partition",
            "time to recover",
            "docker unpause api",
            "netfault.partition",
            "everybody there?",
            "4m30s",
            "has items",
            "attempt to index nil with &quot;id&quot;",
            "data-chart=\"Response time\"",
            "class=\"band\"",
            "browse: started",
        ] {
            assert!(page.contains(part), "no {part}");
        }
    }

    #[test]
    fn texts_from_scripts_cannot_become_markup() {
        let mut summary = chaos();
        let evil = "</script><img src=x onerror=alert(1)>\"'";
        summary.script = evil.into();
        summary.reasons = vec![evil.into()];
        summary.checks[0].name = evil.into();
        summary.faults[0].name = evil.into();
        summary.experiments[0].name = evil.into();
        summary.experiments[0].steps[0].name = evil.into();
        summary.gamedays[0].entries[0].answer = Some(evil.into());
        summary.timeline[0].text = evil.into();
        summary.errors[0].message = evil.into();
        summary.thresholds[0].metric = evil.into();
        summary.series.columns[0].metric = evil.into();
        let page = report(&summary);
        assert!(!page.contains("<img"), "markup got through");
        assert_eq!(page.matches("</script>").count(), 3);
    }

    #[test]
    fn a_run_without_load_is_a_page_too() {
        let bare = Summary {
            metrics: Vec::new(),
            thresholds: Vec::new(),
            checks: Vec::new(),
            errors: Vec::new(),
            scenarios: Vec::new(),
            series: crate::output::Series::default(),
            ..sample()
        };
        let page = report(&bare);
        assert!(!page.contains("<svg") && !page.contains("id=\"thresholds\""));
    }
}
