//! `junit=FILE`: what was asked for as test cases, for CI systems that show such.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::Destination;
use crate::output::experiments::plain;
use crate::output::values::show;
use crate::output::{Observation, Summary, Verdict, WholeFile};

/// The file, written at the end.
pub(super) struct Junit(Option<WholeFile>);

impl Junit {
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        let file = WholeFile::create("junit", path).map_err(|error| error.to_string())?;
        Ok(Self(Some(file)))
    }
}

impl Destination for Junit {
    fn end(&mut self, summary: &Summary, _: u64) -> Result<(), String> {
        let Some(file) = self.0.take() else {
            return Ok(());
        };
        let text = render(summary);
        file.write(|out| out.write_all(text.as_bytes()))
            .map_err(|error| error.to_string())
    }
}

/// A test case.
struct Case {
    name: String,
    seconds: f64,
    /// What went wrong: in a word, and in full.
    failure: Option<(&'static str, String)>,
}

fn render(summary: &Summary) -> String {
    let suites = [
        ("run", vec![run(summary)]),
        ("thresholds", thresholds(summary)),
        ("checks", checks(summary)),
        ("experiments", experiments(summary)),
        ("gamedays", gamedays(summary)),
    ];
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let script = escape(&summary.script);
    let (tests, failures, errors) = tally(all());
    let seconds = summary.duration_seconds;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<testsuites name=\"{script}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\">"
    );
    for (name, cases) in suites.iter().filter(|(_, cases)| !cases.is_empty()) {
        let (tests, failures, errors) = tally(cases.iter());
        let time: f64 = cases.iter().map(|case| case.seconds).sum();
        let started = escape(&summary.started);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{time:.3}\" timestamp=\"{started}\">"
        );
        for case in cases {
            let title = escape(&case.name);
            let head = format!(
                "    <testcase name=\"{title}\" classname=\"{script}.{name}\" time=\"{:.3}\"",
                case.seconds
            );
            let _ = match &case.failure {
                None => writeln!(out, "{head}/>"),
                Some((tag, text)) => {
                    let first = escape(text.lines().next().unwrap_or_default());
                    let text = escape(text);
                    writeln!(
                        out,
                        "{head}>\n      <{tag} message=\"{first}\">{text}</{tag}>\n    </testcase>"
                    )
                }
            };
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn tally<'a>(cases: impl Iterator<Item = &'a Case>) -> (usize, usize, usize) {
    let mut tally = (0, 0, 0);
    for case in cases {
        tally.0 += 1;
        match &case.failure {
            Some(("error", _)) => tally.2 += 1,
            Some(_) => tally.1 += 1,
            None => {}
        }
    }
    tally
}

fn ended(verdict: Verdict, text: String) -> Option<(&'static str, String)> {
    let text = if text.is_empty() {
        verdict.word().to_owned()
    } else {
        text
    };
    match verdict {
        Verdict::Passed => None,
        Verdict::Failed => Some(("failure", text)),
        Verdict::Aborted | Verdict::Error => Some(("error", text)),
    }
}

fn run(summary: &Summary) -> Case {
    Case {
        name: summary.script.clone(),
        seconds: summary.duration_seconds,
        failure: ended(summary.verdict, summary.reasons.join("\n")),
    }
}

fn thresholds(summary: &Summary) -> Vec<Case> {
    let case = |one: &crate::output::Threshold| {
        let observed = one.observed.filter(|_| !one.no_data);
        let observed = observed.map_or_else(
            || "no data".to_owned(),
            |observed| format!("observed {}", show(observed, &one.unit)),
        );
        Case {
            name: format!("{} {}", one.metric, one.expression),
            seconds: 0.0,
            failure: (!one.ok).then_some(("failure", observed)),
        }
    };
    summary.thresholds.iter().map(case).collect()
}

fn checks(summary: &Summary) -> Vec<Case> {
    let case = |one: &crate::output::Check| {
        let of = one.passes + one.fails;
        let name = if one.group.is_empty() {
            one.name.clone()
        } else {
            format!("{} › {}", one.group, one.name)
        };
        Case {
            name,
            seconds: 0.0,
            failure: (one.fails > 0).then(|| ("failure", format!("{} of {of} failed", one.fails))),
        }
    };
    summary.checks.iter().map(case).collect()
}

fn experiments(summary: &Summary) -> Vec<Case> {
    let case = |one: &crate::output::ExperimentSummary| {
        let mut text = one.reasons.clone();
        let state = &one.steady_state;
        for (when, seen) in [
            ("before", &state.before),
            ("during", &state.during),
            ("after", &state.after),
        ] {
            text.extend(seen.iter().flat_map(|seen| broken(when, seen)));
        }
        let failed = one.steps.iter().filter(|step| !step.ok);
        text.extend(failed.map(|step| {
            let error = step.error.as_deref().unwrap_or("did not go through");
            format!("step {}: {error}", step.name)
        }));
        let millis: u64 = one.steps.iter().map(|step| step.duration_ms).sum();
        Case {
            name: one.name.clone(),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
            seconds: millis as f64 / 1e3,
            failure: ended(one.verdict, text.join("\n")),
        }
    };
    summary.experiments.iter().map(case).collect()
}

/// The probes of a steady state that did not hold, a line each.
fn broken(when: &str, seen: &Observation) -> Vec<String> {
    let failed = seen.probes.iter().filter(|probe| !probe.ok);
    let line = |probe: &crate::output::ProbeSummary| {
        let saw = match (&probe.error, &probe.value) {
            (Some(error), _) => error.clone(),
            (None, Some(value)) => format!("was {}", plain(value)),
            (None, None) => "saw nothing".to_owned(),
        };
        let expected = probe.expected.as_ref();
        let expected = expected.map_or_else(String::new, |text| format!(", expected {text}"));
        format!("{when}: {} {saw}{expected}", probe.name)
    };
    failed.map(line).collect()
}

fn gamedays(summary: &Summary) -> Vec<Case> {
    let case = |one: &crate::output::GamedaySummary| {
        let missed = one.scores.iter().filter(|score| score.ok == Some(false));
        let missed = missed.map(|score| {
            let show = |value: &Option<_>| value.as_ref().map_or_else(|| "–".to_owned(), plain);
            let (value, target) = (show(&score.value), show(&score.target));
            format!("{}: {value}, target {target}", score.name)
        });
        let millis: u64 = one.phases.iter().map(|phase| phase.duration_ms).sum();
        Case {
            name: one.name.clone(),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
            seconds: millis as f64 / 1e3,
            failure: ended(one.verdict, missed.collect::<Vec<_>>().join("\n")),
        }
    };
    summary.gamedays.iter().map(case).collect()
}

/// Text as XML may hold it; control characters, which it may not, are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample::chaos;

    #[test]
    fn every_demand_is_a_case_and_what_failed_says_why() {
        let mut summary = chaos();
        summary.checks[1].name = "a < \"b\" & \x1b[31m".into();
        let text = render(&summary);
        for part in [
            "<testsuites name=\"cart.lua\" tests=\"8\" failures=\"5\" errors=\"0\" time=\"20.000\">",
            "<testsuite name=\"thresholds\" tests=\"3\" failures=\"2\" errors=\"0\"",
            "<testcase name=\"http_req_duration p(95) &lt; 300ms\" classname=\"cart.lua.thresholds\" time=\"0.000\"/>",
            "<failure message=\"no data\">no data</failure>",
            "<failure message=\"observed 4.2%\">",
            "<testcase name=\"cart › a &lt; &quot;b&quot; &amp; [31m\"",
            "<failure message=\"30 of 1000 failed\">",
            "<testcase name=\"checkout survives a cache partition\" classname=\"cart.lua.experiments\" time=\"30.000\">",
            "&#10;during: api healthy was 503, expected status 200&#10;step cut api from cache: expected a bypass",
            "<testcase name=\"cache day\" classname=\"cart.lua.gamedays\" time=\"18.000\"/>",
        ] {
            assert!(text.contains(part), "no {part}\n{text}");
        }
    }

    #[test]
    fn an_aborted_run_is_an_error() {
        let mut summary = chaos();
        summary.verdict = Verdict::Aborted;
        summary.reasons.clear();
        assert!(render(&summary).contains("<error message=\"aborted\">aborted</error>"));
    }
}
