//! What every layer may use: units, the run's clock, seeded randomness.

pub mod clock;
pub mod rng;
pub mod text;
pub mod units;
