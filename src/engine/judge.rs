//! Thresholds over a run: parsed before it starts, looked at while it runs, decided at its end.

use std::time::Duration;

use crate::metrics::{
    Aggregator, Catalog, Expression, Selector, Threshold, ThresholdState, ThresholdStatus, builtin,
};

use crate::script::{Location, Problem};

use super::plan::ThresholdPlan;

/// One threshold with its state.
pub struct Judged {
    /// The threshold.
    pub threshold: Threshold,
    /// What the last look said.
    pub status: ThresholdStatus,
    state: ThresholdState,
}

/// All thresholds of a run.
pub struct Judge {
    judged: Vec<Judged>,
}

impl Judge {
    /// Parses a script's thresholds and registers what they need to be measured. Those about a
    /// scenario that was left out are dropped.
    ///
    /// # Errors
    ///
    /// Every threshold that cannot be understood.
    pub fn new(
        plans: &[ThresholdPlan],
        left_out: &[String],
        catalog: &Catalog,
        aggregator: &mut Aggregator,
        at: Option<&Location>,
    ) -> Result<Self, Vec<Problem>> {
        let mut judged = Vec::new();
        let mut problems = Vec::new();
        for plan in plans {
            match parse(plan, catalog) {
                // What does not run cannot be judged; that was the choice of --only.
                Ok(threshold) if is_about(&threshold, left_out) => {}
                Ok(threshold) => {
                    if let Some(window) = threshold.window {
                        aggregator.watch(threshold.selector.clone(), window);
                    }
                    let mut state = ThresholdState::new(threshold.clone());
                    judged.push(Judged {
                        status: state.tick(aggregator, Duration::ZERO),
                        threshold,
                        state,
                    });
                }
                Err(message) => problems.push(Problem {
                    what: format!("options: thresholds: \"{}\": {message}", plan.selector),
                    at: at.cloned(),
                }),
            }
        }
        if problems.is_empty() {
            Ok(Self { judged })
        } else {
            Err(problems)
        }
    }

    /// Whether any threshold looks at windows, so that figures are wanted more often.
    #[must_use]
    pub fn has_windows(&self) -> bool {
        self.judged.iter().any(|one| one.threshold.window.is_some())
    }

    /// Whether the script has a threshold on a metric.
    #[must_use]
    pub fn watches(&self, metric: crate::metrics::MetricId) -> bool {
        self.judged
            .iter()
            .any(|one| one.threshold.selector.metric == metric)
    }

    /// Looks at all thresholds; returns the text of one that ends the run.
    pub fn tick(&mut self, aggregator: &Aggregator, now: Duration) -> Option<String> {
        let mut abort = None;
        for one in &mut self.judged {
            one.status = one.state.tick(aggregator, now);
            let threshold = &one.threshold;
            let counts = threshold.abort_on_fail && now >= threshold.delay;
            if abort.is_none() && counts && !one.status.ok && !one.status.no_data {
                abort = Some(one.text());
            }
        }
        abort
    }

    /// Decides all thresholds.
    pub fn finish(&mut self, aggregator: &Aggregator, now: Duration) {
        for one in &mut self.judged {
            one.status = one.state.finish(aggregator, now);
        }
    }

    /// All thresholds, in the order of the script's table.
    #[must_use]
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// Whether the script decides itself what becomes of errors in iterations.
    #[must_use]
    pub fn judges_errors(&self) -> bool {
        self.watches(builtin::ITERATION_ERRORS)
    }
}

impl Judged {
    /// `http_req_duration: p(95) < 300ms`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}: {}", self.threshold.source, self.threshold.expression)
    }
}

fn is_about(threshold: &Threshold, scenarios: &[String]) -> bool {
    threshold
        .selector
        .tags
        .iter()
        .any(|(key, value)| key == "scenario" && scenarios.contains(value))
}

fn parse(plan: &ThresholdPlan, catalog: &Catalog) -> Result<Threshold, String> {
    let selector = Selector::parse(catalog, &plan.selector).map_err(|error| error.to_string())?;
    let expression = Expression::parse(&plan.expression, &catalog.def(selector.metric))
        .map_err(|error| error.to_string())?;
    Ok(Threshold {
        selector,
        expression,
        source: plan.selector.clone(),
        abort_on_fail: plan.abort_on_fail,
        delay: plan.delay,
        window: plan.window,
    })
}
