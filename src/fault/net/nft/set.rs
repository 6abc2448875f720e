//! Sets of addresses, ports and lease numbers, with or without ranges.

use super::wire;
use crate::fault::net::netlink::Message;

/// What a set holds: the type only tells other tools how to print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses, 4 bytes.
    Ipv4,
    /// IPv6 addresses, 16 bytes.
    Ipv6,
    /// Ports, 2 bytes.
    Port,
    /// Numbers of faults, 4 bytes in host order.
    Lease,
}

impl Kind {
    fn type_and_length(self) -> (u32, u32) {
        match self {
            Self::Ipv4 => (7, 4),
            Self::Ipv6 => (8, 16),
            Self::Port => (13, 2),
            Self::Lease => (19, 4),
        }
    }
}

/// A set of ranges, given when the set is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Unique in its table.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// First and last value of each range, in network order.
    pub ranges: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Set {
    /// The messages that make the set and fill it.
    pub(super) fn create(&self, table: &str, number: u32) -> Vec<Message> {
        let flags = wire::set_flag::INTERVAL;
        let mut messages = vec![create(table, &self.name, self.kind, flags, number)];
        messages.extend(self.fill(table));
        messages
    }

    /// The messages that empty the set and fill it again.
    pub(super) fn refill(&self, table: &str) -> Vec<Message> {
        let all = elements(wire::kind::DEL_SET_ELEM, table, &self.name, "empty");
        let mut messages = vec![all];
        messages.extend(self.fill(table));
        messages
    }

    fn fill(&self, table: &str) -> Vec<Message> {
        let bounds = bounds(&self.ranges);
        // An attribute's length is 16 bits, so that a long list needs several messages.
        let parts = bounds.chunks(500);
        parts.map(|part| fill(table, &self.name, part)).collect()
    }

    /// The message that removes the set.
    pub(super) fn delete(table: &str, name: &str) -> Message {
        wire::message(wire::kind::DEL_SET, 0, format!("delete set {name}"))
            .with_text(1, table)
            .with_text(2, name)
    }
}

/// Makes an empty set.
pub(super) fn create(table: &str, name: &str, kind: Kind, flags: u32, number: u32) -> Message {
    let (key_type, length) = kind.type_and_length();
    let new = wire::flag::CREATE | wire::flag::EXCLUSIVE;
    wire::message(wire::kind::NEW_SET, new, format!("add set {name}"))
        .with_text(1, table)
        .with_text(2, name)
        .with(3, &flags.to_be_bytes())
        .with(4, &key_type.to_be_bytes())
        .with(5, &length.to_be_bytes())
        .with(10, &number.to_be_bytes())
}

fn fill(table: &str, name: &str, bounds: &[(Vec<u8>, bool)]) -> Message {
    let message = elements(wire::kind::NEW_SET_ELEM, table, name, "fill");
    message.with_nested(3, |list| {
        for (key, ends) in bounds {
            list.nest(1, |element| {
                if *ends {
                    element.put(3, &1_u32.to_be_bytes());
                }
                element.nest(1, |value| value.put(1, key));
            });
        }
    })
}

/// A message about elements, still without them.
pub(super) fn elements(kind: u16, table: &str, name: &str, verb: &str) -> Message {
    let flags = if kind == wire::kind::NEW_SET_ELEM {
        wire::flag::CREATE
    } else {
        0
    };
    wire::message(kind, flags, format!("{verb} set {name}"))
        .with_text(1, table)
        .with_text(2, name)
}

/// Ranges as the kernel wants them: sorted, not touching, each a start and the first value behind
/// its end. A range up to the highest value has no such end.
fn bounds(ranges: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Vec<u8>, bool)> {
    let mut sorted = ranges.to_vec();
    sorted.sort();
    let mut merged: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
    for (from, to) in sorted {
        let behind = successor(&to);
        match merged.last_mut() {
            Some((_, None)) => {}
            Some((_, Some(end))) if *end >= from => {
                if behind.as_ref().is_none_or(|behind| behind > end) {
                    merged.last_mut().expect("just seen").1 = behind;
                }
            }
            _ => merged.push((from, behind)),
        }
    }
    let mut bounds = Vec::new();
    for (from, behind) in merged {
        bounds.push((from, false));
        bounds.extend(behind.map(|end| (end, true)));
    }
    bounds
}

fn successor(value: &[u8]) -> Option<Vec<u8>> {
    let mut next = value.to_vec();
    for byte in next.iter_mut().rev() {
        let (sum, overflow) = byte.overflowing_add(1);
        *byte = sum;
        if !overflow {
            return Some(next);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: u16, to: u16) -> (Vec<u8>, Vec<u8>) {
        (from.to_be_bytes().to_vec(), to.to_be_bytes().to_vec())
    }

    fn as_numbers(bounds: Vec<(Vec<u8>, bool)>) -> Vec<(u16, bool)> {
        let number = |key: Vec<u8>| u16::from_be_bytes(key.try_into().unwrap());
        bounds.into_iter().map(|(k, e)| (number(k), e)).collect()
    }

    #[test]
    fn ranges_are_merged_and_half_open() {
        let some = [range(80, 80), range(10, 20), range(15, 30), range(31, 31)];
        assert_eq!(
            as_numbers(bounds(&some)),
            [(10, false), (32, true), (80, false), (81, true)]
        );
        let high = [range(65_000, 65_535), range(65_100, 65_200)];
        assert_eq!(as_numbers(bounds(&high)), [(65_000, false)]);
        assert_eq!(
            as_numbers(bounds(&[range(1, 9), range(2, 3)])),
            [(1, false), (10, true)]
        );
    }
}
