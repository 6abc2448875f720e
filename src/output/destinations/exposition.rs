//! Figures as Prometheus has them: everything only grows, distributions are histograms.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::Second;
use crate::metrics::{Aggregate, Kind, MetricDef, Point, TagPairs, Unit};

/// Upper bounds of histograms of times, in milliseconds.
const TIMES: [f64; 17] = [
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5,
];
/// Upper bounds of other histograms, in the metric's unit.
const NUMBERS: [f64; 17] = [
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 1e5, 1e6,
    1e7,
];

/// All that was seen of every series since the run began.
#[derive(Debug, Default)]
pub(super) struct Totals {
    series: HashMap<usize, Total>,
}

#[derive(Debug)]
struct Total {
    def: MetricDef,
    tags: TagPairs,
    samples: Aggregate,
}

/// One number with its name and labels, sorted by name as remote write wants them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

impl Totals {
    /// Adds a second.
    pub(super) fn add(&mut self, second: &Second) {
        for point in &second.points {
            let Point {
                series,
                def,
                tags,
                samples,
            } = point;
            self.series
                .entry(*series)
                .and_modify(|total| total.samples.merge(samples))
                .or_insert_with(|| Total {
                    def: def.clone(),
                    tags: tags.clone(),
                    samples: samples.clone(),
                });
        }
    }

    /// The samples of those series that a second has.
    pub(super) fn changed(&self, second: &Second) -> Vec<Sample> {
        let points = second.points.iter();
        let totals = points.filter_map(|point| self.series.get(&point.series));
        totals.flat_map(Total::samples).collect()
    }

    /// All of it in the text format 0.0.4.
    pub(super) fn text(&self) -> String {
        let mut all: Vec<&Total> = self.series.values().collect();
        all.sort_by(|a, b| (&a.def.name, &a.tags).cmp(&(&b.def.name, &b.tags)));
        let mut out = String::new();
        let mut headed = None;
        // Writing to a string cannot fail.
        for total in all {
            if headed != Some(&total.def.name) {
                headed = Some(&total.def.name);
                let name = family(&total.def);
                if !total.def.help.is_empty() {
                    let _ = writeln!(out, "# HELP {name} {}", total.def.help);
                }
                let kind = match total.def.kind {
                    Kind::Counter | Kind::Rate => "counter",
                    Kind::Gauge => "gauge",
                    Kind::Trend => "histogram",
                };
                let _ = writeln!(out, "# TYPE {name} {kind}");
            }
            for sample in total.samples() {
                let labels = sample.labels.iter();
                let labels = labels.map(|(name, value)| format!("{name}=\"{}\"", escape(value)));
                let labels: Vec<_> = labels.collect();
                let braces = if labels.is_empty() {
                    String::new()
                } else {
                    format!("{{{}}}", labels.join(","))
                };
                let _ = writeln!(out, "{}{braces} {}", sample.name, sample.value);
            }
        }
        out
    }
}

impl Total {
    fn samples(&self) -> Vec<Sample> {
        let name = family(&self.def);
        let labels: Vec<_> = self
            .tags
            .iter()
            .map(|(k, v)| (label(k), v.to_string()))
            .collect();
        let with = |name: String, extra: Option<(&str, String)>, value: f64| {
            let mut labels = labels.clone();
            labels.extend(extra.map(|(name, value)| (name.to_owned(), value)));
            labels.sort();
            Sample {
                name,
                labels,
                value,
            }
        };
        let (samples, unit) = (&self.samples, scale(&self.def));
        match self.def.kind {
            Kind::Counter => vec![with(name, None, samples.sum / unit)],
            Kind::Gauge => vec![with(name, None, samples.last / unit)],
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
            Kind::Rate => [("true", samples.passes), ("false", samples.fails)]
                .into_iter()
                .map(|(is, count)| with(name.clone(), Some(("value", is.to_owned())), count as f64))
                .collect(),
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
            Kind::Trend => {
                let bounds = match self.def.unit {
                    Unit::Time => TIMES,
                    _ => NUMBERS,
                };
                let bucket = |bound: &f64| {
                    let le = (bound / unit).to_string();
                    let count = samples.at_most(*bound) as f64;
                    with(format!("{name}_bucket"), Some(("le", le)), count)
                };
                let mut all: Vec<_> = bounds.iter().map(bucket).collect();
                let count = samples.count as f64;
                let every = Some(("le", "+Inf".to_owned()));
                all.push(with(format!("{name}_bucket"), every, count));
                all.push(with(format!("{name}_sum"), None, samples.sum / unit));
                all.push(with(format!("{name}_count"), None, count));
                all
            }
        }
    }
}

/// How many of our units make one of Prometheus: it counts in seconds.
fn scale(def: &MetricDef) -> f64 {
    match def.unit {
        Unit::Time if def.kind != Kind::Rate => 1e3,
        _ => 1.0,
    }
}

/// The name with prefix, unit and `_total` as its conventions have it.
fn family(def: &MetricDef) -> String {
    let mut name = format!("rchaos_{}", def.name);
    let unit = match (&def.unit, def.kind) {
        (_, Kind::Rate) => "",
        (Unit::Time, _) => "_seconds",
        (Unit::Bytes, _) => "_bytes",
        _ => "",
    };
    if !name.ends_with(unit) {
        name += unit;
    }
    if matches!(def.kind, Kind::Counter | Kind::Rate) && !name.ends_with("_total") {
        name += "_total";
    }
    name
}

/// A tag's name as a label's; those that we or Prometheus give a meaning are moved out of the way.
fn label(name: &str) -> String {
    let fits = |(index, c): (usize, char)| {
        if c.is_ascii_alphabetic() || c == '_' || (index > 0 && c.is_ascii_digit()) {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().enumerate().map(fits).collect();
    if name.is_empty() || name.starts_with("__") || matches!(&*name, "le" | "value" | "quantile") {
        return format!("tag_{name}");
    }
    name
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::second;
    use super::*;

    #[test]
    fn figures_grow_from_second_to_second() {
        let mut totals = Totals::default();
        totals.add(&second(1, 3.0));
        totals.add(&second(2, 40.0));
        let text = totals.text();
        let tags = "name=\"a \\\"quoted\\\", name\",scenario=\"browse\"";
        for line in [
            "# TYPE rchaos_http_reqs_total counter".to_owned(),
            format!("rchaos_http_reqs_total{{{tags}}} 43"),
            format!("rchaos_http_req_failed_total{{{tags},value=\"true\"}} 2"),
            format!("rchaos_http_req_failed_total{{{tags},value=\"false\"}} 0"),
            "# HELP rchaos_http_req_duration_seconds sending, waiting and receiving".to_owned(),
            "# TYPE rchaos_http_req_duration_seconds histogram".to_owned(),
            "# TYPE rchaos_depth_bytes gauge".to_owned(),
            format!("rchaos_depth_bytes{{{tags}}} 40"),
        ] {
            assert!(text.lines().any(|one| one == line), "no {line}\n{text}");
        }
        let bucket = |le: &str| {
            let start = "rchaos_http_req_duration_seconds_bucket{";
            let mark = format!("le=\"{le}\"");
            let mut lines = text.lines();
            let line = lines.find(|line| line.starts_with(start) && line.contains(&mark));
            line.unwrap().rsplit(' ').next().unwrap().to_owned()
        };
        assert_eq!(bucket("0.0025"), "0");
        assert_eq!(bucket("0.005"), "1");
        assert_eq!(bucket("0.05"), "2");
        assert_eq!(bucket("+Inf"), "2");
        let sum = text
            .lines()
            .find(|line| line.contains("duration_seconds_sum"))
            .unwrap();
        assert!(sum.ends_with(" 0.043"), "{sum}");
    }

    #[test]
    fn names_of_tags_become_labels() {
        assert_eq!(label("a-b.c"), "a_b_c");
        assert_eq!(label("1st"), "_st");
        assert_eq!(label("le"), "tag_le");
        assert_eq!(label("__name__"), "tag___name__");
    }
}
