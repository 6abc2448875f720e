//! The fate of each packet; draws and counts, but touches nothing.

use std::time::{Duration, Instant};

use super::chance::{Draw, Losses, Wander};
use super::impairment::{Delay, Impairment, Pace};
use crate::base::rng::Rng;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    /// When it goes on; none if it is lost.
    pub(super) due: Option<Instant>,
    /// When a second one follows.
    pub(super) copy: Option<Instant>,
    /// Which bit is flipped, of all bits of the packet; a number to be taken modulo their count.
    pub(super) flip: Option<u64>,
    /// Whether anything happens to it at all.
    pub(super) touched: bool,
}

/// Decides, packet by packet.
#[derive(Debug)]
pub(super) struct Shaper {
    rng: Rng,
    loss: Option<Losses>,
    duplicate: Option<Draw>,
    corrupt: Option<Draw>,
    delay: Option<(Delay, Wander)>,
    reorder: Option<(Draw, u32)>,
    since_reorder: u32,
    pace: Option<Pacer>,
}

impl Shaper {
    pub(super) fn new(impairment: &Impairment, rng: Rng) -> Self {
        let wander = |delay: Delay| Wander::new(delay.distribution, delay.correlation);
        Self {
            rng,
            loss: impairment.loss.map(Losses::new),
            duplicate: impairment.duplicate.map(Draw::new),
            corrupt: impairment.corrupt.map(Draw::new),
            delay: impairment.delay.map(|delay| (delay, wander(delay))),
            reorder: impairment
                .reorder
                .map(|reorder| (Draw::new(reorder.share), reorder.gap)),
            since_reorder: 0,
            pace: impairment.pace.map(Pacer::new),
        }
    }

    /// The fate of a packet of this many bytes that is here now.
    pub(super) fn next(&mut self, bytes: u64, now: Instant) -> Fate {
        let lost = Fate {
            due: None,
            copy: None,
            flip: None,
            touched: true,
        };
        let rng = &mut self.rng;
        if self.loss.as_mut().is_some_and(|loss| loss.next(rng)) {
            return lost;
        }
        let doubled = self.duplicate.as_mut().is_some_and(|one| one.next(rng));
        let corrupt = self.corrupt.as_mut().is_some_and(|one| one.next(rng));
        let flip = corrupt.then(|| rng.bits());
        let Some(free) = self.pass(bytes, now) else {
            return lost;
        };
        let due = free + self.wait();
        let copy = doubled.then(|| free + self.wait());
        Fate {
            due: Some(due),
            copy,
            flip,
            touched: corrupt || doubled || due > now,
        }
    }

    /// When the pace lets it pass; none if the queue is full.
    fn pass(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        match &mut self.pace {
            None => Some(now),
            Some(pacer) => pacer.pass(bytes, now),
        }
    }

    fn wait(&mut self) -> Duration {
        let rng = &mut self.rng;
        let Some((delay, wander)) = &mut self.delay else {
            return Duration::ZERO;
        };
        if let Some((draw, gap)) = &mut self.reorder {
            self.since_reorder += 1;
            if (*gap == 0 || self.since_reorder >= *gap) && draw.next(rng) {
                self.since_reorder = 0;
                return Duration::ZERO;
            }
        }
        if delay.jitter.is_zero() {
            return delay.delay;
        }
        let seconds = delay.delay.as_secs_f64() + delay.jitter.as_secs_f64() * wander.next(rng);
        Duration::from_secs_f64(seconds.max(0.0))
    }
}

/// A bucket of tokens, and the bytes that wait for them.
#[derive(Debug)]
struct Pacer {
    pace: Pace,
    /// When all that waits will have passed, were there no burst.
    busy_until: Option<Instant>,
}

impl Pacer {
    fn new(pace: Pace) -> Self {
        Self {
            pace,
            busy_until: None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "bytes of a queue fit in 53 bits"
    )]
    fn pass(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        let time = |bytes: u64| Duration::from_secs_f64(bytes as f64 / self.pace.rate.max(1.0));
        let busy = self.busy_until.map_or(now, |busy| busy.max(now));
        let waiting = busy.saturating_duration_since(now);
        // A packet that is alone always fits.
        if !waiting.is_zero() && waiting > time(self.pace.queue.saturating_add(self.pace.burst)) {
            return None;
        }
        let done = busy + time(bytes);
        self.busy_until = Some(done);
        // What the burst covers does not wait.
        Some(
            done.checked_sub(time(self.pace.burst))
                .map_or(now, |due| due.max(now)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::net::queue::{Reorder, Share};

    fn share(share: f64) -> Share {
        Share {
            share,
            correlation: 0.0,
        }
    }

    fn steady(milliseconds: u64) -> Option<Delay> {
        Some(Delay {
            delay: Duration::from_millis(milliseconds),
            jitter: Duration::ZERO,
            correlation: 0.0,
            distribution: super::super::Distribution::Uniform,
        })
    }

    fn shaper(impairment: &Impairment) -> Shaper {
        Shaper::new(impairment, Rng::derive(1, "shaper", 0))
    }

    #[test]
    fn a_pace_spaces_packets_and_loses_what_does_not_fit() {
        let pace = Pace {
            rate: 100_000.0,
            burst: 1_000,
            queue: 5_000,
        };
        let mut shaper = shaper(&Impairment {
            pace: Some(pace),
            ..Impairment::default()
        });
        let now = Instant::now();
        let due: Vec<_> = (0..10)
            .map(|_| {
                shaper
                    .next(1_000, now)
                    .due
                    .map(|due| (due - now).as_millis())
            })
            .collect();
        let waits = [0, 10, 20, 30, 40, 50, 60].map(Some);
        assert_eq!(due[..7], waits);
        assert_eq!(due[7..], [None; 3]);
        let later = now + Duration::from_millis(500);
        assert_eq!(shaper.next(1_000, later).due, Some(later));
    }

    #[test]
    fn a_gap_lets_each_nth_packet_overtake() {
        let mut shaper = shaper(&Impairment {
            delay: steady(10),
            reorder: Some(Reorder {
                share: share(1.0),
                gap: 5,
            }),
            ..Impairment::default()
        });
        let now = Instant::now();
        let waits: Vec<_> = (0..10)
            .map(|_| (shaper.next(1, now).due.unwrap() - now).as_millis())
            .collect();
        assert_eq!(waits, [10, 10, 10, 10, 0, 10, 10, 10, 10, 0]);
    }

    #[test]
    fn one_seed_gives_one_fate() {
        let impairment = Impairment {
            loss: Some(super::super::Loss::Random(share(0.5))),
            duplicate: Some(share(0.5)),
            corrupt: Some(share(0.5)),
            ..Impairment::default()
        };
        let now = Instant::now();
        let run = || {
            let mut shaper = shaper(&impairment);
            (0..100).map(|_| shaper.next(1, now)).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }
}
