//! `bandwidth`: bytes pass no faster than a rate.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{Chunk, Input, Pull, Released, Stage};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// How late the line may look at its clock without losing rate.
const CREDIT: Duration = Duration::from_millis(5);

/// Limits the rate. What is slower than a slice per 100 ms is cut into such slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Bytes per second; default 0. Zero or less lets nothing pass until it is changed.
    pub bytes_per_second: i64,
}

impl Bandwidth {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![Attribute::whole("rate", &mut self.bytes_per_second, 1000)]
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, now: Instant) -> Box<dyn Stage> {
        Box::new(Line {
            spec: self,
            free: now,
            held: None,
            whole: false,
        })
    }

    /// A line that passes on what came together in one piece, as a datagram must be.
    pub(in crate::fault::proxy) fn whole(self, now: Instant) -> Box<dyn Stage> {
        Box::new(Line {
            spec: self,
            free: now,
            held: None,
            whole: true,
        })
    }

    /// How many of `len` bytes go in one slice and how long they take; none when stalled.
    fn slice(self, len: usize, whole: bool) -> Option<(usize, Duration)> {
        let rate = u64::try_from(self.bytes_per_second)
            .ok()
            .filter(|rate| *rate > 0)?;
        let slice = if whole {
            len
        } else {
            usize::try_from(rate / 10)
                .unwrap_or(usize::MAX)
                .clamp(1, len.max(1))
        };
        let nanos = slice as u128 * 1_000_000_000 / u128::from(rate);
        Some((
            slice,
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)),
        ))
    }
}

struct Line {
    spec: Bandwidth,
    /// When the last byte sent is through.
    free: Instant,
    held: Option<Chunk>,
    /// Whether pieces are passed on as they came.
    whole: bool,
}

impl Stage for Line {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        let mut chunk = match self.held.take() {
            Some(chunk) => chunk,
            None => match input.next(now) {
                Pull::Data(chunk) => {
                    self.free = self.free.max(now.checked_sub(CREDIT).unwrap_or(now));
                    chunk
                }
                other => return other,
            },
        };
        let Some((slice, time)) = self.spec.slice(chunk.data.len(), self.whole) else {
            self.held = Some(chunk);
            return Pull::Wait(None);
        };
        let due = self.free + time;
        if due > now {
            self.held = Some(chunk);
            return Pull::Wait(Some(due));
        }
        self.free = due.max(now.checked_sub(CREDIT).unwrap_or(now));
        let at = chunk.at;
        let data = chunk.data.split_to(slice);
        if !chunk.data.is_empty() {
            self.held = Some(chunk);
        }
        Pull::Data(Chunk { data, at })
    }

    fn update(&mut self, fault: &Fault, now: Instant) {
        if let Fault::Bandwidth(spec) = fault {
            if self.spec.bytes_per_second <= 0 {
                self.free = now;
            }
            self.spec = *spec;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            data: self.held.take().into_iter().collect(),
            end: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::End;
    use crate::fault::proxy::stage::fixture::{Feed, data, end, wait};

    fn stage(rate: i64, now: Instant) -> Box<dyn Stage> {
        let spec = Bandwidth {
            bytes_per_second: rate,
        };
        spec.stage(Rng::derive(1, "bandwidth", 1), now)
    }

    #[test]
    fn a_chunk_passes_in_slices_at_the_rate() {
        let start = Instant::now();
        let (mut stage, mut feed) = (stage(10_000, start), Feed::default());
        feed.push(&[7; 2500], start);
        feed.end = Some(End::Finish);
        let (mut now, mut sizes) = (start, Vec::new());
        loop {
            match stage.pull(&mut feed, now) {
                Pull::Data(chunk) => sizes.push(chunk.data.len()),
                Pull::Wait(deadline) => now = deadline.unwrap(),
                Pull::End(_) => break,
            }
        }
        assert_eq!(sizes, [1000, 1000, 500]);
        let taken = now - start;
        assert!(taken >= Duration::from_millis(245) && taken <= Duration::from_millis(250));
    }

    #[test]
    fn no_rate_stalls_until_one_is_given_or_the_fault_is_removed() {
        let start = Instant::now();
        let (mut stage, mut feed) = (stage(0, start), Feed::default());
        feed.push(b"held", start);
        assert_eq!(wait(stage.pull(&mut feed, start)), None);
        assert_eq!(stage.release().data[0].data.as_ref(), b"held");
        feed.push(b"again", start);
        assert_eq!(wait(stage.pull(&mut feed, start)), None);
        let fast = Fault::Bandwidth(Bandwidth {
            bytes_per_second: 1_000_000,
        });
        stage.update(&fast, start);
        let due = wait(stage.pull(&mut feed, start)).unwrap();
        assert_eq!(data(stage.pull(&mut feed, due)), b"again");
        feed.end = Some(End::Finish);
        assert_eq!(end(stage.pull(&mut feed, due)), End::Finish);
    }
}
