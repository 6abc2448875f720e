//! `metrics.get`: what a metric amounts to so far, or lately.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlua::{Lua, Result, UserData, UserDataMethods, Value};

use crate::base::clock::Clock;
use crate::metrics::{Aggregate, Aggregator, Selector};
use crate::script::{FromOption, Options, current, misuse};

const WHAT: &str = "metrics.get";

/// How long a window may be; each keeps its slices of 200 ms in memory.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a selector matched when it was asked.
struct Reading {
    aggregate: Aggregate,
    /// The time that the samples span.
    span: Duration,
}

/// The samples that a selector matches; nil if there are none yet. Workers report five times a
/// second, so the newest samples are missing.
pub(super) fn get(lua: &Lua, (selector, options): (Value, Value)) -> Result<Value> {
    let text = String::from_option(selector)
        .map_err(|problem| misuse(lua, format!("{WHAT}: the selector: {problem}")))?;
    let options = Options::read(WHAT, &["window"], lua, options)?;
    let window: Option<Duration> = options.optional("window")?;
    if let Some(window) = window.filter(|window| window.is_zero() || *window > LONGEST) {
        let window = crate::base::units::show_duration(window);
        let problem = format!("\"{window}\" is not between \"200ms\" and \"1h\"");
        return Err(options.invalid("window", problem));
    }
    let selector = Selector::parse(&current()?.vu.catalog, &text)
        .map_err(|error| misuse(lua, format!("{WHAT}: {error}")))?;
    let Some(reading) = read(lua, &selector, window) else {
        return Ok(Value::Nil);
    };
    lua.create_userdata(reading).map(Value::UserData)
}

fn read(lua: &Lua, selector: &Selector, window: Option<Duration>) -> Option<Reading> {
    let shared = lua.app_data_ref::<Arc<Mutex<Aggregator>>>()?;
    let now = lua.app_data_ref::<Clock>().map(|clock| clock.elapsed())?;
    let mut all = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let (aggregate, span) = match window {
        None => (all.select(selector)?, now),
        Some(window) => {
            // From the first question on; before it the recent past was not kept.
            all.watch(selector.clone(), window);
            (all.window(selector, window, now)?, window.min(now))
        }
    };
    Some(Reading { aggregate, span })
}

impl UserData for Reading {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("p", |lua, this, percent: Value| {
            let percent = f64::from_option(percent)
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent))
                .ok_or_else(|| misuse(lua, "reading:p: write a number from 0 to 100, as p(95)"))?;
            Ok(this.aggregate.percentile(percent))
        });
        methods.add_method("avg", |_, this, ()| Ok(this.aggregate.avg()));
        methods.add_method("med", |_, this, ()| Ok(this.aggregate.median()));
        methods.add_method("min", |_, this, ()| Ok(this.aggregate.min));
        methods.add_method("max", |_, this, ()| Ok(this.aggregate.max));
        methods.add_method("count", |_, this, ()| {
            #[expect(clippy::cast_precision_loss, reason = "Lua numbers are doubles")]
            let count = this.aggregate.count as f64;
            Ok(count)
        });
        methods.add_method("sum", |_, this, ()| Ok(this.aggregate.sum));
        methods.add_method("value", |_, this, ()| Ok(this.aggregate.last));
        methods.add_method("rate", |_, this, ()| {
            let share = this.aggregate.rate();
            Ok(share.or_else(|| this.aggregate.per_second(this.span)))
        });
    }
}
