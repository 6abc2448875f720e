//! What is to be done to packets, as data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything that a packet may suffer, in this order: loss, copies, damage, pace, delay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Impairment {
    /// Packets arrive later.
    pub delay: Option<Delay>,
    /// Packets do not arrive.
    pub loss: Option<Loss>,
    /// Packets arrive twice.
    pub duplicate: Option<Share>,
    /// A bit of a packet is flipped.
    pub corrupt: Option<Share>,
    /// Packets overtake those that are delayed.
    pub reorder: Option<Reorder>,
    /// Packets pass no faster than this.
    pub pace: Option<Pace>,
}

/// A delay, one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// How long.
    pub delay: Duration,
    /// How far it varies: half the width of a uniform distribution, the standard deviation of others.
    pub jitter: Duration,
    /// How much a packet's variation is like that of the one before, 0 to 1.
    pub correlation: f64,
    /// How it varies.
    pub distribution: Distribution,
}

/// How a delay varies around its mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Anything within the jitter is as likely.
    #[default]
    Uniform,
    /// A bell.
    Normal,
    /// Mostly a little less, at times much more.
    Pareto,
    /// A quarter bell, three quarters Pareto.
    ParetoNormal,
}

impl Distribution {
    /// The names.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("uniform", Self::Uniform),
        ("normal", Self::Normal),
        ("pareto", Self::Pareto),
        ("paretonormal", Self::ParetoNormal),
    ];
}

/// A share of the packets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// 0 to 1.
    pub share: f64,
    /// How much a packet's draw is like that of the one before, 0 to 1; the share stays what it is.
    pub correlation: f64,
}

/// Which packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// A share.
    Random(Share),
    /// Two states with a loss each (Gilbert and Elliott).
    Gilbert {
        /// The chance to go from good to bad at each packet.
        to_bad: f64,
        /// The chance to go from bad to good.
        to_good: f64,
        /// The loss while it is bad.
        bad: f64,
        /// The loss while it is good.
        good: f64,
    },
    /// Four states, as netem's: 1 good, 2 good within a burst, 3 loss within a burst, 4 a single loss.
    States {
        /// From good to a burst's loss.
        p13: f64,
        /// From a burst's loss to good.
        p31: f64,
        /// From a burst's loss to its good.
        p32: f64,
        /// From a burst's good to its loss.
        p23: f64,
        /// From good to a single loss.
        p14: f64,
    },
}

/// Which packets are not delayed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reorder {
    /// The share that overtakes.
    pub share: Share,
    /// Only each packet with this number since the last one that did; 0 for any.
    pub gap: u32,
}

/// How fast packets pass.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Bytes per second.
    pub rate: f64,
    /// How many bytes may pass at once after a pause.
    pub burst: u64,
    /// How many bytes may wait; what comes on top is lost.
    pub queue: u64,
}

impl Impairment {
    /// The pace, if that is all there is.
    pub(in crate::fault::net) fn only_pace(&self) -> Option<Pace> {
        let pace = self.pace;
        let alone = Self {
            pace,
            ..Self::default()
        };
        pace.filter(|_| *self == alone)
    }

    /// Whether packets must be seen whole, one by one, to be changed or sent again.
    pub(super) fn needs_contents(&self) -> bool {
        self.duplicate.is_some() || self.corrupt.is_some()
    }
}
