//! `netfault.latency`, `loss`, `duplicate`, `corrupt`, `reorder`, `bandwidth` and `impair`.

use std::time::Duration;

use mlua::{Lua, Result, Value};

use super::cut::{fault, label, open};
use super::filter::{named, read};
use crate::base::units::{Bandwidth as Rate, Bytes, Share as Percent};
use crate::fault::net::queue::{Delay, Distribution, Impairment, Loss as Model, Pace, Share};
use crate::fault::net::{
    BANDWIDTH, Bandwidth, CORRUPT, Corrupt, DUPLICATE, Duplicate, IMPAIR, Impair, LATENCY, LOSS,
    Latency, Loss, REORDER, Reorder,
};
use crate::modules::hold::FaultValue;
use crate::script::Options;

/// Delays the packets of a target.
pub(super) fn latency(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["delay", "jitter", "correlation", "distribution"];
    let (target, options) = open(lua, LATENCY.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let delay = delay(&options, options.required("delay")?)?;
    let label = label(&format!("latency {:?} on", delay.delay), &target, &filter);
    let options = Latency {
        target: target.target,
        delay,
        filter,
    };
    fault(lua, &LATENCY, target.agent, &options, label)
}

/// Loses a share of the packets of a target, or by a model.
pub(super) fn loss(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["loss", "correlation", "gilbert", "states"];
    let (target, options) = open(lua, LOSS.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let Some(loss) = model(&options)? else {
        return Err(options.wrong("option `loss` is missing; or give `gilbert` or `states`"));
    };
    let label = label("loss on", &target, &filter);
    let options = Loss {
        target: target.target,
        loss,
        filter,
    };
    fault(lua, &LOSS, target.agent, &options, label)
}

/// Doubles a share of the packets of a target.
pub(super) fn duplicate(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["duplicate", "correlation"];
    let (target, options) = open(lua, DUPLICATE.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let label = label("duplicate on", &target, &filter);
    let options = Duplicate {
        target: target.target,
        duplicate: share(&options, options.required("duplicate")?)?,
        filter,
    };
    fault(lua, &DUPLICATE, target.agent, &options, label)
}

/// Flips a bit in a share of the packets of a target.
pub(super) fn corrupt(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["corrupt", "correlation"];
    let (target, options) = open(lua, CORRUPT.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let label = label("corrupt on", &target, &filter);
    let options = Corrupt {
        target: target.target,
        corrupt: share(&options, options.required("corrupt")?)?,
        filter,
    };
    fault(lua, &CORRUPT, target.agent, &options, label)
}

/// Lets a share of the packets of a target overtake the others, which are delayed.
pub(super) fn reorder(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["reorder", "correlation", "gap", "delay"];
    let (target, options) = open(lua, REORDER.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let label = label("reorder on", &target, &filter);
    let lengthened = within_a_minute(&options, options.required("delay")?)?;
    if lengthened.is_zero() {
        return Err(options.invalid("delay", "nothing overtakes what is not delayed"));
    }
    let options = Reorder {
        target: target.target,
        reorder: overtaking(&options, options.required("reorder")?)?,
        delay: steady(lengthened),
        filter,
    };
    fault(lua, &REORDER, target.agent, &options, label)
}

/// Lets the packets of a target pass no faster than a rate.
pub(super) fn bandwidth(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = ["rate", "burst", "queue"];
    let (target, options) = open(lua, BANDWIDTH.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let label = label("bandwidth on", &target, &filter);
    let options = Bandwidth {
        target: target.target,
        pace: pace(&options, options.required("rate")?)?,
        filter,
    };
    fault(lua, &BANDWIDTH, target.agent, &options, label)
}

/// Several impairments of the same packets.
pub(super) fn impair(lua: &Lua, (target, options): (Value, Value)) -> Result<FaultValue> {
    let own = [
        "delay",
        "jitter",
        "correlation",
        "distribution",
        "loss",
        "gilbert",
        "states",
        "duplicate",
        "corrupt",
        "reorder",
        "gap",
        "rate",
        "burst",
        "queue",
    ];
    let (target, options) = open(lua, IMPAIR.name, &own, target, options)?;
    let filter = read(&options, &target.agent)?;
    let impairment = impairment(&options)?;
    if impairment == Impairment::default() {
        return Err(options.wrong("nothing is impaired; give `delay`, `loss`, `rate` or another"));
    }
    let label = label("impair", &target, &filter);
    let options = Impair {
        target: target.target,
        impairment,
        filter,
    };
    fault(lua, &IMPAIR, target.agent, &options, label)
}

/// All that packets suffer at once.
fn impairment(options: &Options) -> Result<Impairment> {
    let plain = |key: &str| -> Result<Option<Share>> {
        let found: Option<Percent> = options.optional(key)?;
        Ok(found.map(|Percent(share)| Share {
            share,
            correlation: 0.0,
        }))
    };
    let lengthened: Option<Duration> = options.optional("delay")?;
    let overtakes: Option<Percent> = options.optional("reorder")?;
    let rate: Option<Rate> = options.optional("rate")?;
    for (key, needs, given) in [
        ("jitter", "delay", lengthened.is_some()),
        ("correlation", "delay", lengthened.is_some()),
        ("distribution", "delay", lengthened.is_some()),
        ("reorder", "delay", lengthened.is_some()),
        ("gap", "reorder", overtakes.is_some()),
        ("burst", "rate", rate.is_some()),
        ("queue", "rate", rate.is_some()),
    ] {
        if options.has(key) && !given {
            return Err(options.invalid(key, format!("it needs `{needs}`")));
        }
    }
    Ok(Impairment {
        delay: lengthened.map(|time| delay(options, time)).transpose()?,
        // `correlation` is the delay's here: one word could not say which one is meant.
        loss: match (plain("loss")?, model_of_states(options)?) {
            (Some(_), Some(_)) => return Err(one_loss(options)),
            (share, model) => share.map(Model::Random).or(model),
        },
        duplicate: plain("duplicate")?,
        corrupt: plain("corrupt")?,
        reorder: match overtakes {
            None => None,
            Some(Percent(share)) => Some(crate::fault::net::queue::Reorder {
                share: Share {
                    share,
                    correlation: 0.0,
                },
                gap: options.optional("gap")?.unwrap_or_default(),
            }),
        },
        pace: rate.map(|rate| pace(options, rate)).transpose()?,
    })
}

fn steady(delay: Duration) -> Delay {
    Delay {
        delay,
        jitter: Duration::ZERO,
        correlation: 0.0,
        distribution: Distribution::Uniform,
    }
}

fn within_a_minute(options: &Options, delay: Duration) -> Result<Duration> {
    const MOST: Duration = Duration::from_secs(60);
    if delay > MOST {
        return Err(options.invalid("delay", "at most 60s; a black hole is for ever"));
    }
    Ok(delay)
}

fn delay(options: &Options, delay: Duration) -> Result<Delay> {
    let delay = within_a_minute(options, delay)?;
    let jitter: Duration = options.optional("jitter")?.unwrap_or_default();
    if jitter > delay {
        return Err(options.invalid("jitter", format!("it is above the delay of {delay:?}")));
    }
    for key in ["correlation", "distribution"] {
        if options.has(key) && jitter.is_zero() {
            return Err(options.invalid(key, "it says how the delay varies, which needs `jitter`"));
        }
    }
    Ok(Delay {
        delay,
        jitter,
        correlation: correlation(options)?,
        distribution: named(options, "distribution", &Distribution::NAMES)?.unwrap_or_default(),
    })
}

fn correlation(options: &Options) -> Result<f64> {
    let Percent(share) = options.optional("correlation")?.unwrap_or(Percent(0.0));
    if share >= 1.0 {
        let message = "at 100% nothing would ever change; give less";
        return Err(options.invalid("correlation", message));
    }
    Ok(share)
}

fn share(options: &Options, Percent(share): Percent) -> Result<Share> {
    let correlation = correlation(options)?;
    Ok(Share { share, correlation })
}

fn overtaking(options: &Options, share_of: Percent) -> Result<crate::fault::net::queue::Reorder> {
    Ok(crate::fault::net::queue::Reorder {
        share: share(options, share_of)?,
        gap: options.optional("gap")?.unwrap_or_default(),
    })
}

fn pace(options: &Options, Rate(rate): Rate) -> Result<Pace> {
    // Below this a single large packet would take seconds.
    const LEAST: f64 = 1000.0;
    const PACKET: u64 = 2000;
    if rate < LEAST {
        return Err(options.invalid("rate", "at least \"8kbit\""));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and the rate is positive"
    )]
    let per = |seconds: f64| (rate * seconds) as u64;
    let burst: Option<Bytes> = options.optional("burst")?;
    let queue: Option<Bytes> = options.optional("queue")?;
    if queue.is_some_and(|Bytes(bytes)| bytes < PACKET) {
        return Err(options.invalid("queue", "at least \"2KB\", or no packet fits"));
    }
    Ok(Pace {
        rate,
        burst: burst.map_or_else(|| per(0.01).max(32 << 10), |Bytes(bytes)| bytes),
        // A fifth of a second, and room for two of the largest packets.
        queue: queue.map_or_else(|| per(0.2).max(128 << 10), |Bytes(bytes)| bytes),
    })
}

fn one_loss(options: &Options) -> mlua::Error {
    options.wrong("give one of `loss`, `gilbert` and `states`")
}

fn model(options: &Options) -> Result<Option<Model>> {
    let lost: Option<Percent> = options.optional("loss")?;
    match (lost, model_of_states(options)?) {
        (Some(_), Some(_)) => Err(one_loss(options)),
        (Some(lost), None) => Ok(Some(Model::Random(share(options, lost)?))),
        (None, Some(_)) if options.has("correlation") => Err(options.invalid(
            "correlation",
            "the states say how losses follow each other already",
        )),
        (None, model) => Ok(model),
    }
}

fn model_of_states(options: &Options) -> Result<Option<Model>> {
    let gilbert = options.child("gilbert", &["to_bad", "to_good", "bad", "good"])?;
    let states = options.child("states", &["p13", "p31", "p32", "p23", "p14"])?;
    let required = |inner: &Options, key: &str| -> Result<f64> {
        inner.required(key).map(|Percent(share)| share)
    };
    let or = |inner: &Options, key: &str, default: f64| -> Result<f64> {
        let given: Option<Percent> = inner.optional(key)?;
        Ok(given.map_or(default, |Percent(share)| share))
    };
    match (gilbert, states) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(one_loss(options)),
        (Some(inner), None) => Ok(Some(Model::Gilbert {
            to_bad: required(&inner, "to_bad")?,
            to_good: required(&inner, "to_good")?,
            bad: or(&inner, "bad", 1.0)?,
            good: or(&inner, "good", 0.0)?,
        })),
        (None, Some(inner)) => {
            let (p13, p31) = (required(&inner, "p13")?, required(&inner, "p31")?);
            let (p32, p14) = (or(&inner, "p32", 0.0)?, or(&inner, "p14", 0.0)?);
            for (key, sum, words) in [
                ("p14", p13 + p14, "p13 and p14"),
                ("p32", p31 + p32, "p31 and p32"),
            ] {
                if sum > 1.0 {
                    let message =
                        format!("{words} leave one state, and are more than 100% together");
                    return Err(inner.invalid(key, message));
                }
            }
            Ok(Some(Model::States {
                p13,
                p31,
                p32,
                p23: or(&inner, "p23", 1.0)?,
                p14,
            }))
        }
    }
}
