//! `probe:metric`: a window of the run's own figures, held to a threshold's expression.

use std::time::Duration;

use mlua::Result;

use super::{Answer, Kit, Read};
use crate::metrics::{Aggregator, Expression, Selector};

/// A selector, an expression, and how far back to look.
#[derive(Debug, Clone)]
pub struct MetricProbe {
    selector: Selector,
    expression: Expression,
    /// How far back it looks; default five seconds.
    pub window: Duration,
}

/// The options of its own.
pub(super) const KEYS: &[&str] = &["window"];

impl MetricProbe {
    /// Reads a selector and an expression, and has its window kept from now on.
    ///
    /// # Errors
    ///
    /// Misuse: an unknown metric, or an expression that does not fit it.
    pub(super) fn read(
        read: &Read,
        aggregator: &mut Aggregator,
        selector: &str,
        expression: &str,
    ) -> Result<Self> {
        let wrong = |error: &dyn std::fmt::Display| read.options.wrong(error);
        let catalog = aggregator.catalog().clone();
        let selector = Selector::parse(&catalog, selector).map_err(|error| wrong(&error))?;
        let expression = Expression::parse(expression, &catalog.def(selector.metric))
            .map_err(|error| wrong(&error))?;
        let window: Option<Duration> = read.options.optional("window")?;
        let window = window.unwrap_or(Duration::from_secs(5));
        if window < Duration::from_millis(200) {
            let message = "it is too short; write at least \"200ms\"";
            return Err(read.options.invalid("window", message));
        }
        aggregator.watch(selector.clone(), window);
        Ok(Self {
            selector,
            expression,
            window,
        })
    }

    /// Looks at the window that ends now. An empty one is a breach: silence is no health.
    pub(super) fn ask(&self, kit: &Kit) -> Answer {
        let figures = kit.figures();
        let found = figures.window(&self.selector, self.window, kit.clock.elapsed());
        let observed = found.and_then(|all| self.expression.observe(&all, self.window));
        match observed {
            Some(observed) => Answer::of(
                self.expression.holds(observed),
                self.expression.show(observed),
                self.expression.to_string(),
            ),
            None => Answer {
                expected: Some(self.expression.to_string()),
                ..Answer::failed("no samples in the window".to_owned())
            },
        }
    }
}
