//! Seeded randomness: every random choice of a run derives from its one seed.

use rand_core::{Rng as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A generator for one place in a run. Two with equal derivation give equal numbers.
#[derive(Debug, Clone)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// Derives a generator from the run's seed, a name (say, a scenario) and a number (say, the
    /// iteration's), so that results do not depend on how work was spread over workers.
    #[must_use]
    pub fn derive(seed: u64, name: &str, number: u64) -> Self {
        let mut mixed = mix(seed);
        for byte in name.bytes() {
            mixed = mix(mixed ^ u64::from(byte));
        }
        Self::from_mixed(mixed, number)
    }

    /// As [`Rng::derive`], with the name already folded in by [`stream`].
    #[must_use]
    pub fn from_mixed(stream: u64, number: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(mix(stream ^ mix(number))))
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Widening multiplication (Lemire 2019, "Fast Random Integer Generation in an Interval"),
        // without the rejection step: the bias is below bound / 2^64.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }
}

/// Folds a seed and a name into one number, to be kept where names repeat.
#[must_use]
pub fn stream(seed: u64, name: &str) -> u64 {
    name.bytes()
        .fold(mix(seed), |mixed, byte| mix(mixed ^ u64::from(byte)))
}

/// A seed for a run that was given none, from the operating system's entropy.
#[must_use]
pub fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let state = std::collections::hash_map::RandomState::new();
    // 53 bits, so that the printed seed survives a trip through a script or JSON.
    state.build_hasher().finish() >> 11
}

/// An id for a run or an agent: twelve hexadecimal digits, unique on this host and hard to guess.
#[must_use]
pub fn fresh_id() -> String {
    format!("{:012x}", fresh_seed() & 0xffff_ffff_ffff)
}

/// `SplitMix64`'s finaliser (Steele, Lea and Flood 2014).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_gives_the_same_numbers() {
        let draw = |seed, name, n| {
            let mut rng = Rng::derive(seed, name, n);
            (rng.bits(), rng.below(10), rng.unit())
        };
        assert_eq!(draw(1, "browse", 7), draw(1, "browse", 7));
        assert_ne!(draw(1, "browse", 7), draw(1, "browse", 8));
        assert_ne!(draw(1, "browse", 7), draw(2, "browse", 7));
        assert_ne!(draw(1, "browse", 7), draw(1, "buy", 7));
        assert_eq!(
            Rng::derive(3, "a", 4).bits(),
            Rng::from_mixed(stream(3, "a"), 4).bits()
        );
    }

    #[test]
    fn draws_stay_in_range() {
        let mut rng = Rng::derive(1, "", 0);
        for _ in 0..10_000 {
            assert!(rng.below(3) < 3);
            assert!((0.0..1.0).contains(&rng.unit()));
        }
    }
}
