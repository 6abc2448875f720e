//! UDP datagrams within IP packets: what they hold, and the datagram that goes back.

/// A datagram with its IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    packet: &'a [u8],
    /// The length of its IP header.
    header: usize,
    /// What it holds.
    pub(super) payload: &'a [u8],
}

const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const IPV6_HEADER: usize = 40;
/// How many routers an answer may pass.
const HOPS: u8 = 64;

/// Reads a packet; `None` for other protocols, fragments, and headers with extensions.
pub(super) fn datagram(packet: &[u8]) -> Option<Datagram<'_>> {
    let (header, protocol) = match packet.first()? >> 4 {
        4 => {
            let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x3fff;
            if fragment != 0 {
                return None;
            }
            (usize::from(packet[0] & 0xf) * 4, *packet.get(9)?)
        }
        6 => (IPV6_HEADER, *packet.get(6)?),
        _ => return None,
    };
    if protocol != UDP {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([
        *packet.get(header + 4)?,
        *packet.get(header + 5)?,
    ]));
    let payload = packet.get(header + UDP_HEADER..header + length)?;
    Some(Datagram {
        packet,
        header,
        payload,
    })
}

impl Datagram<'_> {
    /// The packet that holds `payload`, from where this one went to where it came from.
    pub(super) fn answer(&self, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(UDP_HEADER + payload.len()).unwrap_or(u16::MAX);
        let ports = &self.packet[self.header..self.header + 4];
        let mut udp = [&ports[2..], &ports[..2]].concat();
        udp.extend_from_slice(&length.to_be_bytes());
        udp.extend_from_slice(&[0, 0]);
        udp.extend_from_slice(payload);
        let (mut packet, addresses) = if self.packet[0] >> 4 == 4 {
            self.header4(length)
        } else {
            self.header6(length)
        };
        let pseudo = [&addresses[..], &[0, UDP], &length.to_be_bytes()].concat();
        let sum = match checksum(&[&pseudo, &udp]) {
            // Zero would say that there is none.
            0 => 0xffff,
            sum => sum,
        };
        udp[6..8].copy_from_slice(&sum.to_be_bytes());
        packet.extend_from_slice(&udp);
        packet
    }

    fn header4(&self, length: u16) -> (Vec<u8>, Vec<u8>) {
        let whole = length.saturating_add(20).to_be_bytes();
        let addresses = [&self.packet[16..20], &self.packet[12..16]].concat();
        let mut header = vec![0x45, 0, whole[0], whole[1], 0, 0, 0, 0, HOPS, UDP, 0, 0];
        header.extend_from_slice(&addresses);
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        (header, addresses)
    }

    fn header6(&self, length: u16) -> (Vec<u8>, Vec<u8>) {
        let addresses = [&self.packet[24..40], &self.packet[8..24]].concat();
        let length = length.to_be_bytes();
        let mut header = vec![0x60, 0, 0, 0, length[0], length[1], UDP, HOPS];
        header.extend_from_slice(&addresses);
        (header, addresses)
    }
}

/// The checksum of the internet's protocols over parts of even length, but for the last one.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or_default();
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_back_with_the_right_sums() {
        let mut packet = vec![
            0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        packet.extend_from_slice(&[0x30, 0x39, 0, 53, 0, 11, 0, 0, b'a', b'b', b'c']);
        let read = datagram(&packet).unwrap();
        assert_eq!(read.payload, b"abc");
        let answer = read.answer(b"hello");
        assert_eq!(answer[12..20], [10, 0, 0, 2, 10, 0, 0, 1]);
        assert_eq!(answer[20..24], [0, 53, 0x30, 0x39]);
        assert_eq!(checksum(&[&answer[..20]]), 0);
        let pseudo = [10, 0, 0, 2, 10, 0, 0, 1, 0, 17, 0, 13];
        assert_eq!(checksum(&[&pseudo, &answer[20..]]), 0);
        assert_eq!(datagram(&answer).unwrap().payload, b"hello");
        packet[6] = 0x20;
        assert_eq!(datagram(&packet), None, "a fragment");
        let mut six = vec![0x60, 0, 0, 0, 0, 11, 17, 64];
        six.extend_from_slice(&[1; 16]);
        six.extend_from_slice(&[2; 16]);
        six.extend_from_slice(&[0x30, 0x39, 0, 53, 0, 11, 0, 0, b'a', b'b', b'c']);
        let answer = datagram(&six).unwrap().answer(b"hello!");
        assert_eq!(answer[8..40], [[2; 16], [1; 16]].concat());
        assert_eq!(datagram(&answer).unwrap().payload, b"hello!");
        for length in 0..six.len() {
            assert_eq!(datagram(&six[..length]), None);
        }
    }
}
