//! What becomes of one query.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::datagram::datagram;
use super::message::{Code, query};
use super::{Answer, Dns, Failure};
use crate::base::rng::Rng;
use crate::fault::net::queue::{Judge, Verdict};

/// Decides query by query.
pub(super) struct Names {
    rule: Arc<Dns>,
    rng: Rng,
}

impl Names {
    pub(super) fn new(rule: Arc<Dns>, rng: Rng) -> Self {
        Self { rule, rng }
    }

    fn random(&mut self) -> [IpAddr; 2] {
        // RFC 5737 and RFC 3849: nobody is there, and nobody is disturbed.
        const RANGES: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
        let bits = self.rng.bits().to_be_bytes();
        let [a, b, c] = RANGES[usize::from(bits[0] % 3)];
        let mut six = [0; 16];
        six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        six[8..].copy_from_slice(&bits);
        let four = Ipv4Addr::new(a, b, c, bits[1].clamp(1, 254));
        [four.into(), Ipv6Addr::from(six).into()]
    }
}

impl Judge for Names {
    fn judge(&mut self, packet: &[u8]) -> Verdict {
        let Some(datagram) = datagram(packet) else {
            return Verdict::Pass;
        };
        let Some(query) = query(datagram.payload) else {
            return Verdict::Pass;
        };
        let rule = self.rule.clone();
        let named = rule.names.is_empty() || rule.names.iter().any(|one| one.fits(&query.name));
        if !named || self.rng.unit() >= rule.share {
            return Verdict::Pass;
        }
        let (code, addresses) = match &rule.answer {
            Answer::True => return Verdict::Delay(rule.delay),
            Answer::Error(Failure::Timeout) => return Verdict::Drop,
            Answer::Error(Failure::Nxdomain) => (Code::NoSuchName, Vec::new()),
            Answer::Error(Failure::Servfail) => (Code::ServerFailure, Vec::new()),
            Answer::Error(Failure::Refused) => (Code::Refused, Vec::new()),
            Answer::Random => (Code::None, self.random().to_vec()),
            Answer::Spoof(list) => match list.iter().find(|(name, _)| name.fits(&query.name)) {
                Some((_, addresses)) => (Code::None, addresses.clone()),
                None => return Verdict::Pass,
            },
        };
        let answer = datagram.answer(&query.answer(code, &addresses));
        Verdict::Answer(answer, rule.delay)
    }
}
