//! `delay`: the request waits before it is passed on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;

/// Delays requests, each by itself: others on the same HTTP/2 connection are not held up. Several
/// delays add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delay {
    /// How long.
    pub delay: Duration,
    /// How far it may be off, either way, uniformly.
    pub jitter: Duration,
}

impl Delay {
    /// How long one request waits.
    pub(in crate::fault::http_proxy) fn draw(self, rng: &mut Rng) -> Duration {
        let spread = self.jitter.mul_f64(2.0 * rng.unit());
        (self.delay + spread).saturating_sub(self.jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_goes_both_ways_and_never_below_nothing() {
        let ms = Duration::from_millis;
        let delay = Delay {
            delay: ms(10),
            jitter: ms(20),
        };
        let mut rng = Rng::derive(1, "", 1);
        let all: Vec<_> = (0..1000).map(|_| delay.draw(&mut rng)).collect();
        assert!(all.iter().all(|one| *one <= ms(30)));
        assert!(all.contains(&Duration::ZERO) && all.iter().any(|one| *one > ms(25)));
    }
}
