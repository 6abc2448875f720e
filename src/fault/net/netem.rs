//! Impairments in the words of the kernel's `netem`, where it has that.

use std::time::Duration;

use super::netlink::{Message, NetlinkError, Socket};
use super::queue::{Delay, Distribution, Impairment, Loss, Share};
use super::route::traffic;

/// How many packets may be held.
const PACKETS: u32 = 1 << 18;
const OPTIONS: u16 = 2;
const REORDER: u16 = 3;
const LOSS: u16 = 5;
const FOUR_STATES: u16 = 1;
const TWO_STATES: u16 = 2;
const LATENCY: u16 = 10;
const JITTER: u16 = 11;
/// Kernels before 6.6 leave it out.
const SEED: u16 = 14;

/// The options of a `netem` queue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Netem {
    delay: Duration,
    jitter: Duration,
    loss: f64,
    /// The kind of a model of losses, and its numbers.
    model: Option<(u16, Vec<f64>)>,
    reorder: f64,
    gap: u32,
    seed: u64,
}

impl Netem {
    /// None where `netem` would do something else than the agent: its correlations change the share itself, its
    /// distributions are tables of the tool that sets it up, it also flips bits that no checksum covers (of thirty
    /// damaged datagrams ten arrive well, since the flip is in the frame's own header or in IPv6's), and kernels since
    /// 6.16 refuse one that makes copies beside any other at the same interface.
    pub(super) fn of(impairment: &Impairment, seed: u64) -> Option<Self> {
        if impairment.duplicate.is_some() || impairment.corrupt.is_some() {
            return None;
        }
        let plain = |share: Option<Share>| match share {
            None => Some(0.0),
            Some(Share { share, correlation }) => (correlation == 0.0).then_some(share),
        };
        let Delay {
            delay,
            jitter,
            correlation,
            distribution,
        } = impairment.delay.unwrap_or_default();
        let steady = jitter.is_zero();
        if !steady && (correlation != 0.0 || distribution != Distribution::Uniform) {
            return None;
        }
        let (loss, model) = match impairment.loss {
            None => (0.0, None),
            Some(Loss::Random(share)) => (plain(Some(share))?, None),
            Some(Loss::Gilbert {
                to_bad,
                to_good,
                bad,
                good,
            }) => (
                0.0,
                Some((TWO_STATES, vec![to_bad, to_good, 1.0 - bad, good])),
            ),
            Some(Loss::States {
                p13,
                p31,
                p32,
                p23,
                p14,
            }) => (0.0, Some((FOUR_STATES, vec![p13, p31, p32, p14, p23]))),
        };
        let reorder = impairment.reorder;
        Some(Self {
            delay,
            jitter,
            loss,
            model,
            reorder: plain(reorder.map(|one| one.share))?,
            // A gap of 1 is "any packet may overtake".
            gap: reorder.map_or(0, |one| one.gap.max(1)),
            seed,
        })
    }

    /// Puts it into a class of an interface.
    pub(super) fn add(
        &self,
        socket: &Socket,
        interface: u32,
        class: u32,
    ) -> Result<(), NetlinkError> {
        traffic::add_leaf(socket, interface, class, "netem", |message| {
            self.write(message)
        })
    }

    fn write(&self, message: Message) -> Message {
        message.with_nested(OPTIONS, |options| {
            // struct tc_netem_qopt: latency (given below), limit, loss, gap, duplicate, jitter (given below).
            let fixed = [0, PACKETS, chance(self.loss), self.gap, 0, 0];
            options.append(&bytes(&fixed));
            // With a gap and without this, all would overtake.
            if self.gap > 0 {
                options.put(REORDER, &bytes(&[chance(self.reorder), 0]));
            }
            if let Some((kind, numbers)) = &self.model {
                let numbers: Vec<u32> = numbers.iter().copied().map(chance).collect();
                options.nest(LOSS, |model| model.put(*kind, &bytes(&numbers)));
            }
            options.put(LATENCY, &nanoseconds(self.delay));
            options.put(JITTER, &nanoseconds(self.jitter));
            options.put(SEED, &self.seed.to_ne_bytes());
        })
    }
}

fn bytes(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|one| one.to_ne_bytes()).collect()
}

fn nanoseconds(time: Duration) -> [u8; 8] {
    i64::try_from(time.as_nanos())
        .unwrap_or(i64::MAX)
        .to_ne_bytes()
}

/// A share of the whole range.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a share is between 0 and 1"
)]
fn chance(share: f64) -> u32 {
    (share * f64::from(u32::MAX)).round_ties_even() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::net::netlink::{Attributes, whole};
    use crate::fault::net::queue::Reorder;

    fn share(share: f64, correlation: f64) -> Share {
        Share { share, correlation }
    }

    /// The fixed part and the attributes behind it.
    fn written(impairment: &Impairment) -> (Vec<u32>, Vec<u8>) {
        let netem = Netem::of(impairment, 7).unwrap();
        let message = netem.write(Message::new(0, 0, "try"));
        let whole_message = message.bytes_for_tests();
        let options = Attributes(&whole_message[16..])
            .get(OPTIONS)
            .unwrap()
            .to_vec();
        let fixed = options[..24].chunks(4).map(|four| whole(four).unwrap());
        (fixed.collect(), options[24..].to_vec())
    }

    /// What `tc` of iproute2 6.1 sends as options for the same words.
    fn tc(text: &str) -> Vec<u8> {
        let digits = text.split_whitespace().collect::<String>();
        let bytes = (0..digits.len()).step_by(2);
        bytes
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    }

    /// Compares what is written with what `tc` sends. That counts time in ticks in the fixed part, we in nanoseconds
    /// behind it, which the kernel prefers; its tables for correlations are left out where they are all zero.
    fn is_as_tc(impairment: &Impairment, sent: &[u8]) {
        let (mut fixed, rest) = written(impairment);
        let attributes = Attributes(&rest);
        for (place, kind) in [(0, LATENCY), (5, JITTER)] {
            let time = attributes.get(kind).unwrap();
            let time = i64::from_ne_bytes(time.try_into().unwrap());
            assert_eq!(fixed[place], 0);
            fixed[place] = u32::try_from(time / 64).unwrap();
        }
        let theirs = sent[..24].chunks(4).map(|four| whole(four).unwrap());
        assert_eq!(fixed, theirs.collect::<Vec<_>>());
        let theirs = Attributes(&sent[24..]);
        for kind in [REORDER, LOSS] {
            assert_eq!(attributes.get(kind), theirs.get(kind), "{kind}");
        }
    }

    #[test]
    fn options_are_written_as_tc_writes_them() {
        let delay = |delay, jitter| Delay {
            delay: Duration::from_millis(delay),
            jitter: Duration::from_millis(jitter),
            ..Delay::default()
        };
        let mut impairment = Impairment {
            delay: Some(delay(100, 0)),
            ..Impairment::default()
        };
        // limit 262144 delay 100ms
        let sent = tc("84d71700 00000400 00000000 00000000 00000000 00000000");
        is_as_tc(&impairment, &sent);
        impairment.delay = Some(delay(100, 10));
        impairment.loss = Some(Loss::Random(share(0.5, 0.0)));
        impairment.reorder = Some(Reorder {
            share: share(0.1, 0.0),
            gap: 5,
        });
        // limit 262144 delay 100ms 10ms loss 50% reorder 10% gap 5
        let sent = tc("84d71700 00000400 00000080 05000000 00000000 5a620200
             0c000300 9a999919 00000000");
        is_as_tc(&impairment, &sent);
        let (_, rest) = written(&impairment);
        let seed = Attributes(&rest).get(SEED);
        assert_eq!(seed, Some(&7_u64.to_ne_bytes()[..]));
    }

    #[test]
    fn models_of_losses_are_written_as_tc_writes_them() {
        let only = |loss| Impairment {
            loss: Some(loss),
            ..Impairment::default()
        };
        let gilbert = Loss::Gilbert {
            to_bad: 0.1,
            to_good: 0.3,
            bad: 1.0,
            good: 0.0,
        };
        let fixed = "00000000 00000400 00000000 00000000 00000000 00000000";
        // limit 262144 loss gemodel 10% 30% 100% 0%
        let model = "18000580 14000200 9a999919 cccccc4c 00000000 00000000";
        is_as_tc(&only(gilbert), &tc(&format!("{fixed}{model}")));
        let states = Loss::States {
            p13: 0.1,
            p31: 0.2,
            p32: 0.3,
            p23: 0.4,
            p14: 0.5,
        };
        // limit 262144 loss state 10% 20% 30% 40% 50%
        let model = "1c000580 18000100 9a999919 33333333 cccccc4c 00000080 66666666";
        is_as_tc(&only(states), &tc(&format!("{fixed}{model}")));
    }

    #[test]
    fn no_packet_overtakes_where_none_is_to() {
        let impairment = Impairment {
            delay: Some(Delay::default()),
            reorder: Some(Reorder {
                share: share(0.0, 0.0),
                gap: 1,
            }),
            ..Impairment::default()
        };
        let (_, rest) = written(&impairment);
        assert_eq!(Attributes(&rest).get(REORDER), Some(&[0; 8][..]));
    }

    #[test]
    fn what_netem_would_do_otherwise_is_left_to_the_agent() {
        let delay = |correlation, distribution| Impairment {
            delay: Some(Delay {
                delay: Duration::from_millis(9),
                jitter: Duration::from_millis(3),
                correlation,
                distribution,
            }),
            ..Impairment::default()
        };
        assert!(Netem::of(&delay(0.0, Distribution::Uniform), 1).is_some());
        assert!(Netem::of(&delay(0.5, Distribution::Uniform), 1).is_none());
        assert!(Netem::of(&delay(0.0, Distribution::Pareto), 1).is_none());
        let loss = Impairment {
            loss: Some(Loss::Random(share(0.3, 0.5))),
            ..Impairment::default()
        };
        assert!(Netem::of(&loss, 1).is_none());
        let copies = Impairment {
            duplicate: Some(share(0.1, 0.0)),
            ..Impairment::default()
        };
        assert!(Netem::of(&copies, 1).is_none());
        let damage = Impairment {
            corrupt: Some(share(0.1, 0.0)),
            ..Impairment::default()
        };
        assert!(Netem::of(&damage, 1).is_none());
    }
}
