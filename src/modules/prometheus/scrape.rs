//! `prometheus.scrape`: a target's own metrics, read without a server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlua::{Lua, LuaString, Result, Table, UserData, UserDataMethods, Value};

use super::channel::{self, Channel, Clients};
use super::exposition::{Label, Sample, samples, validate};
use super::histogram::Histogram;
use super::query::labels_table;
use super::trouble::Trouble;
use super::wait::failed;
use crate::base::text::quoted;
use crate::modules::words::number;
use crate::script::{FromOption, Options, interruptible, misuse};

const WHAT: &str = "prometheus.scrape";

const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What a target showed. The text is Lua's, so that Lua's limit sees it; each question reads it anew.
struct Scrape {
    text: LuaString,
    open_metrics: bool,
}

/// Reads `/metrics` of a target.
///
/// # Errors
///
/// Misuse: wrong arguments. Otherwise: no answer, or a text that is not one of metrics.
pub(super) async fn scrape(
    lua: &Lua,
    clients: &Arc<Clients>,
    (target, options): (Value, Value),
) -> Result<Value> {
    let text = String::from_option(target)
        .map_err(|problem| misuse(lua, format!("{WHAT}: the URL: {problem}")))?;
    let mut url =
        channel::url(&text).map_err(|problem| misuse(lua, format!("{WHAT}: {problem}")))?;
    if url.path() == "/" {
        url.set_path("/metrics");
    }
    let options = Options::read(WHAT, &channel::KEYS, lua, options)?;
    let channel = Channel::read(clients, &options, &mut url)?;
    let answer = interruptible(channel.send(&url, None, ACCEPT)).await?;
    let answer = answer.map_err(|trouble| failed(WHAT, &trouble))?;
    let shown = || url.to_string();
    let trouble = |trouble: Trouble| failed(WHAT, &trouble);
    let text = String::from_utf8(answer.body);
    if !(200..300).contains(&answer.status) {
        return Err(trouble(Trouble::Status {
            url: shown(),
            status: answer.status,
            text: text.unwrap_or_default(),
        }));
    }
    let unreadable = |problem: String| {
        let url = quoted(url.as_str());
        trouble(Trouble::Shape(format!("{url} shows no metrics: {problem}")))
    };
    let text = text.map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    let kind = answer.kind.trim_start().to_ascii_lowercase();
    let open_metrics = kind.starts_with("application/openmetrics-text");
    validate(&text, open_metrics).map_err(|error| unreadable(error.to_string()))?;
    let text = lua.create_string(text)?;
    let scrape = Scrape { text, open_metrics };
    lua.create_userdata(scrape).map(Value::UserData)
}

/// A metric and the labels that its series must have.
struct Wanted {
    what: &'static str,
    name: String,
    labels: BTreeMap<String, String>,
}

impl Wanted {
    fn read(lua: &Lua, what: &'static str, name: Value, labels: Value) -> Result<Self> {
        let wrong = |part: &str, problem: String| misuse(lua, format!("{what}: {part}: {problem}"));
        let name =
            String::from_option(name).map_err(|problem| wrong("the metric's name", problem))?;
        let labels = match labels {
            Value::Nil => BTreeMap::new(),
            labels => {
                BTreeMap::from_option(labels).map_err(|problem| wrong("the labels", problem))?
            }
        };
        Ok(Self { what, name, labels })
    }

    fn has(&self, sample: &Sample<'_>) -> bool {
        let mut labels = self.labels.iter();
        labels.all(|(name, value)| sample.label(name) == value)
    }

    fn fails(&self, problem: impl std::fmt::Display) -> mlua::Error {
        let name = quoted(&self.name);
        mlua::Error::runtime(format!("{}: {name}: {problem}", self.what))
    }
}

impl Scrape {
    /// Calls `see` for every sample; the text was validated when it came.
    fn each(&self, mut see: impl FnMut(Sample<'_>) -> Result<()>) -> Result<()> {
        let bytes = self.text.as_bytes();
        let text = std::str::from_utf8(&bytes).map_err(mlua::Error::external)?;
        samples(text, self.open_metrics)
            .flatten()
            .try_for_each(&mut see)
    }

    fn value(&self, wanted: &Wanted) -> Result<Option<f64>> {
        let (mut found, mut count) = (None, 0_usize);
        self.each(|sample| {
            if sample.name == wanted.name && wanted.has(&sample) {
                found = Some(sample.value);
                count += 1;
            }
            Ok(())
        })?;
        if count > 1 {
            let problem = format!("{count} series match; name more labels, or use all");
            return Err(wanted.fails(problem));
        }
        Ok(found)
    }

    fn all(&self, lua: &Lua, wanted: &Wanted) -> Result<Table> {
        let list = lua.create_table()?;
        self.each(|sample| {
            if sample.name != wanted.name || !wanted.has(&sample) {
                return Ok(());
            }
            let entry = point(lua, &sample.labels, sample.value, sample.at)?;
            if let Some(one) = &sample.exemplar {
                entry.raw_set("exemplar", point(lua, &one.labels, one.value, one.at)?)?;
            }
            list.raw_push(entry)
        })?;
        Ok(list)
    }

    fn histogram(&self, wanted: &Wanted) -> Result<Option<Histogram>> {
        let mut histogram = Histogram::default();
        self.each(|sample| {
            let Some(part) = sample.name.strip_prefix(wanted.name.as_str()) else {
                return Ok(());
            };
            if !matches!(part, "_bucket" | "_sum" | "_count") || !wanted.has(&sample) {
                return Ok(());
            }
            match part {
                "_sum" => histogram.sum += sample.value,
                "_count" => histogram.count += sample.value,
                _ => histogram
                    .bucket(&sample)
                    .map_err(|error| wanted.fails(error))?,
            }
            Ok(())
        })?;
        histogram.sealed().map_err(|error| wanted.fails(error))
    }

    fn names(&self, lua: &Lua) -> Result<Table> {
        let mut names = BTreeSet::new();
        self.each(|sample| {
            if !names.contains(sample.name) {
                names.insert(sample.name.to_owned());
            }
            Ok(())
        })?;
        lua.create_sequence_from(names)
    }
}

fn point(lua: &Lua, labels: &[Label<'_>], value: f64, at: Option<f64>) -> Result<Table> {
    let entry = lua.create_table()?;
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into_owned()))
        .collect();
    entry.raw_set("labels", labels_table(lua, &labels)?)?;
    entry.raw_set("value", value)?;
    entry.raw_set("at", at)?;
    Ok(entry)
}

fn histogram_table(lua: &Lua, histogram: &Histogram) -> Result<Table> {
    let buckets = lua.create_table_with_capacity(histogram.buckets.len(), 0)?;
    for bucket in &histogram.buckets {
        let entry = lua.create_table_with_capacity(0, 2)?;
        entry.raw_set("le", bucket.le)?;
        entry.raw_set("count", bucket.count)?;
        buckets.raw_push(entry)?;
    }
    let table = lua.create_table()?;
    table.raw_set("buckets", buckets)?;
    table.raw_set("sum", histogram.sum)?;
    table.raw_set("count", histogram.count)?;
    Ok(table)
}

/// A share of the observations, 0 to 1.
fn share(lua: &Lua, value: &Value) -> Result<f64> {
    let share = number(value).filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| {
        let message = "scrape:quantile: the quantile is a number from 0 to 1; \
                       write scrape:quantile(0.95, \"http_request_duration_seconds\")";
        misuse(lua, message)
    })
}

impl UserData for Scrape {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("value", |lua, this, (name, labels)| {
            this.value(&Wanted::read(lua, "scrape:value", name, labels)?)
        });
        methods.add_method("all", |lua, this, (name, labels)| {
            this.all(lua, &Wanted::read(lua, "scrape:all", name, labels)?)
        });
        methods.add_method("histogram", |lua, this, (name, labels)| {
            let wanted = Wanted::read(lua, "scrape:histogram", name, labels)?;
            let found = this.histogram(&wanted)?;
            found.map(|found| histogram_table(lua, &found)).transpose()
        });
        methods.add_method(
            "quantile",
            |lua, this, (share_, name, labels): (Value, _, _)| {
                let share = share(lua, &share_)?;
                let wanted = Wanted::read(lua, "scrape:quantile", name, labels)?;
                Ok(this
                    .histogram(&wanted)?
                    .and_then(|found| found.quantile(share)))
            },
        );
        methods.add_method("names", |lua, this, ()| this.names(lua));
    }
}
