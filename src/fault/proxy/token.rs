//! What epoll gives back with an event, packed into its 64 bits.

use rustix::event::epoll::EventData;

use super::connection::Side;

/// Whom an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Wake,
    Timer,
    /// A proxy's listener.
    Listener(u64),
    /// A connection's index and generation, and the side of it.
    Connection(u32, u32, Side),
    /// The index and generation of a UDP client's session.
    Session(u32, u32),
}

/// Bits of a generation that fit; the rest wraps around.
pub const GENERATION: u32 = (1 << 29) - 1;

impl Token {
    /// The connection it is for, if it is for one.
    pub fn connection(self) -> Option<u32> {
        match self {
            Self::Connection(index, ..) => Some(index),
            _ => None,
        }
    }

    /// As epoll keeps it.
    pub fn data(self) -> EventData {
        let packed = match self {
            Self::Connection(index, generation, side) => {
                let side = u64::from(side == Side::Upstream);
                (u64::from(generation & GENERATION) << 34) | (u64::from(index) << 2) | side
            }
            Self::Listener(id) => (id << 3) | 2,
            Self::Session(index, generation) => {
                (u64::from(generation & GENERATION) << 35) | (u64::from(index) << 3) | 6
            }
            Self::Wake => 3,
            Self::Timer => 7,
        };
        EventData::new_u64(packed)
    }
}

impl From<EventData> for Token {
    #[expect(clippy::cast_possible_truncation, reason = "unpacks what was packed")]
    fn from(data: EventData) -> Self {
        let packed = data.u64();
        match packed & 3 {
            2 if packed & 4 == 0 => Self::Listener(packed >> 3),
            2 => Self::Session((packed >> 3) as u32, (packed >> 35) as u32),
            3 if packed == 3 => Self::Wake,
            3 => Self::Timer,
            side => {
                let side = if side == 1 {
                    Side::Upstream
                } else {
                    Side::Client
                };
                Self::Connection((packed >> 2) as u32, (packed >> 34) as u32, side)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_packing() {
        for token in [
            Token::Wake,
            Token::Timer,
            Token::Listener(123_456_789),
            Token::Connection(u32::MAX, GENERATION, Side::Client),
            Token::Connection(0, 0, Side::Upstream),
            Token::Connection(7, 1, Side::Client),
            Token::Session(u32::MAX, GENERATION),
            Token::Session(0, 3),
        ] {
            assert_eq!(Token::from(token.data()), token);
        }
    }
}
