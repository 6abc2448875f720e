//! `limit_data`: the connection is closed after so many bytes.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::base::rng::Rng;
use crate::fault::proxy::stage::{End, Input, Pull, Stage};
use crate::fault::proxy::toxic::{Attribute, Fault};

/// Passes a number of bytes, then closes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitData {
    /// Bytes that pass, counted per connection from when the fault was added; default 0.
    pub bytes: i64,
}

impl LimitData {
    pub(in crate::fault::proxy) fn settings(&mut self) -> Vec<Attribute<'_>> {
        vec![Attribute::whole("bytes", &mut self.bytes, 1)]
    }

    pub(in crate::fault::proxy) fn stage(self, _rng: Rng, _now: Instant) -> Box<dyn Stage> {
        Box::new(Quota {
            spec: self,
            passed: 0,
            over: false,
        })
    }
}

struct Quota {
    spec: LimitData,
    passed: i64,
    over: bool,
}

impl Stage for Quota {
    fn pull(&mut self, input: &mut dyn Input, now: Instant) -> Pull {
        if self.over {
            return Pull::End(End::Close);
        }
        let mut chunk = match input.next(now) {
            Pull::Data(chunk) => chunk,
            other => return other,
        };
        let left = usize::try_from(self.spec.bytes.saturating_sub(self.passed)).unwrap_or(0);
        if chunk.data.len() >= left {
            chunk.data.truncate(left);
            self.over = true;
        }
        if chunk.data.is_empty() {
            return Pull::End(End::Close);
        }
        self.passed += i64::try_from(chunk.data.len()).unwrap_or(i64::MAX);
        Pull::Data(chunk)
    }

    fn update(&mut self, fault: &Fault, _now: Instant) {
        if let Fault::LimitData(spec) = fault {
            self.spec = *spec;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::proxy::stage::fixture::{Feed, data, end};

    #[test]
    fn exactly_so_many_bytes_pass() {
        let start = Instant::now();
        let mut stage = LimitData { bytes: 5 }.stage(Rng::derive(1, "", 1), start);
        let mut feed = Feed::default();
        feed.push(b"abc", start);
        feed.push(b"defgh", start);
        assert_eq!(data(stage.pull(&mut feed, start)), b"abc");
        assert_eq!(data(stage.pull(&mut feed, start)), b"de");
        assert_eq!(end(stage.pull(&mut feed, start)), End::Close);
    }

    #[test]
    fn a_limit_below_what_has_passed_closes_at_the_next_bytes() {
        let start = Instant::now();
        for bytes in [0, -5, i64::MIN] {
            let mut stage = LimitData { bytes: 50 }.stage(Rng::derive(1, "", 1), start);
            let mut feed = Feed::default();
            feed.push(b"abc", start);
            feed.push(b"d", start);
            assert_eq!(data(stage.pull(&mut feed, start)), b"abc");
            stage.update(&Fault::LimitData(LimitData { bytes }), start);
            assert_eq!(end(stage.pull(&mut feed, start)), End::Close);
        }
    }
}
