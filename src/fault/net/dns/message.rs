//! DNS messages: the question of a query, and answers to it.

use std::net::IpAddr;

/// The types of questions that have addresses as answers.
pub(super) const A: u16 = 1;
pub(super) const AAAA: u16 = 28;
/// The pseudo-record by which both sides say that they know later versions of the protocol.
const OPT: u16 = 41;
const INTERNET: u16 = 1;
const HEADER: usize = 12;
/// Seconds for which a wrong answer may be kept: it shall end with the fault.
const TTL: u32 = 1;

/// How a query ends without an answer; the number is the code of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    None = 0,
    ServerFailure = 2,
    NoSuchName = 3,
    Refused = 5,
}

/// A query for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query<'a> {
    /// The name in lower case, without the last dot.
    pub(super) name: String,
    /// What is asked: 1 for an IPv4 address, 28 for an IPv6 one.
    pub(super) kind: u16,
    header: &'a [u8],
    /// As it was asked, in upper and lower case.
    question: &'a [u8],
    /// Whether it says that it knows extensions.
    extended: bool,
}

/// Reads a query; `None` for answers, updates, and what makes no sense.
pub(super) fn query(message: &[u8]) -> Option<Query<'_>> {
    let number = |at: usize| {
        Some(u16::from_be_bytes([
            *message.get(at)?,
            *message.get(at + 1)?,
        ]))
    };
    let is_query = number(2)? & 0xf800 == 0;
    if !is_query || number(4)? != 1 {
        return None;
    }
    let (mut at, mut labels) = (HEADER, Vec::new());
    loop {
        let length = usize::from(*message.get(at)?);
        // A question has no pointers to names before it.
        if length > 63 {
            return None;
        }
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = number(at)?;
    let behind = at + 4;
    let extended = message.get(behind) == Some(&0) && number(behind + 1) == Some(OPT);
    Some(Query {
        name: labels.join("."),
        kind,
        header: message.get(..HEADER)?,
        question: message.get(HEADER..behind)?,
        extended,
    })
}

impl Query<'_> {
    /// The answer to it: those of the addresses that are of the kind that was asked for.
    pub(super) fn answer(&self, code: Code, addresses: &[IpAddr]) -> Vec<u8> {
        let fits = |one: &&IpAddr| match one {
            IpAddr::V4(_) => self.kind == A,
            IpAddr::V6(_) => self.kind == AAAA,
        };
        let fitting: Vec<_> = addresses.iter().filter(fits).collect();
        let recursion = u16::from_be_bytes([self.header[2], self.header[3]]) & 0x0100;
        let flags = 0x8080 | recursion | code as u16;
        let mut bytes = self.header[..2].to_vec();
        let mut put = |number: u16| bytes.extend_from_slice(&number.to_be_bytes());
        put(flags);
        put(1);
        put(u16::try_from(fitting.len()).unwrap_or(u16::MAX));
        put(0);
        put(u16::from(self.extended));
        bytes.extend_from_slice(self.question);
        for address in fitting {
            // The name is that of the question.
            bytes.extend_from_slice(&[0xc0, 12]);
            bytes.extend_from_slice(&self.kind.to_be_bytes());
            bytes.extend_from_slice(&INTERNET.to_be_bytes());
            bytes.extend_from_slice(&TTL.to_be_bytes());
            let octets = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            bytes.extend_from_slice(
                &u16::try_from(octets.len())
                    .unwrap_or_default()
                    .to_be_bytes(),
            );
            bytes.extend_from_slice(&octets);
        }
        if self.extended {
            bytes.push(0);
            bytes.extend_from_slice(&OPT.to_be_bytes());
            bytes.extend_from_slice(&1232_u16.to_be_bytes());
            bytes.extend_from_slice(&[0; 6]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: u16, more: &[u8]) -> Vec<u8> {
        let mut message = vec![
            0x12,
            0x34,
            1,
            0,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            u8::from(!more.is_empty()),
        ];
        message.extend_from_slice(b"\x02Db\x07example\x00");
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        message.extend_from_slice(more);
        message
    }

    #[test]
    fn a_query_is_read_and_answered_in_its_own_words() {
        let message = asked(A, &[]);
        let found = query(&message).unwrap();
        assert_eq!((found.name.as_str(), found.kind), ("db.example", A));
        let addresses = ["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        let answer = found.answer(Code::None, &addresses);
        assert_eq!(
            answer[..12],
            [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
        );
        assert_eq!(answer[12..28], message[12..28]);
        assert_eq!(
            answer[28..],
            [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, 1]
        );
        let refused = found.answer(Code::Refused, &[]);
        assert_eq!((refused[3], refused[7], refused.len()), (0x85, 0, 28));
        let six = asked(AAAA, &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        let answer = query(&six).unwrap().answer(Code::None, &addresses);
        assert_eq!((answer[7], answer[11]), (1, 1));
        assert_eq!(answer.len(), 28 + 28 + 11);
    }

    #[test]
    fn what_is_no_query_is_left_alone() {
        let message = asked(A, &[]);
        for (at, byte) in [(2, 0x81), (2, 0x28), (5, 2), (12, 0xc0), (12, 63)] {
            let mut wrong = message.clone();
            wrong[at] = byte;
            assert_eq!(query(&wrong), None, "{at}");
        }
        for length in 0..message.len() - 2 {
            assert!(query(&message[..length]).is_none(), "{length}");
        }
    }
}
