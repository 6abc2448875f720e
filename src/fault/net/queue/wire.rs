//! The kernel's packet queue: asked for, read, answered.

use rustix::io::Errno;

use crate::fault::net::netlink::{Attributes, Family, Message, NetlinkError, Socket, be32, whole};

const SUBSYSTEM: u16 = 3;
const PACKET: u16 = SUBSYSTEM << 8;
const VERDICT: u16 = SUBSYSTEM << 8 | 1;
const CONFIG: u16 = SUBSYSTEM << 8 | 2;
/// The header of netlink, then that of netfilter.
const HEADER: usize = 20;
/// What is lost on its way here would be held for ever.
const ROOM: usize = 64 << 20;
/// How many packets may be held; the kernel lets the rest pass.
const PACKETS: u32 = 1 << 18;

/// A queue that this process listens to.
#[derive(Debug)]
pub(super) struct Packets {
    pub(super) socket: Socket,
    pub(super) number: u16,
}

/// A packet, as the kernel shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    /// The number it is answered by.
    pub(super) id: u32,
    /// Its length, also where less of it is shown.
    pub(super) length: u64,
    /// Its bytes from the IP header on, as far as they are shown.
    pub(super) bytes: &'a [u8],
    /// The number of the interface it goes out through; 0 for none.
    pub(super) output: u32,
    /// The number of the interface it came in through; 0 for none.
    pub(super) input: u32,
}

impl Packet<'_> {
    /// The number of the interface that it goes out through, or else came in through.
    pub(super) fn interface(&self) -> u32 {
        if self.output == 0 {
            self.input
        } else {
            self.output
        }
    }
}

impl Packets {
    /// Listens to a queue of this network namespace that nobody else listens to, the first free one
    /// from `wish` on. `whole` shows each packet in full, and large ones as they would be on the wire.
    pub(super) fn open(wish: u16, whole: bool) -> Result<Self, NetlinkError> {
        let action = || "listen to a packet queue".to_owned();
        let failed = |source| NetlinkError::Socket {
            action: action(),
            source,
        };
        let socket = Socket::open(Family::Netfilter).map_err(failed)?;
        socket.make_room(ROOM).map_err(failed)?;
        let mut number = wish;
        loop {
            // Command 1: bind.
            match socket.request(&config(number).with(1, &[1, 0, 0, 0])) {
                Ok(()) => break,
                Err(error) if matches!(error.errno(), Some(Errno::BUSY | Errno::PERM)) => {
                    number = number.wrapping_add(1);
                    if number == wish {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let range: u32 = if whole { 0xffff } else { 64 };
        let mut parameters = range.to_be_bytes().to_vec();
        // Mode 2: copy the packet.
        parameters.push(2);
        // Flags: let pass what does not fit (1); large packets as they are (4).
        let flags: u32 = if whole { 1 } else { 1 | 4 };
        let message = config(number)
            .with(2, &parameters)
            .with(3, &PACKETS.to_be_bytes())
            .with(4, &5_u32.to_be_bytes())
            .with(5, &flags.to_be_bytes());
        socket.request(&message)?;
        Ok(Self { socket, number })
    }

    /// The verdict on a packet: whether it goes on, and with which contents if they have changed.
    pub(super) fn verdict(&self, id: u32, accept: bool, contents: Option<&[u8]>) -> Message {
        let number = self.number.to_be_bytes();
        let mut verdict = u32::from(accept).to_be_bytes().to_vec();
        verdict.extend_from_slice(&id.to_be_bytes());
        let message = Message::new(VERDICT, 0, "give a verdict")
            .raw(&[0, 0, number[0], number[1]])
            .with(2, &verdict);
        match contents {
            Some(bytes) => message.with(10, bytes),
            None => message,
        }
    }
}

fn config(number: u16) -> Message {
    let number = number.to_be_bytes();
    Message::new(CONFIG, 0, "listen to a packet queue").raw(&[0, 0, number[0], number[1]])
}

/// The packets in what the kernel sent.
pub(super) fn packets(mut bytes: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    std::iter::from_fn(move || {
        loop {
            let length = whole(bytes)? as usize;
            let message = bytes.get(..length)?;
            let kind = u16::from_ne_bytes([*message.get(4)?, *message.get(5)?]);
            bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
            if kind == PACKET {
                return read(Attributes(message.get(HEADER..)?));
            }
        }
    })
}

fn read(attributes: Attributes<'_>) -> Option<Packet<'_>> {
    let mut packet = Packet {
        id: 0,
        length: 0,
        bytes: &[],
        output: 0,
        input: 0,
    };
    let mut full = None;
    for (kind, value) in attributes {
        match kind {
            1 => packet.id = be32(value)?,
            5 => packet.input = be32(value)?,
            6 => packet.output = be32(value)?,
            10 => packet.bytes = value,
            13 => full = be32(value),
            _ => {}
        }
    }
    packet.length = full.map_or(packet.bytes.len() as u64, u64::from);
    Some(packet)
}
