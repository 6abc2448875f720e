//! The load profiles, one file each. `EXECUTORS` is the only list.

mod arrival_rate;
mod constant_vus;
mod iterations;
mod ramping_vus;

use std::time::Duration;

pub use arrival_rate::ArrivalRate;
pub use constant_vus::ConstantVus;
pub use iterations::{PerVuIterations, SharedIterations};
pub use ramping_vus::RampingVus;

use mlua::Value;

use super::fields::{Fields, first_target_is_text, has};

/// A load profile with its options read.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// A pool of users shares a number of iterations.
    SharedIterations(SharedIterations),
    /// Every user does the same number of iterations.
    PerVuIterations(PerVuIterations),
    /// A fixed number of users, each as fast as it can.
    ConstantVus(ConstantVus),
    /// A number of users that changes in stages.
    RampingVus(RampingVus),
    /// Arrivals per second: constant, or changing in stages.
    ArrivalRate(ArrivalRate),
}

/// How a load profile is named and recognised.
pub struct ExecutorKind {
    /// The name that scripts write.
    pub name: &'static str,
    /// Its option keys.
    pub keys: &'static [&'static str],
    /// Reads them; problems are noted in the fields.
    pub read: fn(&Fields) -> Executor,
}

/// All load profiles.
pub const EXECUTORS: &[ExecutorKind] = &[
    iterations::SHARED,
    iterations::PER_VU,
    constant_vus::KIND,
    ramping_vus::KIND,
    arrival_rate::CONSTANT,
    arrival_rate::RAMPING,
];

/// The profile that a script means when it names none, from the keys that it gave.
#[must_use]
pub fn inferred(options: &Value) -> &'static str {
    if has(options, "stages") {
        if has(options, "start_rate") || has(options, "max_vus") || first_target_is_text(options) {
            "ramping-arrival-rate"
        } else {
            "ramping-vus"
        }
    } else if has(options, "rate") {
        "constant-arrival-rate"
    } else if has(options, "iterations") {
        "shared-iterations"
    } else if has(options, "duration") {
        "constant-vus"
    } else if has(options, "vus") {
        "shared-iterations"
    } else {
        "per-vu-iterations"
    }
}

impl Executor {
    /// The most users that it can have at once.
    #[must_use]
    pub fn max_vus(&self) -> u32 {
        match self {
            Self::SharedIterations(profile) => profile.vus,
            Self::PerVuIterations(profile) => profile.vus,
            Self::ConstantVus(profile) => profile.vus,
            Self::RampingVus(profile) => profile.peak(),
            Self::ArrivalRate(profile) => profile.max_vus,
        }
    }

    /// How long it runs at most, before its graceful stop.
    #[must_use]
    pub fn length(&self) -> Duration {
        match self {
            Self::SharedIterations(profile) => profile.max_duration,
            Self::PerVuIterations(profile) => profile.max_duration,
            Self::ConstantVus(profile) => profile.duration,
            Self::RampingVus(profile) => profile.length(),
            Self::ArrivalRate(profile) => profile.length(),
        }
    }

    /// The name that scripts write.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SharedIterations(_) => iterations::SHARED.name,
            Self::PerVuIterations(_) => iterations::PER_VU.name,
            Self::ConstantVus(_) => constant_vus::KIND.name,
            Self::RampingVus(_) => ramping_vus::KIND.name,
            Self::ArrivalRate(profile) => profile.name(),
        }
    }

    /// One line for people: what will run.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::SharedIterations(profile) => profile.describe(),
            Self::PerVuIterations(profile) => profile.describe(),
            Self::ConstantVus(profile) => profile.describe(),
            Self::RampingVus(profile) => profile.describe(),
            Self::ArrivalRate(profile) => profile.describe(),
        }
    }
}

/// `1 user`, `12 users`.
fn users(count: u32) -> String {
    counted(u64::from(count), "user")
}

/// `1 stage`, `2 stages`.
fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
