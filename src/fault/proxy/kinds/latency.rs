//! `latency`: every byte arrives later than it was sent, in order and without loss of rate.

use std::collections::VecDeque;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Chunk, End, Input, Pull, Released, Stage, earlier, micros};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// How much may be under way: then the sender is held back, as by a full network.
const CHUNKS: usize = 1024;
const BYTES: usize = 32 << 20;

/// Delays what passes. Stacked latencies add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// The delay in microseconds; default 0. Negative counts as 0.
    pub latency_us: i64,
    /// How far the delay may be off, either way, uniformly, in microseconds; default 0.
    pub jitter_us: i64,
}

impl Latency {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![
            Attribute::whole("latency", &mut self.latency_us, 1000),
            Attribute::whole("jitter", &mut self.jitter_us, 1000),
        ]
    }

    pub(in crate::fault::proxy) fn stage(self, rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(Delay {
            spec: self,
            rng,
            queue: VecDeque::new(),
            bytes: 0,
            ended: None,
            input_wait: None,
        })
    }

    /// When bytes that arrived at `at` are due; `draw` is uniform in `[0, 1)`.
    fn due(self, at: Instant, draw: f64) -> Instant {
        if self.jitter_us <= 0 {
            return at + micros(self.latency_us);
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a float cast saturates, and delays fit in 53 bits"
        )]
        let offset = ((draw * 2.0 - 1.0) * self.jitter_us as f64) as i64;
        at + micros(self.latency_us.saturating_add(offset))
    }
}

struct Delay {
    spec: Latency,
    rng: Rng,
    queue: VecDeque<(Chunk, f64)>,
    bytes: usize,
    ended: Option<End>,
    input_wait: Option<Instant>,
}

impl Stage for Delay {
    fn fill(&mut self, input: &mut dyn Input, now: Instant) {
        self.input_wait = None;
        while self.ended.is_none() && self.queue.len() < CHUNKS && self.bytes < BYTES {
            match input.next(now) {
                Pull::Data(chunk) => {
                    self.bytes += chunk.data.len();
                    self.queue.push_back((chunk, self.rng.unit()));
                }
                Pull::Wait(deadline) => {
                    self.input_wait = deadline;
                    return;
                }
                Pull::End(end) => self.ended = Some(end),
            }
        }
    }

    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        self.fill(input, now);
        let Some((chunk, draw)) = self.queue.front() else {
            self.queue.shrink_to(64);
            return self.ended.map_or(Pull::Wait(self.input_wait), Pull::End);
        };
        let due = self.spec.due(chunk.at, *draw);
        if due > now {
            return Pull::Wait(earlier(Some(due), self.input_wait));
        }
        match self.queue.pop_front() {
            Some((mut chunk, _)) => {
                self.bytes -= chunk.data.len();
                chunk.at = due;
                Pull::Data(chunk)
            }
            None => Pull::Wait(self.input_wait),
        }
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::Latency(spec) = fault {
            self.spec = *spec;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            data: self.queue.drain(..).map(|(chunk, _)| chunk).collect(),
            end: self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::{Feed, data, end, wait};
    use std::time::Duration;

    const MS: Duration = Duration::from_millis(1);

    fn stage(latency: i64, jitter: i64) -> Box<dyn Stage> {
        let spec = Latency {
            latency_us: latency * 1000,
            jitter_us: jitter * 1000,
        };
        spec.stage(Rng::derive(1, "latency", 1), Instant::now())
    }

    #[test]
    fn bytes_come_out_in_order_when_their_delay_is_over() {
        let (mut stage, mut feed, start) = (stage(100, 0), Feed::default(), Instant::now());
        feed.push(b"a", start);
        assert_eq!(wait(stage.pull(&mut feed, start)), Some(start + 100 * MS));
        feed.push(b"b", start + 10 * MS);
        stage.fill(&mut feed, start + 10 * MS);
        feed.end = Some(End::Finish);
        assert_eq!(data(stage.pull(&mut feed, start + 100 * MS)), b"a");
        let next = wait(stage.pull(&mut feed, start + 100 * MS));
        assert_eq!(next, Some(start + 110 * MS));
        assert_eq!(data(stage.pull(&mut feed, start + 110 * MS)), b"b");
        assert_eq!(end(stage.pull(&mut feed, start + 110 * MS)), End::Finish);
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_repeats_with_the_seed() {
        let draws = |seed| {
            let start = Instant::now();
            let spec = Latency {
                latency_us: 50_000,
                jitter_us: 10_000,
            };
            let mut stage = spec.stage(Rng::derive(seed, "x", 1), start);
            let mut feed = Feed::default();
            (0..100)
                .map(|_| {
                    feed.push(b"x", start);
                    let due = wait(stage.pull(&mut feed, start)).unwrap() - start;
                    assert!(due >= 40 * MS && due <= 60 * MS, "{due:?}");
                    stage.pull(&mut feed, start + 70 * MS);
                    due
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }

    #[test]
    fn what_is_held_is_bounded_and_flushed_in_order() {
        let (mut stage, mut feed, start) = (stage(100, 0), Feed::default(), Instant::now());
        for n in 0..2000u32 {
            feed.push(&n.to_be_bytes(), start);
        }
        stage.fill(&mut feed, start);
        assert_eq!(feed.queue.len(), 2000 - CHUNKS);
        let released = stage.release();
        let order = released.data.iter().map(|chunk| chunk.data.to_vec());
        assert!(order.eq((0..CHUNKS).map(|n| u32::try_from(n).unwrap().to_be_bytes().to_vec())));
    }

    #[test]
    fn a_shorter_delay_applies_to_what_is_already_held() {
        let (mut stage, mut feed, start) = (stage(1000, 0), Feed::default(), Instant::now());
        feed.push(b"a", start);
        stage.fill(&mut feed, start);
        let shorter = Fault::Latency(Latency {
            latency_us: 20_000,
            jitter_us: 0,
        });
        stage.update(&shorter, start);
        assert_eq!(wait(stage.pull(&mut feed, start)), Some(start + 20 * MS));
    }
}
