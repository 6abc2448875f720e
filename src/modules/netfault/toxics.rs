//! `proxy:latency{…}` and its kin: what a proxy does to connections, as inert faults.

use std::time::Duration;

use mlua::{Lua, Result, UserDataMethods, Value};

use super::proxy::Proxy;
use crate::base::text::quoted;
use crate::base::units::{Bandwidth, Bytes, Share};
use crate::fault::inline::ToxicOptions;
use crate::fault::proxy::kinds;
use crate::fault::proxy::{Fault, Stream, ToxicError};
use crate::fault::{Spec, find};
use crate::modules::hold::{FaultValue, raise};
use crate::script::{Options, misuse};

/// What all of them have.
const SHARED: [&str; 2] = ["stream", "toxicity"];

/// One of them: its name with the native's, its own options, and how they are read.
struct Toxic {
    what: &'static str,
    keys: &'static [&'static str],
    read: fn(&Options) -> Result<Fault>,
}

impl Toxic {
    /// `proxy.latency`, as the agent knows it.
    fn kind(&self) -> String {
        self.what.replace(':', ".")
    }

    fn method(&self) -> &'static str {
        self.what
            .split_once(':')
            .map_or(self.what, |(_, name)| name)
    }
}

const TOXICS: &[Toxic] = &[
    Toxic {
        what: "proxy:latency",
        keys: &["delay", "jitter"],
        read: |options| {
            let delay: Duration = options.required("delay")?;
            let jitter: Duration = options.optional("jitter")?.unwrap_or_default();
            if jitter > delay {
                let text = "more than `delay`: bytes cannot arrive before they are sent";
                return Err(options.invalid("jitter", text));
            }
            Ok(Fault::Latency(kinds::Latency {
                latency_us: micros(delay),
                jitter_us: micros(jitter),
            }))
        },
    },
    Toxic {
        what: "proxy:bandwidth",
        keys: &["rate"],
        read: |options| {
            let rate: Bandwidth = options.required("rate")?;
            #[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
            let bytes_per_second = rate.0.round() as i64;
            Ok(Fault::Bandwidth(kinds::Bandwidth { bytes_per_second }))
        },
    },
    Toxic {
        what: "proxy:slow_close",
        keys: &["delay"],
        read: |options| {
            Ok(Fault::SlowClose(kinds::SlowClose {
                delay_us: micros(options.required("delay")?),
            }))
        },
    },
    Toxic {
        what: "proxy:timeout",
        keys: &["timeout"],
        read: |options| {
            let timeout: Option<Duration> = options.optional("timeout")?;
            Ok(Fault::Timeout(kinds::Timeout {
                timeout_us: micros(timeout.unwrap_or_default()),
            }))
        },
    },
    Toxic {
        what: "proxy:reset_peer",
        keys: &["timeout"],
        read: |options| {
            let timeout: Option<Duration> = options.optional("timeout")?;
            Ok(Fault::ResetPeer(kinds::ResetPeer {
                timeout_us: micros(timeout.unwrap_or_default()),
            }))
        },
    },
    Toxic {
        what: "proxy:slicer",
        keys: &["average_size", "size_variation", "delay"],
        read: |options| {
            let average: Bytes = options.required("average_size")?;
            let variation: Option<Bytes> = options.optional("size_variation")?;
            let delay: Option<Duration> = options.optional("delay")?;
            if average.0 == 0 {
                return Err(options.invalid("average_size", "nothing is cut at 0; at least \"1B\""));
            }
            if variation.is_some_and(|variation| variation.0 > average.0) {
                let text = "more than `average_size`: no piece is smaller than nothing";
                return Err(options.invalid("size_variation", text));
            }
            Ok(Fault::Slicer(kinds::Slicer {
                average_size: bytes(average),
                size_variation: variation.map_or(0, bytes),
                delay_us: micros(delay.unwrap_or_default()),
            }))
        },
    },
    Toxic {
        what: "proxy:limit_data",
        keys: &["bytes"],
        read: |options| {
            Ok(Fault::LimitData(kinds::LimitData {
                bytes: bytes(options.required("bytes")?),
            }))
        },
    },
    Toxic {
        what: "proxy:packet_loss",
        keys: &["loss", "correlation"],
        read: |options| {
            let correlation: Option<Share> = options.optional("correlation")?;
            if correlation.as_ref().is_some_and(|share| share.0 >= 1.0) {
                let text = "at 100% nothing would ever change; give less";
                return Err(options.invalid("correlation", text));
            }
            Ok(Fault::PacketLoss(kinds::PacketLoss {
                loss_rate: options.required::<Share>("loss")?.0,
                correlation: correlation.map_or(0.0, |share| share.0),
            }))
        },
    },
    Toxic {
        what: "proxy:duplicate",
        keys: &["duplicate"],
        read: |options| {
            Ok(Fault::Duplicate(kinds::Duplicate {
                duplicate_rate: options.required::<Share>("duplicate")?.0,
            }))
        },
    },
    Toxic {
        what: "proxy:reorder",
        keys: &["reorder", "gap", "hold"],
        read: |options| {
            let default = kinds::Reorder::default();
            let gap: Option<u32> = options.optional("gap")?;
            if gap == Some(0) {
                return Err(options.invalid("gap", "none would overtake it; at least 1"));
            }
            let hold: Option<Duration> = options.optional("hold")?;
            if hold.is_some_and(|hold| hold.is_zero()) {
                return Err(options.invalid("hold", "none overtakes what is not held"));
            }
            Ok(Fault::Reorder(kinds::Reorder {
                reorder_rate: options.required::<Share>("reorder")?.0,
                gap: gap.map_or(default.gap, i64::from),
                hold_us: hold.map_or(default.hold_us, micros),
            }))
        },
    },
    Toxic {
        what: "proxy:noop",
        keys: &[],
        read: |_| Ok(Fault::Noop(kinds::Noop)),
    },
    Toxic {
        what: "proxy:down",
        keys: &[],
        read: |_| Ok(Fault::Down(kinds::Down)),
    },
];

/// Adds a method for each.
pub(super) fn add_methods<M: UserDataMethods<Proxy>>(methods: &mut M) {
    for toxic in TOXICS {
        methods.add_method(toxic.method(), move |lua, this, options: Value| {
            construct(lua, this, toxic, options)
        });
    }
}

fn construct(lua: &Lua, proxy: &Proxy, toxic: &Toxic, options: Value) -> Result<FaultValue> {
    let mut keys = toxic.keys.to_vec();
    keys.extend(SHARED);
    let options = Options::read(toxic.what, &keys, lua, options)?;
    let fault = (toxic.read)(&options)?;
    if !fault.suits(proxy.protocol) {
        let error = ToxicError::Unsuited(fault.kind(), proxy.protocol);
        return Err(misuse(lua, format!("{}: {error}", toxic.what)));
    }
    let stream = match options.optional::<String>("stream")? {
        None => Stream::Downstream,
        Some(name) => Stream::parse(&name).ok_or_else(|| {
            let text = quoted(&name);
            let text = format!("{text} is none; write \"upstream\" or \"downstream\"");
            options.invalid("stream", text)
        })?,
    };
    let toxicity = share(&options)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share needs no more digits"
    )]
    let spec = ToxicOptions {
        proxy: proxy.handle.id(),
        stream,
        toxicity: toxicity as f32,
        fault,
    };
    let kind = toxic.kind();
    let spec = find(&kind).and_then(|kind| Spec::new(kind, &spec));
    let spec = spec.map_err(|trouble| raise(lua, toxic.what, &trouble))?;
    let (name, stream) = (&proxy.handle.name, stream.name());
    let label = format!("{} on proxy {name}, {stream}", fault.kind());
    let agent = proxy.handle.agent().to_owned();
    Ok(FaultValue::new(toxic.what, agent, spec, label))
}

/// The share of connections or requests that get it; all of them by default.
pub(super) fn share(options: &Options) -> Result<f64> {
    let toxicity: Option<Share> = options.optional("toxicity")?;
    Ok(toxicity.map_or(1.0, |share| share.0))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn bytes(size: Bytes) -> i64 {
    i64::try_from(size.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_data_plane_has_a_method() {
        let mut methods: Vec<_> = TOXICS.iter().map(Toxic::method).collect();
        let mut kinds = Fault::KINDS.to_vec();
        methods.sort_unstable();
        kinds.sort_unstable();
        assert_eq!(methods, kinds);
        for toxic in TOXICS {
            assert!(find(&toxic.kind()).is_ok(), "{}", toxic.what);
        }
    }
}
