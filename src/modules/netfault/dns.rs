//! `netfault.dns`: names that are not found, or found elsewhere, or late.

use std::net::IpAddr;
use std::time::Duration;

use mlua::{Lua, Result, Table, Value};

use super::cut::fault;
use super::filter::{Many, keys_of_queries, named, read};
use crate::base::units::Share as Percent;
use crate::fault::net::dns::{Answer, Failure, Pattern, Spoofed};
use crate::fault::net::{DNS, Dns, Ports};
use crate::modules::hold::FaultValue;
use crate::modules::target::TargetValue;
use crate::script::{FromOption, Options, misuse, shown};

const WHAT: &str = DNS.name;
/// Longer than any resolver waits.
const MOST: Duration = Duration::from_secs(60);

/// Answers a target's queries wrongly, or late.
pub(super) fn dns(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["error", "random", "spoof", "delay", "names", "share", "tcp"];
    let target = TargetValue::from_option(target)
        .map_err(|problem| misuse(lua, format!("{WHAT}: argument 1: {problem}")))?;
    let options = Options::read(WHAT, &keys_of_queries(&own), lua, options)?;
    let mut filter = read(&options, &target.agent)?;
    if filter.port.is_empty() {
        let (first, last) = (53, 53);
        filter.port = vec![Ports { first, last }];
    }
    let delay: Option<Duration> = options.optional("delay")?;
    if delay.is_some_and(|delay| delay > MOST) {
        return Err(options.invalid("delay", "at most 60s; write error = \"timeout\""));
    }
    let answer = answer(&options)?;
    if answer == Answer::True && delay.is_none_or(|delay| delay.is_zero()) {
        return Err(options.wrong("give one of `error`, `random`, `spoof` and `delay`"));
    }
    if answer == Answer::Error(Failure::Timeout) && delay.is_some() {
        return Err(options.invalid("delay", "with error = \"timeout\" nothing comes at all"));
    }
    let Percent(share) = options.optional("share")?.unwrap_or(Percent(1.0));
    let label = format!("dns of {}: {}", target.label(), filter.label());
    let options = Dns {
        target: target.target,
        delay: delay.unwrap_or_default(),
        names: names(&options)?,
        share,
        refuse_tcp: refuse_tcp(&options, &answer)?,
        answer,
        filter,
    };
    fault(lua, &DNS, target.agent, &options, label)
}

fn answer(options: &Options) -> Result<Answer> {
    let failure = named(options, "error", &Failure::NAMES)?;
    let random: bool = options.optional("random")?.unwrap_or_default();
    let spoof = spoof(options)?;
    match (failure, random, spoof) {
        (None, false, None) => Ok(Answer::True),
        (Some(failure), false, None) => Ok(Answer::Error(failure)),
        (None, true, None) => Ok(Answer::Random),
        (None, false, Some(list)) => Ok(Answer::Spoof(list)),
        _ => Err(options.wrong("give one of `error`, `random` and `spoof`")),
    }
}

/// What changes answers must not be got round over TCP; a delay need not.
fn refuse_tcp(options: &Options, answer: &Answer) -> Result<bool> {
    let given = named(options, "tcp", &[("refuse", true), ("pass", false)])?;
    Ok(given.unwrap_or(*answer != Answer::True))
}

struct PatternValue(Pattern);

impl FromOption for PatternValue {
    fn from_option(value: Value) -> std::result::Result<Self, String> {
        let Value::String(text) = &value else {
            return Err(format!(
                "expected a name such as \"*.example\", got {}",
                shown(&value)
            ));
        };
        let pattern = text.to_string_lossy().parse();
        pattern
            .map(Self)
            .map_err(|error: crate::fault::net::FilterError| error.0)
    }
}

fn names(options: &Options) -> Result<Vec<Pattern>> {
    let given: Option<Many<PatternValue>> = options.optional("names")?;
    match given {
        None => Ok(Vec::new()),
        Some(Many(names)) if names.is_empty() => {
            Err(options.invalid("names", "the list is empty; leave it out to mean all"))
        }
        Some(Many(names)) => Ok(names.into_iter().map(|PatternValue(name)| name).collect()),
    }
}

/// Addresses by name; longer patterns come first, so that `*` is the last one tried.
fn spoof(options: &Options) -> Result<Option<Spoofed>> {
    let Some(table) = options.optional::<Table>("spoof")? else {
        return Ok(None);
    };
    let mut list = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let (name, addresses) = pair?;
        let PatternValue(name) =
            PatternValue::from_option(name).map_err(|problem| options.invalid("spoof", problem))?;
        let Many(texts) = Many::<String>::from_option(addresses)
            .map_err(|problem| options.invalid("spoof", problem))?;
        let read = |text: &String| {
            text.parse::<IpAddr>().map_err(|_| {
                let message = format!("{name}: \"{text}\" is no address; write \"10.0.0.7\"");
                options.invalid("spoof", message)
            })
        };
        let addresses = texts.iter().map(read).collect::<Result<Vec<_>>>()?;
        list.push((name, addresses));
    }
    if list.is_empty() {
        let message = "it is empty; write { [\"db.example\"] = \"10.0.0.7\" }";
        return Err(options.invalid("spoof", message));
    }
    // A table has no order: the same script must give the same answers.
    list.sort_by_cached_key(|(name, _)| {
        let text = name.to_string();
        (text.starts_with('*'), std::cmp::Reverse(text.len()), text)
    });
    Ok(Some(list))
}
