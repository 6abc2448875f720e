//! `slow_close`: the end of a direction is passed on late.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{End, Input, Pull, Released, Stage, micros};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Delays the end; bytes pass at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SlowClose {
    /// The delay in microseconds; default 0.
    pub delay_us: i64,
}

impl SlowClose {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![Attribute::whole("delay", &mut self.delay_us, 1000)]
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(Linger {
            spec: self,
            ended: None,
        })
    }
}

struct Linger {
    spec: SlowClose,
    ended: Option<(End, Instant)>,
}

impl Stage for Linger {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        if self.ended.is_none() {
            match input.next(now) {
                Pull::End(end) => self.ended = Some((end, now)),
                other => return other,
            }
        }
        match self.ended {
            Some((end, since)) => {
                let due = since + micros(self.spec.delay_us);
                if now >= due {
                    Pull::End(end)
                } else {
                    Pull::Wait(Some(due))
                }
            }
            None => Pull::Wait(None),
        }
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::SlowClose(spec) = fault {
            self.spec = *spec;
        }
    }

    fn release(&mut self) -> Released {
        Released {
            end: self.ended.map(|(end, _)| end),
            ..Released::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::{Feed, data, end, wait};
    use std::time::Duration;

    #[test]
    fn bytes_pass_at_once_and_the_end_later() {
        let spec = SlowClose { delay_us: 50_000 };
        let start = Instant::now();
        let mut stage = spec.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        feed.push(b"a", start);
        feed.end = Some(End::Finish);
        assert_eq!(data(stage.pull(&mut feed, start)), b"a");
        let due = start + Duration::from_millis(50);
        assert_eq!(wait(stage.pull(&mut feed, start)), Some(due));
        assert_eq!(end(stage.pull(&mut feed, due)), End::Finish);
        assert_eq!(stage.release().end, Some(End::Finish));
    }
}
