//! The summary that a person reads at the end of a run.

use std::time::Duration;

use crate::base::units::show_duration;

use super::layout::{clean, shorten};
use super::look::Tone;
use super::{Look, Summary, Verdict};
use super::{checks, experiments, metrics};

/// Renders the end summary: thresholds, checks, errors, metrics by subject, what was done on
/// purpose, and the verdict last, where the eye is when a run ends.
#[must_use]
pub fn end_summary(summary: &Summary, look: &Look) -> String {
    let mut page = Page::new(look);
    checks::thresholds(&mut page, &summary.thresholds);
    checks::checks(&mut page, &summary.checks);
    checks::errors(&mut page, &summary.errors);
    metrics::sections(&mut page, summary);
    experiments::sections(&mut page, summary);
    verdict(&mut page, summary);
    page.text()
}

fn verdict(page: &mut Page, summary: &Summary) {
    page.blank();
    let (mark, tone) = match summary.verdict {
        Verdict::Passed => ("✓", Tone::Good),
        Verdict::Aborted => ("!", Tone::Warn),
        Verdict::Failed | Verdict::Error => ("✗", Tone::Bad),
    };
    let word = page
        .look
        .paint(tone, &format!("{mark} {}", summary.verdict.word()));
    let seconds = Duration::try_from_secs_f64(summary.duration_seconds).unwrap_or_default();
    let mut facts = vec![
        clean(&summary.script),
        show_duration(seconds),
        format!("seed {}", summary.seed),
    ];
    if let Some(rehearsal) = summary.rehearsal() {
        facts.push(rehearsal);
    }
    if summary.exit_code != 0 {
        facts.push(format!("exit code {}", summary.exit_code));
    }
    let room = page.room(4 + summary.verdict.word().len());
    let facts = shorten(&facts.join(" · "), room);
    page.line(&format!("{word}  {facts}"));
    for reason in &summary.reasons {
        let reason = shorten(&clean(reason), page.room(2));
        page.line(&format!("  {reason}"));
    }
}

/// Text under construction.
pub(super) struct Page {
    out: String,
    pub(super) look: Look,
}

impl Page {
    /// An empty page.
    pub(super) fn new(look: &Look) -> Self {
        Self {
            out: String::new(),
            look: *look,
        }
    }

    /// All of it.
    pub(super) fn text(self) -> String {
        self.out
    }

    /// A line; nothing trails on it.
    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// An empty line between sections, none at the top.
    pub(super) fn blank(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    /// Columns left in a line of which `used` are taken.
    pub(super) fn room(&self, used: usize) -> usize {
        self.look
            .width
            .map_or(usize::MAX, |width| width.saturating_sub(used))
    }

    /// Says how many rows were left out, if any.
    pub(super) fn more(&mut self, hidden: usize) {
        if hidden > 0 {
            let text = format!("  … and {hidden} more; --summary FILE has them all");
            let text = shorten(&text, self.room(0));
            let text = self.look.paint(Tone::Faint, &text);
            self.line(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::columns;
    use super::super::sample::sample;
    use super::*;

    const EXPECTED: &str = "\
thresholds
  ✓ http_req_duration                 p(95) < 300ms  observed 3.2ms
  ✗ http_req_failed{scenario:browse}  rate < 1%      observed 4.2% over 30s
  ✗ orders                            count > 0      no data

checks  98.5% of 2,000 passed
  ✓ status is 200     1,000 passed
  ✗ cart › has items  97% passed, 30 of 1,000 failed

errors
  3× cart.lua:12: attempt to index nil with \"id\"

http                     avg    min    med    p90    p95    p99    max
  http_req_duration    1.2ms  100µs    1ms    2ms  3.2ms    5ms    12s
    {scenario:browse}  1.2ms  100µs    1ms    2ms  3.2ms    5ms    12s
  http_req_failed          4.2%  42 of 1,000
  http_reqs               1,000  50/s

execution                avg    min    med    p90    p95    p99    max
  iteration_duration     12s    12s    12s    12s    12s    12s    12s
  iterations              1,000  50/s
  vus                        10  min 1, max 10
  browse: 1,000 iterations, 5 dropped, 2 interrupted (constant-arrival-rate, 50/s for 20s)

network
  data_received          1.2 MB  60 kB/s

custom                   avg    min    med    p90    p95    p99    max
  basket_size              3      1      3      4      5      6      9
  queue_depth          12 items  min 0 items, max 40 items

✗ failed  cart.lua · 20s · seed 42 · exit code 5
  2 of 3 thresholds failed
";

    #[test]
    fn the_summary_reads_as_written_here() {
        let text = end_summary(&sample(), &Look::default());
        assert!(text == EXPECTED, "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [20, 40, 60, 80, 120] {
            let look = Look {
                width: Some(width),
                ..Look::default()
            };
            for line in end_summary(&sample(), &look).lines() {
                assert!(columns(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colour_adds_codes_and_changes_no_text() {
        let look = Look {
            colour: true,
            ..Look::default()
        };
        let mut text = end_summary(&sample(), &look);
        assert!(text.contains("\x1b[31m✗ failed\x1b[0m"));
        for code in ["0", "1", "2", "31", "32", "33"] {
            text = text.replace(&format!("\x1b[{code}m"), "");
        }
        assert!(text == EXPECTED, "{text}");
    }

    #[test]
    fn an_empty_run_has_a_verdict_only() {
        let summary = Summary {
            verdict: Verdict::Passed,
            reasons: Vec::new(),
            exit_code: 0,
            metrics: Vec::new(),
            thresholds: Vec::new(),
            checks: Vec::new(),
            errors: Vec::new(),
            scenarios: Vec::new(),
            ..sample()
        };
        let text = end_summary(&summary, &Look::default());
        assert_eq!(text, "✓ passed  cart.lua · 20s · seed 42\n");
    }
}
