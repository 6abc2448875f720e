//! What GitHub shows beside a workflow: commands that its runner reads from the output.

use crate::output::{FaultOutcome, Summary, Verdict};

/// The workflow commands of a result, a line each: nothing if it passed without a doubt.
/// `verdict` and failed thresholds, checks, experiments, faults that stayed, errors, warnings.
#[must_use]
pub fn annotations(summary: &Summary) -> String {
    let mut out = String::new();
    let mut say = |level: &str, title: &str, place: Option<&str>, text: &str| {
        let mut fields = vec![format!("title={}", field(title))];
        let place = place.and_then(|place| place.rsplit_once(':'));
        if let Some((file, line)) = place {
            fields.insert(0, format!("file={},line={}", field(file), field(line)));
        }
        out.push_str(&format!("::{level} {}::{}\n", fields.join(","), data(text)));
    };
    if summary.verdict != Verdict::Passed {
        let title = format!("rchaos: {} {}", summary.script, summary.verdict.word());
        let text = summary.reasons.join("\n");
        say("error", &title, None, &text);
    }
    for one in summary.thresholds.iter().filter(|one| !one.ok) {
        let text = format!("{} {}", one.metric, one.expression);
        say("error", "threshold failed", None, &text);
    }
    for one in summary.checks.iter().filter(|one| one.fails > 0) {
        let of = one.passes + one.fails;
        let text = format!("{}: {} of {of} failed", one.name, one.fails);
        say("warning", "check failed", None, &text);
    }
    for one in &summary.experiments {
        if one.verdict != Verdict::Passed {
            let title = format!("experiment {}", one.verdict.word());
            let text = format!("{}\n{}", one.name, one.reasons.join("\n"));
            say("error", &title, None, &text);
        }
    }
    for one in &summary.faults {
        if one.outcome == FaultOutcome::Unhealed {
            let text = format!("{} on {}: {}", one.name, one.target, one.undo);
            say("error", "fault not healed", None, &text);
        }
    }
    for one in &summary.errors {
        let text = format!("{} ({}×)", one.message, one.count);
        say("error", "script error", one.location.as_deref(), &text);
    }
    out
}

/// Escapes a message as the runner unescapes it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property.
fn field(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample::{chaos, sample};

    #[test]
    fn what_failed_is_annotated_and_cannot_break_out_of_its_line() {
        let mut summary = chaos();
        summary.errors[0].message = "100%\n::error::forged".into();
        let text = annotations(&summary);
        let expected = "\
::error title=rchaos%3A cart.lua failed::2 of 3 thresholds failed
::error title=threshold failed::http_req_failed{scenario:browse} rate < 1%25
::error title=threshold failed::orders count > 0
::warning title=check failed::has items: 30 of 1000 failed
::error title=experiment failed::checkout survives a cache partition%0Aprobe \"api healthy\" broke during the experiment
::error title=fault not healed::pause on api: docker unpause api
::error file=cart.lua,line=12,title=script error::100%25%0A::error::forged (3×)
";
        assert!(text == expected, "{text}");
    }

    #[test]
    fn a_good_run_says_nothing() {
        let summary = Summary {
            verdict: Verdict::Passed,
            thresholds: Vec::new(),
            checks: Vec::new(),
            errors: Vec::new(),
            ..sample()
        };
        assert_eq!(annotations(&summary), "");
    }
}
