//! Numbers of the kernel's `nf_tables` interface, by the names of its header without the prefixes.

use crate::fault::net::netlink::Message;

/// The family that sees both IPv4 and IPv6.
pub(super) const INET: u8 = 1;

pub(super) mod kind {
    pub const NEW_TABLE: u16 = 0;
    pub const GET_TABLE: u16 = 1;
    pub const DEL_TABLE: u16 = 2;
    pub const NEW_CHAIN: u16 = 3;
    pub const GET_CHAIN: u16 = 4;
    pub const DEL_CHAIN: u16 = 5;
    pub const NEW_RULE: u16 = 6;
    pub const GET_RULE: u16 = 7;
    pub const NEW_SET: u16 = 9;
    pub const DEL_SET: u16 = 11;
    pub const NEW_SET_ELEM: u16 = 12;
    pub const GET_SET_ELEM: u16 = 13;
    pub const DEL_SET_ELEM: u16 = 14;
}

pub(super) mod flag {
    pub const CREATE: u16 = 0x400;
    pub const EXCLUSIVE: u16 = 0x200;
    pub const APPEND: u16 = 0x800;
}

pub(super) const TABLE_OWNER: u32 = 2;

pub(super) mod set_flag {
    pub const INTERVAL: u32 = 0x4;
    pub const TIMEOUT: u32 = 0x10;
}

/// What each `nf_tables` message starts with.
const FIXED: [u8; 4] = [INET, 0, 0, 0];
/// The length of it, to be skipped when reading.
pub(super) const FIXED_LENGTH: usize = 4;

const SUBSYSTEM: u16 = 10;

/// A message about the `inet` family.
pub(super) fn message(kind: u16, flags: u16, action: impl Into<String>) -> Message {
    Message::new(SUBSYSTEM << 8 | kind, flags, action).raw(&FIXED)
}

/// The two messages around a batch.
pub(super) fn brackets() -> (Message, Message) {
    let subsystem = SUBSYSTEM.to_be_bytes();
    let fixed = [0, 0, subsystem[0], subsystem[1]];
    let begin = Message::new(16, 0, "begin a batch").raw(&fixed);
    let end = Message::new(17, 0, "end a batch").raw(&fixed);
    (begin, end)
}
