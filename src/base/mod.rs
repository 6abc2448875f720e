//! What every layer may use: units, the run's clock, seeded randomness, limits, programs, TLS.

pub mod clock;
pub mod comparison;
pub mod glob;
pub mod limits;
pub mod program;
pub mod rng;
pub mod scale;
pub mod text;
pub mod tls;
pub mod units;
pub mod wait;
