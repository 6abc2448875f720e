//! Draws with a memory, and the distributions of delays.

use std::f64::consts::PI;

use super::impairment::{Distribution, Loss, Share};
use crate::base::rng::Rng;

/// Whether a packet belongs to a share, where neighbours may be alike.
#[derive(Debug)]
pub(super) struct Draw {
    share: Share,
    last: bool,
}

impl Draw {
    pub(super) fn new(share: Share) -> Self {
        Self { share, last: false }
    }

    /// A chain of two states whose share is exact and whose neighbours correlate as asked.
    pub(super) fn next(&mut self, rng: &mut Rng) -> bool {
        let Share { share, correlation } = self.share;
        let chance = match self.last {
            true => share + correlation * (1.0 - share),
            false => share * (1.0 - correlation),
        };
        self.last = rng.unit() < chance;
        self.last
    }
}

/// Whether a packet is lost.
#[derive(Debug)]
pub(super) enum Losses {
    Random(Draw),
    Gilbert { model: Loss, is_bad: bool },
    States { model: Loss, state: u8 },
}

impl Losses {
    pub(super) fn new(model: Loss) -> Self {
        match model {
            Loss::Random(share) => Self::Random(Draw::new(share)),
            Loss::Gilbert { .. } => Self::Gilbert {
                model,
                is_bad: false,
            },
            Loss::States { .. } => Self::States { model, state: 1 },
        }
    }

    pub(super) fn next(&mut self, rng: &mut Rng) -> bool {
        match self {
            Self::Random(draw) => draw.next(rng),
            Self::Gilbert { model, is_bad } => {
                let Loss::Gilbert {
                    to_bad,
                    to_good,
                    bad,
                    good,
                } = *model
                else {
                    return false;
                };
                *is_bad = match *is_bad {
                    true => rng.unit() >= to_good,
                    false => rng.unit() < to_bad,
                };
                rng.unit() < if *is_bad { bad } else { good }
            }
            Self::States { model, state } => {
                *state = next_state(*model, *state, rng.unit());
                matches!(*state, 3 | 4)
            }
        }
    }
}

fn next_state(model: Loss, state: u8, draw: f64) -> u8 {
    let Loss::States {
        p13,
        p31,
        p32,
        p23,
        p14,
    } = model
    else {
        return 1;
    };
    match state {
        1 if draw < p14 => 4,
        1 if draw < p14 + p13 => 3,
        2 if draw < p23 => 3,
        3 if draw < p32 => 2,
        3 if draw < p32 + p31 => 1,
        // A single loss is over with the next packet.
        4 => 1,
        same => same,
    }
}

/// A value around 0: of width 1 to each side if uniform, of standard deviation 1 else.
#[derive(Debug)]
pub(super) struct Wander {
    distribution: Distribution,
    correlation: f64,
    last: f64,
}

impl Wander {
    pub(super) fn new(distribution: Distribution, correlation: f64) -> Self {
        Self {
            distribution,
            correlation,
            last: 0.0,
        }
    }

    /// Correlated as normal variates, then bent into shape: the distribution stays what it is.
    pub(super) fn next(&mut self, rng: &mut Rng) -> f64 {
        let fresh = normal(rng);
        let rest = (1.0 - self.correlation * self.correlation).max(0.0).sqrt();
        self.last = self.correlation * self.last + rest * fresh;
        let z = self.last;
        match self.distribution {
            Distribution::Uniform => 2.0 * below(z) - 1.0,
            Distribution::Normal => z,
            Distribution::Pareto => pareto(below(z)),
            Distribution::ParetoNormal => {
                // A quarter and three quarters, brought back to deviation 1.
                let mixed = 0.25 * normal(rng) + 0.75 * pareto(below(z));
                mixed / (0.25_f64 * 0.25 + 0.75 * 0.75).sqrt()
            }
        }
    }
}

/// A standard normal variate (Box and Muller).
fn normal(rng: &mut Rng) -> f64 {
    let (u, v) = (1.0 - rng.unit(), rng.unit());
    (-2.0 * u.ln()).sqrt() * (2.0 * PI * v).cos()
}

/// The share of a normal distribution below `z`, to 1e-7 (Abramowitz and Stegun 26.2.17).
fn below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * PI).sqrt() * series;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// Pareto with shape 3, moved to mean 0 and deviation 1. Its far end is cut at one in a million.
fn pareto(share: f64) -> f64 {
    let x = (1.0 - share.min(1.0 - 1e-6)).powf(-1.0 / 3.0);
    (x - 1.5) / 0.75_f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: u32 = 200_000;

    fn rng() -> Rng {
        Rng::derive(7, "chance", 1)
    }

    /// The share of losses, and how often a loss follows a loss.
    fn losses(model: Loss) -> (f64, f64) {
        let (mut losses, mut rng) = (Losses::new(model), rng());
        let (mut lost, mut pairs, mut last) = (0, 0, false);
        for _ in 0..COUNT {
            let now = losses.next(&mut rng);
            lost += u32::from(now);
            pairs += u32::from(now && last);
            last = now;
        }
        (
            f64::from(lost) / f64::from(COUNT),
            f64::from(pairs) / f64::from(lost),
        )
    }

    fn near(got: f64, asked: f64, by: f64) {
        assert!((got - asked).abs() <= by, "{got} for {asked}");
    }

    #[test]
    fn a_correlated_share_is_still_that_share() {
        for correlation in [0.0, 0.25, 0.9] {
            let share = Share {
                share: 0.1,
                correlation,
            };
            let (lost, again) = losses(Loss::Random(share));
            near(lost, 0.1, 0.01);
            near(again, 0.1 + correlation * 0.9, 0.02);
        }
    }

    #[test]
    fn two_states_lose_in_bursts() {
        let (lost, again) = losses(Loss::Gilbert {
            to_bad: 0.01,
            to_good: 0.3,
            bad: 1.0,
            good: 0.0,
        });
        near(lost, 0.01 / 0.31, 0.004);
        near(again, 0.7, 0.03);
    }

    #[test]
    fn four_states_have_single_losses_too() {
        let (lost, again) = losses(Loss::States {
            p13: 0.0,
            p31: 1.0,
            p32: 0.0,
            p23: 1.0,
            p14: 0.05,
        });
        near(lost, 0.05 / 1.05, 0.004);
        assert!(again < 0.001, "{again}");
    }

    #[test]
    fn delays_have_the_mean_and_the_width_that_were_asked_for() {
        for (distribution, deviation) in [
            (Distribution::Uniform, 1.0 / 3.0_f64.sqrt()),
            (Distribution::Normal, 1.0),
            (Distribution::Pareto, 1.0),
            (Distribution::ParetoNormal, 1.0),
        ] {
            for correlation in [0.0, 0.5] {
                let (mut wander, mut rng) = (Wander::new(distribution, correlation), rng());
                let all: Vec<f64> = (0..COUNT).map(|_| wander.next(&mut rng)).collect();
                let mean = all.iter().sum::<f64>() / f64::from(COUNT);
                let square = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
                near(mean, 0.0, 0.03);
                near((square / f64::from(COUNT)).sqrt(), deviation, 0.15);
                let pairs = all.windows(2).map(|x| (x[0] - mean) * (x[1] - mean));
                let correlated = pairs.sum::<f64>() / square;
                near(
                    correlated,
                    correlation * if correlation > 0.0 { 0.9 } else { 1.0 },
                    0.2,
                );
            }
        }
    }
}
