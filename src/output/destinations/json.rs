//! `json=FILE`: one JSON object a line: the run, one point per series and second, events, the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::{About, Destination, Second, unit_word};
use crate::base::text::quoted;
use crate::metrics::{Kind, Point};
use crate::output::{Event, Summary, rfc3339};

/// Names the format; a change that breaks readers changes the number.
const SCHEMA: &str = "rchaos-points/1";

/// The file, written as the run goes on.
pub(super) struct Json {
    out: BufWriter<File>,
    started: SystemTime,
}

/// Makes a file that is written line by line.
pub(super) fn create(path: &Path, kind: &str) -> Result<BufWriter<File>, String> {
    let file = File::create(path).map_err(|error| {
        let path = quoted(&path.to_string_lossy());
        format!("cannot write {kind} to {path}: {error}")
    })?;
    Ok(BufWriter::new(file))
}

impl Json {
    pub(super) fn create(path: &Path, about: &About) -> Result<Self, String> {
        let mut json = Self {
            out: create(path, "json")?,
            started: about.started,
        };
        let head = json!({
            "type": "run",
            "schema": SCHEMA,
            "script": about.script,
            "seed": about.seed,
            "started": rfc3339(about.started),
        });
        json.line(&head)?;
        json.flush()?;
        Ok(json)
    }

    fn line(&mut self, value: &Value) -> Result<(), String> {
        serde_json::to_writer(&mut self.out, value).map_err(|error| error.to_string())?;
        self.out.write_all(b"\n").map_err(|error| error.to_string())
    }

    fn flush(&mut self) -> Result<(), String> {
        self.out.flush().map_err(|error| error.to_string())
    }
}

impl Destination for Json {
    fn second(&mut self, second: &Second) -> Result<(), String> {
        let time = rfc3339(self.started + second.at);
        for one in &second.points {
            self.line(&point(one, second, &time))?;
        }
        self.flush()
    }

    fn event(&mut self, event: &Event) -> Result<(), String> {
        let line = json!({
            "type": "event",
            "time": rfc3339(self.started + event.at),
            "at_ms": event.at.as_millis().min(u128::from(u64::MAX)) as u64,
            "kind": event.kind.word(),
            "text": event.text,
        });
        self.line(&line)?;
        self.flush()
    }

    fn end(&mut self, summary: &Summary, lost: u64) -> Result<(), String> {
        let line = json!({
            "type": "end",
            "time": rfc3339(SystemTime::now()),
            "verdict": summary.verdict.word(),
            "exit_code": summary.exit_code,
            "lost": lost,
        });
        self.line(&line)?;
        self.flush()
    }
}

fn point(point: &Point, second: &Second, time: &str) -> Value {
    let samples = &point.samples;
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| {
        line.insert(key.to_owned(), value);
    };
    put("type", "point".into());
    put("time", time.into());
    put("at_ms", (second.at.as_millis() as u64).into());
    put("metric", (&*point.def.name).into());
    put("kind", point.def.kind.name().into());
    put("unit", unit_word(&point.def).into());
    let tags = point.tags.iter();
    let tags = tags.map(|(key, value)| (key.to_string(), Value::from(&**value)));
    put("tags", Value::Object(tags.collect()));
    put("count", samples.count.into());
    match point.def.kind {
        Kind::Counter => put("sum", samples.sum.into()),
        Kind::Gauge => {
            put("value", samples.last.into());
            put("min", samples.min.into());
            put("max", samples.max.into());
        }
        Kind::Rate => {
            put("rate", samples.rate().into());
            put("passes", samples.passes.into());
            put("fails", samples.fails.into());
        }
        Kind::Trend => {
            put("sum", samples.sum.into());
            put("min", samples.min.into());
            put("max", samples.max.into());
            put("avg", samples.avg().into());
            for (key, percent) in [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0)] {
                put(key, samples.percentile(percent).into());
            }
        }
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::super::testing::second;
    use super::*;
    use crate::output::sample::sample;

    #[test]
    fn every_line_is_an_object_and_nothing_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        let about = About {
            script: "a.lua".into(),
            seed: 7,
            started: SystemTime::UNIX_EPOCH,
        };
        let mut json = Json::create(&path, &about).unwrap();
        json.second(&second(3, 1.0)).unwrap();
        json.event(&sample().timeline[1]).unwrap();
        json.end(&sample(), 2).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let types: Vec<_> = lines
            .iter()
            .map(|line| line["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            ["run", "point", "point", "point", "point", "event", "end"]
        );
        let find = |metric: &str| lines.iter().find(|line| line["metric"] == metric).unwrap();
        assert_eq!(
            find("http_req_duration").to_string(),
            r#"{"type":"point","time":"1970-01-01T00:00:03.000Z","at_ms":3000,"metric":"http_req_duration","kind":"trend","unit":"ms","tags":{"name":"a \"quoted\", name","scenario":"browse"},"count":1,"sum":1.0,"min":1.0,"max":1.0,"avg":1.0,"p50":1.0,"p90":1.0,"p95":1.0,"p99":1.0}"#
        );
        assert_eq!(find("http_req_failed")["rate"], 1.0);
        assert_eq!(find("depth")["value"], 1.0);
        assert_eq!(lines[5]["text"], "browse: started");
        assert_eq!(lines[6]["lost"], 2);
    }

    #[test]
    fn a_wrong_path_is_told() {
        let about = About {
            script: String::new(),
            seed: 0,
            started: SystemTime::UNIX_EPOCH,
        };
        let error = Json::create(Path::new("/no/such/a.json"), &about)
            .err()
            .unwrap();
        assert!(
            error.starts_with("cannot write json to \"/no/such/a.json\": No such"),
            "{error}"
        );
    }
}
