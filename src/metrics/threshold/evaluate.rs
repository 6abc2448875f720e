//! Holds a threshold against the samples while they come in. No data is a failure in the end.

use std::time::Duration;

use super::Threshold;
use crate::metrics::aggregate::Aggregate;
use crate::metrics::aggregator::Aggregator;
use crate::metrics::definition::Kind;
use crate::metrics::window::{Ring, SLACK, length, slice_at, slices_in};

/// How a threshold stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdStatus {
    /// Whether it holds. Before the end, one without data does.
    pub ok: bool,
    /// What was measured last; for a window that failed, what it measured.
    pub observed: Option<f64>,
    /// Whether there was nothing to measure.
    pub no_data: bool,
    /// When it first failed, counted from the start of the run.
    pub first_failure: Option<Duration>,
}

/// A threshold and how it stands.
#[derive(Debug)]
pub struct ThresholdState {
    threshold: Threshold,
    status: ThresholdStatus,
    /// The slice at which the next window to judge ends.
    next: u64,
    /// The first window that failed and lies after the latest sample. If samples go on it counts;
    /// if not, the load had ended and the window was not full.
    pending: Option<(u64, f64)>,
    judged: bool,
}

impl ThresholdState {
    /// A threshold that was not looked at yet. One with a window needs
    /// [`Aggregator::watch`] on its selector before samples come.
    #[must_use]
    pub fn new(threshold: Threshold) -> Self {
        Self {
            threshold,
            status: ThresholdStatus {
                ok: true,
                observed: None,
                no_data: true,
                first_failure: None,
            },
            next: 0,
            pending: None,
            judged: false,
        }
    }

    /// What is held.
    #[must_use]
    pub fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// How it stood at the last look.
    #[must_use]
    pub fn status(&self) -> ThresholdStatus {
        self.status
    }

    /// Whether the run must end now: it failed, asks for that, and its delay is over.
    #[must_use]
    pub fn should_abort(&self, now: Duration) -> bool {
        self.threshold.abort_on_fail && !self.status.ok && now >= self.threshold.delay
    }

    /// Looks at the samples so far. `now` is counted from the start of the run. With a window, call
    /// at least every ten seconds: windows further back are not judged any more.
    pub fn tick(&mut self, aggregator: &Aggregator, now: Duration) -> ThresholdStatus {
        self.look(aggregator, now, false);
        self.status
    }

    /// Looks for the last time, at the end of the load: now no data is a failure. A run that was
    /// shorter than the window is judged as one window.
    pub fn finish(&mut self, aggregator: &Aggregator, now: Duration) -> ThresholdStatus {
        self.look(aggregator, now, true);
        self.status
    }

    fn look(&mut self, aggregator: &Aggregator, now: Duration, last: bool) {
        let Some(window) = self.threshold.window else {
            let all = aggregator.select(&self.threshold.selector);
            return self.judge(aggregator, all, now, now, last);
        };
        let Some(ring) = aggregator.ring(&self.threshold.selector) else {
            return self.judge(aggregator, None, now, now, last);
        };
        let Some(first) = ring.first() else {
            return self.judge(aggregator, None, now, now, last);
        };
        self.windows(ring, first, window, now, last);
        if last && !self.judged {
            let span = length(slice_at(now).saturating_sub(first) + 1);
            let all = ring.merged(slice_at(now), slices_in(window));
            self.judge(aggregator, all, span, now, true);
        }
    }

    /// Judges the samples of `span` as a whole; the verdict replaces the one before.
    fn judge(
        &mut self,
        aggregator: &Aggregator,
        all: Option<Aggregate>,
        span: Duration,
        now: Duration,
        last: bool,
    ) {
        let expression = &self.threshold.expression;
        let observed = all.and_then(|all| expression.observe(&all, span));
        self.status.no_data = observed.is_none();
        self.status.observed = observed;
        self.status.ok = match observed {
            Some(observed) => expression.holds(observed),
            None => {
                let kind = aggregator
                    .catalog()
                    .def(self.threshold.selector.metric)
                    .kind;
                // Nothing counted is a count of 0, which answers "at most" but not "at least".
                self.status.observed = (kind == Kind::Counter).then_some(0.0);
                let answered = kind == Kind::Counter && expression.is_upper_bound();
                if answered {
                    expression.holds(0.0)
                } else {
                    !last
                }
            }
        };
        if !self.status.ok {
            self.status.first_failure.get_or_insert(now);
        }
    }

    /// Judges all full windows that ended since the last look; one failure decides.
    fn windows(&mut self, ring: &Ring, first: u64, window: Duration, now: Duration, last: bool) {
        let count = slices_in(window);
        let end = slice_at(now) + u64::from(last);
        let full = first + count - 1;
        let from = self.next.max(full).max(end.saturating_sub(SLACK));
        for slice in from..end {
            let Some(all) = ring.merged(slice, count) else {
                continue;
            };
            let Some(observed) = self.threshold.expression.observe(&all, length(count)) else {
                continue;
            };
            self.judged = true;
            self.status.no_data = false;
            if self.status.ok {
                self.status.observed = Some(observed);
            }
            if !self.threshold.expression.holds(observed) {
                self.pending.get_or_insert((slice, observed));
            }
        }
        self.next = self.next.max(end);
        if let Some((slice, observed)) = self.pending
            && ring.latest() >= Some(slice)
            && self.status.ok
        {
            self.status.ok = false;
            self.status.observed = Some(observed);
            self.status.first_failure = Some(length(slice + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::{Catalog, Expression, Recorder, Selector, TagSetId};

    struct Run {
        catalog: Arc<Catalog>,
        all: Aggregator,
        recorder: Recorder,
        state: ThresholdState,
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn run(metric: &str, expression: &str, window: Option<Duration>) -> Run {
        let catalog = Catalog::new(100);
        let mut all = Aggregator::new(catalog.clone());
        let selector = Selector::parse(&catalog, metric).unwrap();
        let def = catalog.def(selector.metric);
        if let Some(window) = window {
            all.watch(selector.clone(), window);
        }
        let state = ThresholdState::new(Threshold {
            selector,
            expression: Expression::parse(expression, &def).unwrap(),
            source: metric.to_owned(),
            abort_on_fail: true,
            delay: at(5_000),
            window,
        });
        Run {
            recorder: Recorder::new(catalog.clone()),
            catalog,
            all,
            state,
        }
    }

    impl Run {
        fn sample(&mut self, value: f64, ms: u64) {
            let metric = self.state.threshold.selector.metric;
            let series = self.recorder.series(metric, TagSetId::EMPTY);
            self.recorder.add(series, value);
            self.all.merge(self.recorder.drain(), at(ms));
        }

        fn tick(&mut self, ms: u64) -> ThresholdStatus {
            self.state.tick(&self.all, at(ms))
        }

        fn finish(&mut self, ms: u64) -> ThresholdStatus {
            self.state.finish(&self.all, at(ms))
        }
    }

    #[test]
    fn the_last_look_decides_over_the_whole_run() {
        let mut run = run("http_req_failed", "rate < 50%", None);
        run.sample(1.0, 100);
        assert!(!run.tick(1000).ok);
        assert!(!run.state.should_abort(at(4_999)) && run.state.should_abort(at(5_000)));
        for n in 0..9 {
            run.sample(0.0, 1000 + n);
        }
        let end = run.finish(2000);
        assert_eq!(
            (end.ok, end.observed, end.no_data),
            (true, Some(0.1), false)
        );
        assert_eq!(end.first_failure, Some(at(1000)));
        assert!(!run.state.should_abort(at(9_000)));
    }

    #[test]
    fn no_data_is_a_failure_but_only_in_the_end() {
        for (metric, expression) in [
            ("http_req_duration", "p(95) < 1s"),
            ("checks", "rate > 90%"),
            ("vus", "value < 9"),
            ("http_req_duration", "count == 0"),
            ("http_req_duration{a:b}", "max < 1s"),
        ] {
            for window in [None, Some(at(1000))] {
                let mut run = run(metric, expression, window);
                let before = run.tick(10_000);
                assert!(before.ok && before.no_data && !run.state.should_abort(at(10_000)));
                let end = run.finish(20_000);
                assert_eq!(
                    (end.ok, end.no_data, end.observed),
                    (false, true, None),
                    "{metric}"
                );
            }
        }
    }

    #[test]
    fn a_counter_that_never_counted_is_zero() {
        for (expression, ok) in [
            ("count < 10", true),
            ("count == 0", true),
            ("rate <= 1", true),
            ("count < 0", false),
            ("count == 3", false),
            ("count > 0", false),
            ("count >= 0", false),
            ("count != 5", false),
            ("rate > 1", false),
        ] {
            for window in [None, Some(at(1000))] {
                let mut run = run("dropped_iterations", expression, window);
                let end = run.finish(5_000);
                assert_eq!(
                    (end.ok, end.observed, end.no_data),
                    (ok, Some(0.0), true),
                    "{expression}"
                );
            }
        }
        let mut run = run("http_reqs", "count > 0", None);
        assert!(run.tick(10_000).ok && !run.state.should_abort(at(10_000)));
    }

    #[test]
    fn a_rate_is_per_second_of_the_run() {
        let mut run = run("http_reqs", "rate > 2", None);
        run.sample(30.0, 1000);
        assert_eq!(run.tick(10_000).observed, Some(3.0));
        let end = run.finish(20_000);
        assert_eq!((end.ok, end.observed), (false, Some(1.5)));
    }

    #[test]
    fn one_bad_window_fails_for_good() {
        let mut run = run("http_req_duration", "max < 100ms", Some(at(1000)));
        for n in 0..100 {
            run.sample(if n == 50 { 250.0 } else { 10.0 }, n * 200);
            let status = run.tick(n * 200);
            assert_eq!(status.ok, n <= 50, "{n}");
        }
        let end = run.finish(20_000);
        assert_eq!(
            (end.ok, end.observed, end.first_failure),
            (false, Some(250.0), Some(at(10_200)))
        );
        assert!(run.catalog.lookup("http_req_duration").is_some());
    }

    #[test]
    fn windows_between_two_looks_are_judged_too() {
        let mut run = run("http_req_duration", "avg < 100ms", Some(at(400)));
        for n in 0..40 {
            run.sample(if n == 20 { 900.0 } else { 10.0 }, n * 200);
        }
        assert!(!run.tick(8_000).ok);
    }

    #[test]
    fn the_first_seconds_and_the_tail_are_no_full_windows() {
        let mut run = run("http_reqs", "rate >= 5", Some(at(2000)));
        for n in 10..60 {
            run.sample(1.0, n * 200);
            assert!(run.tick(n * 200 + 50).ok, "{n}");
        }
        for n in 60..100 {
            assert!(run.tick(n * 200).ok, "{n}");
        }
        let end = run.finish(20_000);
        assert_eq!((end.ok, end.no_data), (true, false));
    }

    #[test]
    fn a_gap_in_the_middle_counts_once_samples_go_on() {
        let mut run = run("http_reqs", "rate >= 5", Some(at(2000)));
        for n in (0..50).chain(55..100) {
            run.sample(1.0, n * 200);
            run.tick(n * 200 + 50);
        }
        let end = run.finish(20_000);
        assert_eq!((end.ok, end.observed), (false, Some(4.5)));
    }

    #[test]
    fn empty_windows_are_skipped() {
        let mut run = run("http_req_duration", "max < 100ms", Some(at(1000)));
        for n in (0..10).chain(60..70) {
            run.sample(10.0, n * 200);
            run.tick(n * 200);
        }
        assert!(run.finish(14_000).ok);
    }

    #[test]
    fn a_run_shorter_than_the_window_is_one_window() {
        for (value, ok) in [(50.0, true), (500.0, false)] {
            let mut run = run("http_req_duration", "p(95) < 100ms", Some(at(30_000)));
            run.sample(value, 1000);
            assert!(run.tick(2000).ok);
            let end = run.finish(3000);
            assert_eq!(
                (end.ok, end.observed, end.no_data),
                (ok, Some(value), false)
            );
        }
    }
}
