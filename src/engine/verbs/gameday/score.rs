//! `p:score(name, value, { at_most, at_least, target })`: a measure against its target.

use std::time::Duration;

use mlua::{FromLuaMulti, Lua, MultiValue, Result, Value};
use serde_json::Value as Json;

use super::handle::{Floor, text};
use crate::base::units::{duration, millis, show_duration};
use crate::modules::words::{kind, number};
use crate::output::{EntryKind, Score};
use crate::script::{Options, misuse};

const KEYS: [&str; 3] = ["at_most", "at_least", "target"];

/// A bound of a score: a number, or a duration, whose scores are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Number(f64),
    Time(Duration),
}

/// Keeps a measure; returns whether it reached its target, or nil without one.
pub(super) async fn score(lua: &Lua, floor: &Floor, args: MultiValue) -> Result<Value> {
    let what = "score";
    let (name, value, options) = <(Value, Value, Value)>::from_lua_multi(args, lua)?;
    let name = text(lua, what, "the name", name)?;
    let options = Options::read(what, &KEYS, lua, options)?;
    let bounds = (bound(&options, "at_most")?, bound(&options, "at_least")?);
    let target = options.get_raw("target");
    let timed = matches!(
        bounds,
        (Some(Bound::Time(_)), _) | (_, Some(Bound::Time(_)))
    );
    let measured = match (&value, number(&value)) {
        (_, Some(number)) => Some(number),
        (Value::Nil, None) => None,
        (Value::String(_) | Value::Boolean(_), None) if bounds == (None, None) => None,
        (other, None) => {
            let got = kind(other);
            let message = format!("{what}: expected a number to compare, got {got}");
            return Err(misuse(lua, message));
        }
    };
    let shown = shown(&value, measured.filter(|_| timed));
    let (target, ok) = match (&target, bounds) {
        (Value::Nil, (None, None)) => (None, None),
        (Value::Nil, bounds) => {
            let ok = measured.is_some_and(|measured| within(measured, bounds));
            (Some(Json::String(words(bounds))), Some(ok))
        }
        (target, (None, None)) => {
            let wanted = self::shown(target, None);
            (wanted.clone(), Some(wanted == shown))
        }
        _ => {
            let message = "it does not go with `at_most` or `at_least`; write one of them";
            return Err(options.invalid("target", message));
        }
    };
    let seen = shown.as_ref().map(|value| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    });
    floor.enter(EntryKind::Score, &name, seen, "").await;
    floor.gameday.state().scores.push(Score {
        name,
        value: shown,
        target,
        ok,
    });
    Ok(ok.map_or(Value::Nil, Value::Boolean))
}

fn bound(options: &Options, key: &str) -> Result<Option<Bound>> {
    match options.get_raw(key) {
        Value::Nil => Ok(None),
        Value::String(text) => match duration(&text.to_string_lossy()) {
            Ok(time) => Ok(Some(Bound::Time(time))),
            Err(error) => Err(options.invalid(key, error)),
        },
        value => match number(&value) {
            Some(number) => Ok(Some(Bound::Number(number))),
            None => Err(options.invalid(key, "expected a number, or a duration such as \"5m\"")),
        },
    }
}

impl Bound {
    fn value(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Time(time) => time.as_secs_f64() * 1e3,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Time(time) => show_duration(time),
        }
    }
}

fn within(measured: f64, (most, least): (Option<Bound>, Option<Bound>)) -> bool {
    most.is_none_or(|most| measured <= most.value())
        && least.is_none_or(|least| measured >= least.value())
}

fn words((most, least): (Option<Bound>, Option<Bound>)) -> String {
    let most = most.map(|most| format!("at most {}", most.words()));
    let least = least.map(|least| format!("at least {}", least.words()));
    let both: Vec<String> = least.into_iter().chain(most).collect();
    both.join(", ")
}

/// A value as reports show it; with milliseconds, as a duration.
fn shown(value: &Value, as_time: Option<f64>) -> Option<Json> {
    if let Some(count) = as_time {
        let time = Duration::try_from_secs_f64((count / 1e3).max(0.0)).unwrap_or_default();
        let whole = Duration::from_millis(millis(time));
        return Some(Json::String(show_duration(whole)));
    }
    match value {
        Value::Boolean(flag) => Some(Json::Bool(*flag)),
        Value::String(text) => Some(Json::String(text.to_string_lossy())),
        value => {
            let number = number(value)?;
            serde_json::Number::from_f64((number * 1e6).round() / 1e6).map(Json::Number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_held_and_told() {
        let time = Some(Bound::Time(Duration::from_secs(300)));
        let least = Some(Bound::Number(2.0));
        assert!(within(300_000.0, (time, None)) && !within(300_001.0, (time, None)));
        assert!(within(3.0, (None, least)) && !within(1.0, (None, least)));
        assert_eq!(words((time, None)), "at most 5m");
        assert_eq!(
            words((Some(Bound::Number(9.5)), least)),
            "at least 2, at most 9.5"
        );
        let shown = shown(&Value::Nil, Some(1500.4));
        assert_eq!(shown, Some(Json::String("1.5s".to_owned())));
    }
}
