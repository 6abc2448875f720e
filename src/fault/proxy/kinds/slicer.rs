//! `slicer`: bytes arrive in small pieces.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Chunk, Input, Pull, Released, Stage, micros};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Cuts what was read together into pieces, each sent by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Slicer {
    /// Bytes in a piece, on average; default 0. Zero or less cuts nothing.
    pub average_size: i64,
    /// Bytes a piece may be off the average; default 0.
    pub size_variation: i64,
    /// Pause after each piece, in microseconds; default 0.
    pub delay_us: i64,
}

impl Slicer {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![
            Attribute::whole("average_size", &mut self.average_size, 1),
            Attribute::whole("size_variation", &mut self.size_variation, 1),
            Attribute::whole("delay", &mut self.delay_us, 1),
        ]
    }

    pub(in crate::fault::proxy) fn stage(self, rng: Rng, now: Instant) -> Box<dyn Stage> {
        Box::new(Knife {
            spec: self,
            rng,
            rest: None,
            free: now,
        })
    }

    /// The size of the next piece of `len` bytes.
    fn piece(self, len: usize, rng: &mut Rng) -> usize {
        let whole = i64::try_from(len).unwrap_or(i64::MAX);
        if self.average_size <= 0 {
            return len;
        }
        // A piece stays positive, whatever variation was asked for.
        let spread = self.size_variation.clamp(0, self.average_size - 1);
        if whole - self.average_size <= spread {
            return len;
        }
        let off = i64::try_from(rng.below(spread.unsigned_abs() * 2 + 1)).unwrap_or(0) - spread;
        usize::try_from(self.average_size + off)
            .unwrap_or(1)
            .clamp(1, len)
    }
}

struct Knife {
    spec: Slicer,
    rng: Rng,
    rest: Option<Chunk>,
    free: Instant,
}

impl Stage for Knife {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        if now < self.free {
            return Pull::Wait(Some(self.free));
        }
        let mut chunk = match self.rest.take() {
            Some(chunk) => chunk,
            None => match input.next(now) {
                Pull::Data(chunk) => chunk,
                other => return other,
            },
        };
        let size = self.spec.piece(chunk.data.len(), &mut self.rng);
        let piece = Chunk {
            data: chunk.data.split_to(size),
            at: chunk.at,
        };
        if !chunk.data.is_empty() {
            self.rest = Some(chunk);
        }
        self.free = now + micros(self.spec.delay_us);
        Pull::Data(piece)
    }

    fn update(&mut self, fault: &Fault, now: Instant) {
        if let Fault::Slicer(spec) = fault {
            self.spec = *spec;
            self.free = now;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            data: self.rest.take().into_iter().collect(),
            end: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::{Feed, data};

    fn pieces(spec: Slicer, len: usize) -> Vec<usize> {
        let start = Instant::now();
        let mut stage = spec.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        feed.push(&vec![1; len], start);
        let (mut now, mut sizes) = (start, Vec::new());
        loop {
            match stage.pull(&mut feed, now) {
                Pull::Data(chunk) => sizes.push(chunk.data.len()),
                Pull::Wait(Some(deadline)) => now = deadline,
                _ => return sizes,
            }
        }
    }

    #[test]
    fn pieces_keep_to_the_average_and_its_variation() {
        let spec = Slicer {
            average_size: 64,
            size_variation: 16,
            delay_us: 10,
        };
        let sizes = pieces(spec, 10_000);
        assert_eq!(sizes.iter().sum::<usize>(), 10_000);
        assert!(
            sizes[..sizes.len() - 1]
                .iter()
                .all(|n| (48..=80).contains(n)),
            "{sizes:?}"
        );
        assert!(sizes.iter().any(|n| *n != 64));
    }

    #[test]
    fn senseless_sizes_neither_hang_nor_lose_bytes() {
        for (average_size, size_variation) in [(0, 0), (-3, 9), (1, 50), (5, i64::MAX), (9, -4)] {
            let spec = Slicer {
                average_size,
                size_variation,
                delay_us: 0,
            };
            assert_eq!(pieces(spec, 777).iter().sum::<usize>(), 777);
        }
    }

    #[test]
    fn the_rest_of_a_chunk_is_given_up_on_removal() {
        let start = Instant::now();
        let spec = Slicer {
            average_size: 2,
            size_variation: 0,
            delay_us: 1_000_000,
        };
        let mut stage = spec.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        feed.push(b"abcdef", start);
        assert_eq!(data(stage.pull(&mut feed, start)), b"ab");
        assert_eq!(stage.release().data[0].data.as_ref(), b"cdef");
    }
}
