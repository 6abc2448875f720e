//! Questions in PromQL and their answers: a number, series, or series over time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlua::{Lua, Result, Table, Value};
use serde_json::{Map, Value as Json};

use super::connection::Connection;
use super::exposition::number;
use super::trouble::Trouble;
use crate::base::text::quoted;
use crate::modules::words;
use crate::script::Options;

/// The most points of one series that Prometheus returns.
const MOST_POINTS: f64 = 11_000.0;

/// One series of an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Series {
    pub(super) labels: Vec<(String, String)>,
    /// Milliseconds since 1970, and the value then.
    pub(super) points: Vec<(f64, f64)>,
}

/// When a question is about, in seconds as the API wants them; now if it is not said.
///
/// # Errors
///
/// Misuse: neither a number nor a text.
pub(super) fn moment(options: &Options, key: &str) -> Result<Option<String>> {
    let value = options.get_raw(key);
    if let Some(millis) = words::number(&value) {
        // Seconds taken for milliseconds would ask about 1970, where there is nothing: a green nil.
        if millis.is_finite() && millis >= 1e11 {
            return Ok(Some(format!("{:.3}", millis / 1e3)));
        }
        let problem = format!("{millis} is not in milliseconds since 1970; write now() - 60000");
        return Err(options.invalid(key, problem));
    }
    options.optional(key)
}

/// Asks for the value of an expression at one moment.
pub(super) async fn instant(
    connection: &Connection,
    query: &str,
    at: Option<&str>,
) -> std::result::Result<Vec<Series>, Trouble> {
    let mut form = vec![("query", query)];
    form.extend(at.map(|at| ("time", at)));
    let data = connection.post(&["query"], &form).await?;
    match data["resultType"].as_str() {
        Some("matrix") => Err(Trouble::Shape(format!(
            "{} gives ranges; leave the [5m] out, or put rate() or max_over_time() around it",
            quoted(query)
        ))),
        Some("string") => Err(Trouble::Shape(format!("{} gives a text", quoted(query)))),
        _ => series(&data),
    }
}

/// The only value of an answer; `None` if it is empty.
pub(super) fn only(query: &str, all: &[Series]) -> std::result::Result<Option<f64>, Trouble> {
    match all {
        [] => Ok(None),
        [one] => Ok(one.points.last().map(|(_, value)| *value)),
        many => {
            let shown: Vec<_> = many
                .iter()
                .take(2)
                .map(|one| selector(&one.labels))
                .collect();
            let dots = if many.len() > 2 { ", …" } else { "" };
            Err(Trouble::Shape(format!(
                "{} gives {} series ({}{dots}); aggregate them, as in sum({query}) or max({query}), \
                 or ask with vector",
                quoted(query),
                many.len(),
                shown.join(", ")
            )))
        }
    }
}

/// Over which time `range` asks.
#[derive(Debug, PartialEq)]
pub(super) struct Span {
    start: String,
    end: String,
    step: String,
}

impl Span {
    /// Reads `last`, `step` and `at`.
    ///
    /// # Errors
    ///
    /// Misuse: options that cannot be.
    pub(super) fn read(options: &Options) -> Result<Self> {
        let last: Option<Duration> = options.optional("last")?;
        let last = last.unwrap_or(Duration::from_secs(300));
        let step: Option<Duration> = options.optional("step")?;
        let step = step.unwrap_or(Duration::from_secs(15));
        if step < Duration::from_millis(1) {
            return Err(options.invalid("step", "it is too short; write \"15s\""));
        }
        if last.as_secs_f64() / step.as_secs_f64() >= MOST_POINTS {
            let problem = format!("it gives more than {MOST_POINTS} points; write a longer one");
            return Err(options.invalid("step", problem));
        }
        let end = match words::number(&options.get_raw("at")) {
            Some(_) => {
                let at = moment(options, "at")?.and_then(|at| number(&at));
                at.unwrap_or_default()
            }
            None if options.has("at") => {
                let problem = "expected milliseconds since 1970; write now() - 60000";
                return Err(options.invalid("at", problem));
            }
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                now.unwrap_or_default().as_secs_f64()
            }
        };
        Ok(Self {
            start: format!("{:.3}", end - last.as_secs_f64()),
            end: format!("{end:.3}"),
            step: format!("{:.3}", step.as_secs_f64()),
        })
    }
}

/// Asks for the values of an expression over time.
pub(super) async fn range(
    connection: &Connection,
    query: &str,
    span: &Span,
) -> std::result::Result<Vec<Series>, Trouble> {
    let form = [
        ("query", query),
        ("start", &span.start),
        ("end", &span.end),
        ("step", &span.step),
    ];
    series(&connection.post(&["query_range"], &form).await?)
}

fn series(data: &Json) -> std::result::Result<Vec<Series>, Trouble> {
    let foreign = || Trouble::Shape("an answer without a result that can be read".to_owned());
    let result = data["result"].as_array().ok_or_else(foreign)?;
    if data["resultType"] == "scalar" {
        let points = vec![pair(result).ok_or_else(foreign)?];
        let labels = Vec::new();
        return Ok(vec![Series { labels, points }]);
    }
    let all = result.iter().map(|one| {
        let labels = one["metric"].as_object().map(pairs).unwrap_or_default();
        let points = match (&one["value"], &one["values"]) {
            (Json::Array(point), _) => pair(point).map(|point| vec![point]),
            (_, Json::Array(points)) => {
                let points = points.iter().map(|point| pair(point.as_array()?));
                points.collect()
            }
            _ => {
                let shown = selector(&labels);
                return Err(Trouble::Shape(format!(
                    "{shown} is a native histogram; put histogram_quantile() or \
                     histogram_count() around it"
                )));
            }
        };
        let points = points.ok_or_else(foreign)?;
        Ok(Series { labels, points })
    });
    all.collect()
}

/// `[seconds, "value"]`.
fn pair(point: &[Json]) -> Option<(f64, f64)> {
    match point {
        [at, value] => Some((at.as_f64()? * 1e3, number(value.as_str()?)?)),
        _ => None,
    }
}

/// The texts of an object.
pub(super) fn pairs(object: &Map<String, Json>) -> Vec<(String, String)> {
    let texts = object.iter().filter_map(|(name, value)| {
        let value = value.as_str()?;
        Some((name.clone(), value.to_owned()))
    });
    texts.collect()
}

/// Labels as PromQL writes them.
fn selector(labels: &[(String, String)]) -> String {
    let mut name = "";
    let mut parts = Vec::new();
    for (label, value) in labels {
        if label == "__name__" {
            name = value;
        } else {
            parts.push(format!("{label}={value:?}"));
        }
    }
    format!("{name}{{{}}}", parts.join(","))
}

/// Labels as a table.
pub(super) fn labels_table(lua: &Lua, labels: &[(String, String)]) -> Result<Table> {
    let table = lua.create_table_with_capacity(0, labels.len())?;
    for (name, value) in labels {
        table.raw_set(name.as_str(), value.as_str())?;
    }
    Ok(table)
}

/// `{ { labels, value, at }, … }`.
pub(super) fn vector_table(lua: &Lua, all: &[Series]) -> Result<Value> {
    let list = lua.create_table_with_capacity(all.len(), 0)?;
    for one in all {
        let entry = lua.create_table()?;
        entry.raw_set("labels", labels_table(lua, &one.labels)?)?;
        if let Some((at, value)) = one.points.last() {
            entry.raw_set("value", *value)?;
            entry.raw_set("at", *at)?;
        }
        list.raw_push(entry)?;
    }
    Ok(Value::Table(list))
}

/// `{ { labels, points = { { at, value }, … } }, … }`.
pub(super) fn range_table(lua: &Lua, all: &[Series]) -> Result<Value> {
    let list = lua.create_table_with_capacity(all.len(), 0)?;
    for one in all {
        let points = lua.create_table_with_capacity(one.points.len(), 0)?;
        for (at, value) in &one.points {
            let point = lua.create_table_with_capacity(0, 2)?;
            point.raw_set("at", *at)?;
            point.raw_set("value", *value)?;
            points.raw_push(point)?;
        }
        let entry = lua.create_table()?;
        entry.raw_set("labels", labels_table(lua, &one.labels)?)?;
        entry.raw_set("points", points)?;
        list.raw_push(entry)?;
    }
    Ok(Value::Table(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_that_are_no_numbers_are_kept() {
        let data = json!({ "resultType": "vector", "result": [
            { "metric": { "__name__": "a", "b": "1" }, "value": [1.5, "NaN"] },
            { "metric": {}, "value": [2, "+Inf"] },
        ]});
        let all = series(&data).unwrap();
        assert!(all[0].points[0].1.is_nan());
        assert_eq!(all[0].points[0].0, 1500.0);
        assert_eq!(all[1].points, [(2000.0, f64::INFINITY)]);
        let problem = only("a", &all).unwrap_err().to_string();
        let wanted = "\"a\" gives 2 series (a{b=\"1\"}, {}); aggregate them, as in sum(a)";
        assert!(problem.starts_with(wanted), "{problem}");
    }

    #[test]
    fn a_scalar_is_one_series() {
        let data = json!({ "resultType": "scalar", "result": [1, "-Inf"] });
        let all = series(&data).unwrap();
        assert_eq!(only("a", &all), Ok(Some(f64::NEG_INFINITY)));
        assert_eq!(only("a", &[]), Ok(None));
    }

    #[test]
    fn answers_of_another_shape_are_told() {
        for wrong in [
            json!(null),
            json!({ "result": [{ "metric": {}, "value": [1, 2] }] }),
            json!({ "result": [{ "metric": {}, "value": ["1"] }] }),
            json!({ "resultType": "scalar", "result": [] }),
        ] {
            assert!(series(&wrong).is_err(), "{wrong}");
        }
        let native = json!({ "result": [{ "metric": {}, "histogram": [1, {}] }] });
        let problem = series(&native).unwrap_err().to_string();
        assert!(problem.contains("native histogram"), "{problem}");
    }
}
