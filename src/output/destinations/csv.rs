//! `csv=FILE`: one row per series and second, the common tags in columns of their own.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::SystemTime;

use super::{About, Destination, Second, json, unit_word};
use crate::metrics::{Kind, Point};
use crate::output::{Summary, rfc3339};

/// Tags with a column of their own; others are in the last one.
const TAGS: [&str; 8] = [
    "scenario",
    "group",
    "name",
    "method",
    "status",
    "error_code",
    "check",
    "fault",
];

const NUMBERS: [&str; 10] = [
    "value", "count", "sum", "min", "max", "avg", "p50", "p90", "p95", "p99",
];

/// The file, written as the run goes on.
pub(super) struct Csv {
    out: csv::Writer<BufWriter<File>>,
    started: SystemTime,
}

impl Csv {
    pub(super) fn create(path: &Path, about: &About) -> Result<Self, String> {
        let mut out = csv::Writer::from_writer(json::create(path, "csv")?);
        let fixed = ["time", "at_ms", "metric", "kind", "unit"].into_iter();
        let header = fixed.chain(NUMBERS).chain(TAGS).chain(["other_tags"]);
        out.write_record(header).map_err(told)?;
        out.flush().map_err(told)?;
        Ok(Self {
            out,
            started: about.started,
        })
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Destination for Csv {
    fn second(&mut self, second: &Second) -> Result<(), String> {
        let time = rfc3339(self.started + second.at);
        for one in &second.points {
            self.out
                .write_record(row(one, second, &time))
                .map_err(told)?;
        }
        self.out.flush().map_err(told)
    }

    fn end(&mut self, _: &Summary, _: u64) -> Result<(), String> {
        self.out.flush().map_err(told)
    }
}

fn row(point: &Point, second: &Second, time: &str) -> Vec<String> {
    let (samples, kind) = (&point.samples, point.def.kind);
    let mut row = vec![
        time.to_owned(),
        second.at.as_millis().to_string(),
        point.def.name.to_string(),
        kind.name().to_owned(),
        unit_word(&point.def),
    ];
    let value = match kind {
        Kind::Counter => Some(samples.sum),
        Kind::Gauge => Some(samples.last),
        Kind::Rate => samples.rate(),
        Kind::Trend => samples.avg(),
    };
    let spread = matches!(kind, Kind::Gauge | Kind::Trend);
    let numbers = [
        value,
        None,
        (kind != Kind::Gauge).then_some(samples.sum),
        spread.then_some(samples.min),
        spread.then_some(samples.max),
        (kind == Kind::Trend).then(|| samples.avg()).flatten(),
        samples.percentile(50.0),
        samples.percentile(90.0),
        samples.percentile(95.0),
        samples.percentile(99.0),
    ];
    let text = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    row.extend(numbers.map(text));
    row[6] = samples.count.to_string();
    let tag = |name: &str| {
        let found = point.tags.iter().find(|(key, _)| &**key == name);
        found.map_or_else(String::new, |(_, value)| value.to_string())
    };
    row.extend(TAGS.map(tag));
    let others = point.tags.iter();
    let others = others.filter(|(key, _)| !TAGS.contains(&&**key));
    let others: Vec<_> = others
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    row.push(others.join("&"));
    row
}

#[cfg(test)]
mod tests {
    use super::super::testing::second;
    use super::*;
    use crate::output::sample::sample;

    #[test]
    fn a_table_program_reads_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let about = About {
            script: "a.lua".into(),
            seed: 7,
            started: SystemTime::UNIX_EPOCH,
        };
        let mut csv = Csv::create(&path, &about).unwrap();
        csv.second(&second(3, 1.0)).unwrap();
        csv.second(&second(4, 2.0)).unwrap();
        csv.end(&sample(), 0).unwrap();
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let header = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 8);
        let cell = |row: usize, name: &str| {
            let column = header.iter().position(|one| one == name).unwrap();
            rows[row][column].to_owned()
        };
        let row = (4..8)
            .find(|row| cell(*row, "metric") == "http_req_duration")
            .unwrap();
        for (name, expected) in [
            ("time", "1970-01-01T00:00:04.000Z"),
            ("at_ms", "4000"),
            ("kind", "trend"),
            ("value", "2"),
            ("count", "1"),
            ("p95", "2"),
            ("scenario", "browse"),
            ("name", "a \"quoted\", name"),
            ("other_tags", ""),
        ] {
            assert_eq!(cell(row, name), expected, "{name}");
        }
    }
}
