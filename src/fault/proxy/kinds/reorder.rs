//! `reorder`: datagrams are overtaken by later ones.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Chunk, End, Input, Pull, Released, Stage, earlier, micros};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Holds a share of the datagrams back until later ones have overtaken them. UDP only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reorder {
    /// The share that is overtaken, between 0 and 1; default 0.1. One is held back at a time.
    pub reorder_rate: f64,
    /// How many later ones overtake it; default 1, and at least 1.
    pub gap: i64,
    /// How long it waits for them at most, in microseconds; default 100 ms.
    pub hold_us: i64,
}

impl Default for Reorder {
    fn default() -> Self {
        Self {
            reorder_rate: 0.1,
            gap: 1,
            hold_us: 100_000,
        }
    }
}

impl Reorder {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![
            Attribute::share("reorder_rate", &mut self.reorder_rate),
            Attribute::whole("gap", &mut self.gap, 1),
            Attribute::whole("hold", &mut self.hold_us, 1000),
        ]
    }

    pub(in crate::fault::proxy) fn stage(self, rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(Shuffle {
            spec: self,
            rng,
            late: None,
            ended: None,
        })
    }
}

/// A datagram that is being overtaken.
struct Late {
    chunk: Chunk,
    /// How many more must overtake it.
    left: i64,
    due: Instant,
}

struct Shuffle {
    spec: Reorder,
    rng: Rng,
    late: Option<Late>,
    ended: Option<End>,
}

impl Stage for Shuffle {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        loop {
            let ended = self.ended.is_some();
            let is_due = |late: &mut Late| ended || late.left <= 0 || late.due <= now;
            if let Some(late) = self.late.take_if(is_due) {
                let at = late.due.min(now);
                return Pull::Data(Chunk { at, ..late.chunk });
            }
            if let Some(end) = self.ended {
                return Pull::End(end);
            }
            match input.next(now) {
                Pull::Data(chunk) => {
                    // Drawn for each, so that what is held back does not shift the later draws.
                    let drawn = self.rng.unit() < self.spec.reorder_rate;
                    match &mut self.late {
                        None if drawn => {
                            self.late = Some(Late {
                                chunk,
                                left: self.spec.gap.max(1),
                                due: now + micros(self.spec.hold_us),
                            });
                        }
                        late => {
                            if let Some(late) = late {
                                late.left -= 1;
                            }
                            return Pull::Data(chunk);
                        }
                    }
                }
                Pull::Wait(deadline) => {
                    let due = self.late.as_ref().map(|late| late.due);
                    return Pull::Wait(earlier(due, deadline));
                }
                Pull::End(end) => self.ended = Some(end),
            }
        }
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::Reorder(spec) = fault {
            self.spec = *spec;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            data: self
                .late
                .take()
                .map(|late| late.chunk)
                .into_iter()
                .collect(),
            end: self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::{Feed, data, end, wait};
    use std::time::Duration;

    fn all(reorder_rate: f64, gap: i64, seed: u64) -> Vec<u32> {
        let start = Instant::now();
        let spec = Reorder {
            reorder_rate,
            gap,
            ..Reorder::default()
        };
        let mut stage = spec.stage(Rng::derive(seed, "", 1), start);
        let mut feed = Feed::default();
        for n in 0..1000u32 {
            feed.push(&n.to_be_bytes(), start);
        }
        feed.end = Some(End::Finish);
        let mut all = Vec::new();
        while let Pull::Data(chunk) = stage.pull(&mut feed, start) {
            all.push(u32::from_be_bytes(chunk.data[..].try_into().unwrap()));
        }
        all
    }

    #[test]
    fn a_share_is_overtaken_nothing_is_lost_and_the_seed_repeats_it() {
        let some = all(0.2, 3, 5);
        let early = some.windows(2).filter(|pair| pair[1] < pair[0]).count();
        // One is held at a time, for three others: 1000 / (1 / 0.2 + 3) = 125 on average.
        assert!((80..170).contains(&early), "{early}");
        let mut sorted = some.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
        assert_eq!(some, all(0.2, 3, 5));
        assert_ne!(some, all(0.2, 3, 6));
        assert!(all(0.0, 1, 5).is_sorted());
    }

    #[test]
    fn each_swaps_with_its_neighbour_at_a_gap_of_one() {
        assert_eq!(all(1.0, 1, 5)[..4], [1, 0, 3, 2]);
    }

    #[test]
    fn the_last_one_is_not_held_for_ever() {
        let start = Instant::now();
        let spec = Reorder {
            reorder_rate: 1.0,
            ..Reorder::default()
        };
        let mut stage = spec.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        feed.push(b"only", start);
        let due = wait(stage.pull(&mut feed, start)).unwrap();
        assert_eq!(due, start + Duration::from_millis(100));
        assert_eq!(data(stage.pull(&mut feed, due)), b"only");
        feed.push(b"last", due);
        feed.end = Some(End::Finish);
        assert_eq!(data(stage.pull(&mut feed, due)), b"last");
        assert_eq!(end(stage.pull(&mut feed, due)), End::Finish);
    }
}
