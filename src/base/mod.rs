//! What every layer may use: units, the run's clock, seeded randomness, limits.

pub mod clock;
pub mod limits;
pub mod rng;
pub mod text;
pub mod units;
