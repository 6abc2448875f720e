//! Keeps the run as curves in bounded memory: one slot a second, merged in pairs when there are many.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::metrics::{Aggregate, Aggregator, Kind, MetricId, Unit, builtin};
use crate::output::{Column, Series};

use super::result::unit;

/// The most slots; at six hundred seconds two and two become one.
const MOST: usize = 600;

/// What is always kept; gauges that a script watches come on top.
const TRACKED: [MetricId; 9] = [
    builtin::VUS,
    builtin::HTTP_REQS,
    builtin::HTTP_REQ_FAILED,
    builtin::HTTP_REQ_DURATION,
    builtin::ITERATIONS,
    builtin::ITERATION_DURATION,
    builtin::ITERATION_ERRORS,
    builtin::DROPPED_ITERATIONS,
    builtin::FAULTS_ACTIVE,
];

/// The curves under construction.
#[derive(Debug)]
pub struct Curves {
    /// Seconds in a full slot.
    step: f64,
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    seconds: f64,
    samples: BTreeMap<Arc<str>, Aggregate>,
}

impl Slot {
    fn add(&mut self, seconds: f64, samples: impl IntoIterator<Item = (Arc<str>, Aggregate)>) {
        self.seconds += seconds;
        for (name, more) in samples {
            self.samples
                .entry(name)
                .and_modify(|known| known.merge(&more))
                .or_insert(more);
        }
    }
}

impl Curves {
    /// Curves without a point; the figures collect for them from now on.
    pub fn new(figures: &mut Aggregator) -> Self {
        for metric in TRACKED {
            figures.track(metric);
        }
        Self {
            step: 1.0,
            slots: Vec::new(),
        }
    }

    /// Adds what arrived in the `seconds` after the last call.
    pub fn add(&mut self, mut seconds: f64, samples: Vec<(Arc<str>, Aggregate)>) {
        // The controller was late: what it missed came in the last of these seconds.
        while seconds >= 1.5 {
            self.slot(1.0, Vec::new());
            seconds -= 1.0;
        }
        self.slot(seconds, samples);
    }

    fn slot(&mut self, seconds: f64, samples: Vec<(Arc<str>, Aggregate)>) {
        // Half a second more is the end of the run, not a point of its own.
        let room = |slot: &&mut Slot| slot.seconds + seconds.min(0.5) <= self.step * 1.001;
        let short = seconds < 0.5;
        match self.slots.last_mut() {
            Some(slot) if short || room(&slot) => slot.add(seconds, samples),
            _ => {
                let mut slot = Slot::default();
                slot.add(seconds, samples);
                self.slots.push(slot);
            }
        }
        if self.slots.len() > MOST {
            self.step *= 2.0;
            let mut slots = std::mem::take(&mut self.slots).into_iter();
            while let Some(mut first) = slots.next() {
                if let Some(second) = slots.next() {
                    first.add(second.seconds, second.samples);
                }
                self.slots.push(first);
            }
        }
    }

    /// The curves as plain data: the load's first, then what a script watches, by name.
    pub fn series(&self, figures: &Aggregator) -> Series {
        let catalog = figures.catalog();
        let builtins: Vec<_> = TRACKED.iter().map(|id| catalog.def(*id).name).collect();
        let mut names: Vec<Arc<str>> = self
            .slots
            .iter()
            .flat_map(|slot| slot.samples.keys())
            .filter(|name| !builtins.contains(name))
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        let columns = builtins.into_iter().chain(names);
        Series {
            step_seconds: self.step,
            columns: columns.flat_map(|name| self.columns(&name)).collect(),
        }
    }

    fn columns(&self, name: &Arc<str>) -> Vec<Column> {
        let mut all = self.slots.iter().filter_map(|slot| slot.samples.get(name));
        let Some(first) = all.next() else {
            return Vec::new();
        };
        let column = |stat: &str, unit, value: &dyn Fn(&Aggregate, f64) -> Option<f64>, empty| {
            let of = |slot: &Slot| match slot.samples.get(name) {
                Some(samples) => value(samples, slot.seconds).map(four_digits),
                None => empty,
            };
            Column {
                metric: name.to_string(),
                stat: stat.to_owned(),
                unit,
                values: self.slots.iter().map(of).collect(),
            }
        };
        let shown = unit(&first.unit);
        match first.kind {
            Kind::Gauge => vec![column("value", shown, &|one, _| Some(one.last), None)],
            Kind::Rate => vec![column(
                "share",
                crate::output::Unit::Share,
                &|one, _| one.rate(),
                None,
            )],
            Kind::Counter => {
                let rate = |one: &Aggregate, seconds: f64| Some(one.sum / seconds.max(0.1));
                let per_second = match first.unit {
                    Unit::Bytes => shown,
                    _ => crate::output::Unit::Plain,
                };
                vec![column("per second", per_second, &rate, Some(0.0))]
            }
            Kind::Trend => [("p(50)", 50.0), ("p(95)", 95.0), ("p(99)", 99.0)]
                .into_iter()
                .map(|(stat, percent)| {
                    column(
                        stat,
                        shown.clone(),
                        &move |one, _| one.percentile(percent),
                        None,
                    )
                })
                .collect(),
        }
    }
}

/// Rounded to four significant digits: what a curve can show, and half the text.
fn four_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = value.abs().log10().floor();
    #[expect(clippy::cast_possible_truncation, reason = "between -308 and 308")]
    let scale = 10f64.powi(3 - digits as i32);
    if scale.is_finite() {
        (value * scale).round() / scale
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::{Catalog, Recorder, TagSetId};

    fn run(seconds: usize, last: f64) -> (Curves, Series) {
        let catalog = Catalog::new(100);
        let mut figures = Aggregator::new(catalog.clone());
        let mut curves = Curves::new(&mut figures);
        let mut recorder = Recorder::new(catalog);
        for second in 0..seconds {
            for metric in [builtin::HTTP_REQS, builtin::VUS] {
                let series = recorder.series(metric, TagSetId::EMPTY);
                recorder.add(series, 10.0);
            }
            let series = recorder.series(builtin::HTTP_REQ_DURATION, TagSetId::EMPTY);
            recorder.add(series, second as f64 + 1.0);
            figures.merge(recorder.drain(), Duration::ZERO);
            let length = if second + 1 == seconds { last } else { 1.0 };
            curves.add(length, figures.take_interval().tracked);
        }
        let series = curves.series(&figures);
        (curves, series)
    }

    #[test]
    fn every_second_is_a_point() {
        let (_, series) = run(3, 1.0);
        assert_eq!(series.step_seconds, 1.0);
        let column = |metric, stat| series.column(metric, stat).unwrap().values.clone();
        assert_eq!(column("http_reqs", "per second"), [Some(10.0); 3]);
        assert_eq!(column("vus", "value"), [Some(10.0); 3]);
        let p95 = column("http_req_duration", "p(95)");
        assert_eq!(p95, [Some(1.0), Some(2.0), Some(3.0)]);
        assert!(series.column("http_req_failed", "share").is_none());
    }

    #[test]
    fn a_long_run_keeps_at_most_six_hundred_points() {
        let (curves, series) = run(3000, 1.0);
        assert!(curves.slots.len() <= MOST);
        assert_eq!(series.step_seconds, 8.0);
        let rate = &series.column("http_reqs", "per second").unwrap().values;
        assert_eq!(rate.len(), 375);
        assert!(rate.iter().all(|rate| *rate == Some(10.0)));
    }

    #[test]
    fn the_rest_at_the_end_belongs_to_the_last_point() {
        let (_, series) = run(3, 0.25);
        let rate = &series.column("http_reqs", "per second").unwrap().values;
        assert_eq!(*rate, [Some(10.0), Some(16.0)]);
    }

    #[test]
    fn four_digits_are_kept() {
        for (value, expected) in [
            (0.0, 0.0),
            (123_456.0, 123_500.0),
            (1.23456, 1.235),
            (-0.00012345, -0.0001235),
            (1e-320, 1e-320),
        ] {
            assert!((four_digits(value) - expected).abs() <= expected.abs() * 1e-12);
        }
    }
}
