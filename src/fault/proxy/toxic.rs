//! What a user asks for: a named fault on one direction, for a share of the connections.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::kinds::{
    Bandwidth, Down, Duplicate, Latency, LimitData, Noop, PacketLoss, Reorder, ResetPeer, Slicer,
    SlowClose, Timeout,
};
use super::protocol::Protocol;
use super::stage::Stage;
use crate::base::rng::Rng;

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From the client to the upstream.
    Upstream,
    /// From the upstream to the client.
    Downstream,
}

impl Stream {
    /// The name in any case, as clients send it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("upstream") {
            Some(Self::Upstream)
        } else if text.eq_ignore_ascii_case("downstream") {
            Some(Self::Downstream)
        } else {
            None
        }
    }

    /// `upstream` or `downstream`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}

/// A named fault on one direction of a proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct Toxic {
    /// Unique within a proxy, over both directions.
    pub name: String,
    /// The direction it disturbs.
    pub stream: Stream,
    /// The share of connections that get it, between 0 and 1. Each connection draws once per
    /// fault name, from the seed, and keeps its draw through every change.
    pub toxicity: f32,
    /// What it does.
    pub fault: Fault,
}

/// The value of an attribute: a whole number, or a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A count of the attribute's unit.
    Whole(i64),
    /// A fraction of it.
    Real(f64),
}

/// Why an attribute was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// The fault has no such attribute.
    #[error("unknown attribute {0}")]
    Unknown(String),
    /// The attribute counts whole units.
    #[error("attribute {0} must be a whole number")]
    NotWhole(&'static str),
}

/// One setting of a fault, by the name and in the unit of Toxiproxy's API.
pub struct Attribute<'a> {
    /// Its name there.
    pub name: &'static str,
    pub(super) place: Place<'a>,
}

/// Where an attribute is kept.
pub(super) enum Place<'a> {
    /// A whole number, kept in units `scale` times finer than the API's.
    Whole { value: &'a mut i64, scale: i64 },
    /// A share between 0 and 1.
    Share(&'a mut f64),
}

impl<'a> Attribute<'a> {
    pub(super) fn whole(name: &'static str, value: &'a mut i64, scale: i64) -> Self {
        let place = Place::Whole { value, scale };
        Self { name, place }
    }

    pub(super) fn share(name: &'static str, value: &'a mut f64) -> Self {
        let place = Place::Share(value);
        Self { name, place }
    }

    fn read(&self) -> Number {
        match &self.place {
            // More than can be kept: it was forever, and is shown as that.
            Place::Whole { value, .. } if **value == i64::MAX => Number::Whole(i64::MAX),
            Place::Whole { value, scale } if **value % scale == 0 => Number::Whole(**value / scale),
            #[expect(clippy::cast_precision_loss, reason = "only shown")]
            Place::Whole { value, scale } => Number::Real(**value as f64 / *scale as f64),
            Place::Share(value) => Number::Real(**value),
        }
    }

    /// Whether it takes fractions.
    #[must_use]
    pub fn is_share(&self) -> bool {
        matches!(self.place, Place::Share(_))
    }

    /// Changes it.
    ///
    /// # Errors
    ///
    /// A fraction where whole units are counted.
    pub fn write(&mut self, number: Number) -> Result<(), AttributeError> {
        match (&mut self.place, number) {
            (Place::Whole { value, scale }, Number::Whole(given)) => {
                **value = given.saturating_mul(*scale);
            }
            (Place::Whole { .. }, Number::Real(_)) => {
                return Err(AttributeError::NotWhole(self.name));
            }
            (Place::Share(value), Number::Real(given)) => **value = given,
            #[expect(clippy::cast_precision_loss, reason = "a share is small")]
            (Place::Share(value), Number::Whole(given)) => **value = given as f64,
        }
        Ok(())
    }
}

macro_rules! faults {
    ($($name:literal $kind:ident,)*) => {
        /// What a fault does, with its settings.
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", tag = "type")]
        #[expect(missing_docs, reason = "each is documented in its own file")]
        pub enum Fault {
            $($kind($kind),)*
        }

        impl Fault {
            /// Every kind's name, as the API spells it.
            pub const KINDS: &[&str] = &[$($name),*];

            /// A fault of the named kind with its default settings.
            #[must_use]
            pub fn of_kind(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$kind($kind::default())),)*
                    _ => None,
                }
            }

            /// The kind's name, as the API spells it.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name,)*
                }
            }

            /// Its settings, in the API's order.
            pub fn settings(&mut self) -> Vec<Attribute<'_>> {
                match self {
                    $(Self::$kind(kind) => kind.settings(),)*
                }
            }

            pub(super) fn stage(
                &self,
                protocol: Protocol,
                rng: Rng,
                now: Instant,
            ) -> Box<dyn Stage> {
                match self {
                    Self::Bandwidth(kind) if protocol == Protocol::Udp => kind.whole(now),
                    $(Self::$kind(kind) => kind.stage(rng, now),)*
                }
            }
        }
    };
}

faults! {
    "latency" Latency,
    "bandwidth" Bandwidth,
    "slow_close" SlowClose,
    "timeout" Timeout,
    "reset_peer" ResetPeer,
    "slicer" Slicer,
    "limit_data" LimitData,
    "packet_loss" PacketLoss,
    "noop" Noop,
    "down" Down,
    "duplicate" Duplicate,
    "reorder" Reorder,
}

impl Fault {
    /// Whether it can be done to what a proxy of that protocol carries.
    #[must_use]
    pub fn suits(&self, protocol: Protocol) -> bool {
        match self {
            Self::Latency(_) | Self::Bandwidth(_) | Self::PacketLoss(_) | Self::Noop(_) => true,
            Self::Duplicate(_) | Self::Reorder(_) => protocol == Protocol::Udp,
            _ => protocol == Protocol::Tcp,
        }
    }

    /// Its settings by name, in the API's order and units.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, Number)> {
        let mut copy = *self;
        copy.settings()
            .iter()
            .map(|setting| (setting.name, setting.read()))
            .collect()
    }

    /// Changes one setting, given in the API's unit.
    ///
    /// # Errors
    ///
    /// No such attribute, or a fraction where whole units are counted.
    pub fn set(&mut self, name: &str, number: Number) -> Result<(), AttributeError> {
        self.settings()
            .iter_mut()
            .find(|setting| setting.name == name)
            .ok_or_else(|| AttributeError::Unknown(name.to_owned()))?
            .write(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_keeps_what_is_set() {
        let mut seen = std::collections::BTreeSet::new();
        for name in Fault::KINDS {
            assert!(seen.insert(name), "{name} is listed twice");
            let mut fault = Fault::of_kind(name).unwrap();
            assert_eq!(fault.kind(), *name);
            for (attribute, _) in fault.attributes() {
                fault.set(attribute, Number::Whole(7)).unwrap();
            }
            for (attribute, value) in fault.attributes() {
                let seven = value == Number::Whole(7) || value == Number::Real(7.0);
                assert!(seven, "{name}.{attribute}");
            }
        }
        assert!(Fault::of_kind("walrus").is_none());
    }

    #[test]
    fn an_unknown_attribute_and_a_fraction_are_refused() {
        let mut fault = Fault::of_kind("latency").unwrap();
        assert!(fault.set("lateness", Number::Whole(1)).is_err());
        assert_eq!(
            fault.set("latency", Number::Real(1.5)),
            Err(AttributeError::NotWhole("latency"))
        );
        let forever = Number::Whole(i64::MAX);
        fault.set("latency", forever).unwrap();
        assert_eq!(fault.attributes()[0], ("latency", forever));
    }

    #[test]
    fn a_stream_is_read_in_any_case() {
        assert_eq!(Stream::parse("UpStream"), Some(Stream::Upstream));
        assert_eq!(Stream::parse("walrustream"), None);
    }
}
