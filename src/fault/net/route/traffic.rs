//! Queueing disciplines of interfaces: read, put in the place of the kernel's own, removed.

use crate::fault::net::netlink::{Message, NetlinkError, Reply, Socket, text, whole};

const NEW_QDISC: u16 = 36;
const DEL_QDISC: u16 = 37;
const GET_QDISC: u16 = 38;
const NEW_CLASS: u16 = 40;
const DEL_CLASS: u16 = 41;
const GET_CLASS: u16 = 42;
const CREATE: u16 = 0x400;
const EXCLUSIVE: u16 = 0x200;
const ROOT: u32 = 0xffff_ffff;
/// The length of `struct tcmsg`.
const FIXED: usize = 20;
/// The kernel counts the time that bytes take in these.
const NANOSECONDS_PER_TICK: f64 = 64.0;
/// A turn of a class; it only matters among several that borrow.
const QUANTUM: u32 = 60_000;

/// The handle of the discipline that rchaos puts at an interface, and by which it knows it again.
pub const OURS: u32 = 0x7c5a_0000;

/// What queues the packets of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discipline {
    /// Its kind: `noqueue`, `htb`.
    pub kind: String,
    /// Its number; 0 for one that the kernel has chosen by itself.
    pub handle: u32,
}

impl Discipline {
    /// Whether it is the kernel's own choice, which comes back by itself.
    #[must_use]
    pub fn is_default(&self) -> bool {
        // One queue for each of a card's is a tree of several, whose parts may have been changed.
        self.handle == 0 && self.kind != "mq"
    }

    /// Whether it is that of rchaos.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.handle == OURS && self.kind == "htb"
    }
}

/// How fast a class lets packets pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassPace {
    /// Bytes per second.
    pub rate: f64,
    /// How many bytes may pass at once.
    pub burst: u64,
}

impl ClassPace {
    /// Faster than any interface.
    pub const FREE: Self = Self {
        rate: 4e9,
        burst: 16 << 20,
    };
}

/// `struct tcmsg`.
fn fixed(interface: u32, handle: u32, parent: u32) -> [u8; FIXED] {
    let mut bytes = [0; FIXED];
    bytes[4..8].copy_from_slice(&interface.to_ne_bytes());
    bytes[8..12].copy_from_slice(&handle.to_ne_bytes());
    bytes[12..16].copy_from_slice(&parent.to_ne_bytes());
    bytes
}

fn number(reply: &Reply, at: usize) -> u32 {
    let bytes = reply.body.get(at..at + 4).unwrap_or_default();
    whole(bytes).unwrap_or_default()
}

/// What is at the root of an interface; none for one that has no queue at all.
///
/// # Errors
///
/// What the kernel objects to.
pub fn root(socket: &Socket, interface: u32) -> Result<Option<Discipline>, NetlinkError> {
    let get = Message::new(GET_QDISC, 0, "list queueing disciplines").raw(&fixed(interface, 0, 0));
    let replies = socket.dump(&get)?;
    let mut here = replies.iter().filter(|one| number(one, 4) == interface);
    let root = here.find(|one| number(one, 12) == ROOT);
    Ok(root.map(|one| Discipline {
        kind: one.attributes(FIXED).get(1).map(text).unwrap_or_default(),
        handle: number(one, 8),
    }))
}

/// Puts the discipline of rchaos at an interface: nothing is slowed that is in none of its classes.
///
/// # Errors
///
/// `EXIST`: there is one already that the kernel has not chosen by itself.
pub fn add_root(socket: &Socket, interface: u32) -> Result<(), NetlinkError> {
    add_root_as(socket, interface, OURS)
}

/// As [`add_root`], with another handle, by which rchaos takes it for somebody else's.
///
/// # Errors
///
/// `EXIST`: there is one already that the kernel has not chosen by itself.
pub fn add_root_as(socket: &Socket, interface: u32, handle: u32) -> Result<(), NetlinkError> {
    // struct tc_htb_glob: version, rate to quantum, default class (none), debug, direct packets.
    let global: Vec<u8> = [3_u32, 10, 0, 0, 0]
        .iter()
        .flat_map(|one| one.to_ne_bytes())
        .collect();
    let message = Message::new(NEW_QDISC, CREATE | EXCLUSIVE, "add a queueing discipline")
        .raw(&fixed(interface, handle, ROOT))
        .with_text(1, "htb")
        .with_nested(2, |options| options.put(2, &global));
    socket.request(&message)
}

/// Removes it; the kernel's own comes back.
///
/// # Errors
///
/// [`NetlinkError::is_missing`]: it is gone.
pub fn delete_root(socket: &Socket, interface: u32) -> Result<(), NetlinkError> {
    let message = Message::new(DEL_QDISC, 0, "remove a queueing discipline");
    socket.request(&message.raw(&fixed(interface, OURS, ROOT)))
}

/// Adds a class of its own number.
///
/// # Errors
///
/// What the kernel objects to.
pub fn add_class(
    socket: &Socket,
    interface: u32,
    class: u32,
    pace: ClassPace,
) -> Result<(), NetlinkError> {
    let new = CREATE | EXCLUSIVE;
    let message = Message::new(NEW_CLASS, new, "add a class of traffic")
        .raw(&fixed(interface, class, OURS))
        .with_text(1, "htb")
        .with_nested(2, |options| {
            options.put(1, &class_options(pace));
            // Rates above 34 Gbit/s need the wide form.
            options.put(6, &bytes_per_second(pace.rate).to_ne_bytes());
            options.put(7, &bytes_per_second(pace.rate).to_ne_bytes());
        });
    socket.request(&message)
}

/// Puts a queue into a class; `options` appends its options to the message.
///
/// # Errors
///
/// What the kernel objects to; [`NetlinkError::is_missing`] where it has no such kind.
pub fn add_leaf(
    socket: &Socket,
    interface: u32,
    class: u32,
    kind: &str,
    options: impl FnOnce(Message) -> Message,
) -> Result<(), NetlinkError> {
    let action = format!("add a queue of kind {kind}");
    let message = Message::new(NEW_QDISC, CREATE | EXCLUSIVE, action)
        .raw(&fixed(interface, 0, class))
        .with_text(1, kind);
    socket.request(&options(message))
}

/// The options of a queue of packets that holds so many bytes.
pub fn fifo(message: Message, bytes: u64) -> Message {
    let limit = u32::try_from(bytes).unwrap_or(u32::MAX);
    message.with(2, &limit.to_ne_bytes())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a rate is positive"
)]
fn bytes_per_second(rate: f64) -> u64 {
    rate.round() as u64
}

/// `struct tc_htb_opt`: rate and ceiling (12 bytes each), bursts in ticks, quantum, level, priority.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a float cast saturates, and bursts are far below 2^53 bytes"
)]
fn class_options(pace: ClassPace) -> Vec<u8> {
    let rate = u32::try_from(bytes_per_second(pace.rate)).unwrap_or(u32::MAX);
    let ticks = pace.burst as f64 / pace.rate * 1e9 / NANOSECONDS_PER_TICK;
    let mut bytes = Vec::with_capacity(44);
    for _ in ["rate", "ceiling"] {
        // Ethernet, no overhead: what counts is the length of the packet.
        bytes.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&rate.to_ne_bytes());
    }
    for number in [ticks as u32, ticks as u32, QUANTUM, 0, 0] {
        bytes.extend_from_slice(&number.to_ne_bytes());
    }
    bytes
}

/// Removes a class with what waits in it.
///
/// # Errors
///
/// [`NetlinkError::is_missing`]: it is gone.
pub fn delete_class(socket: &Socket, interface: u32, class: u32) -> Result<(), NetlinkError> {
    let message = Message::new(DEL_CLASS, 0, "remove a class of traffic");
    socket.request(&message.raw(&fixed(interface, class, 0)))
}

/// The numbers of the classes of rchaos at an interface.
///
/// # Errors
///
/// What the kernel objects to.
pub fn classes(socket: &Socket, interface: u32) -> Result<Vec<u32>, NetlinkError> {
    let get = Message::new(GET_CLASS, 0, "list classes of traffic").raw(&fixed(interface, 0, 0));
    let replies = socket.dump(&get)?;
    let here = replies.iter().filter(|one| number(one, 4) == interface);
    let classes = here.map(|one| number(one, 8));
    Ok(classes.filter(|class| class >> 16 == OURS >> 16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_written_as_the_kernel_reads_it() {
        let bytes = class_options(ClassPace {
            rate: 1_250_000.0,
            burst: 12_500,
        });
        assert_eq!(bytes.len(), 44);
        assert_eq!(bytes[1], 1);
        assert_eq!(bytes[8..12], 1_250_000_u32.to_ne_bytes());
        assert_eq!(bytes[20..24], 1_250_000_u32.to_ne_bytes());
        // Ten milliseconds.
        assert_eq!(bytes[24..28], (10_000_000_u32 / 64).to_ne_bytes());
    }

    #[test]
    fn only_what_the_kernel_chose_is_replaced() {
        let one = |kind: &str, handle| Discipline {
            kind: kind.to_owned(),
            handle,
        };
        assert!(one("noqueue", 0).is_default() && one("fq_codel", 0).is_default());
        assert!(!one("mq", 0).is_default() && !one("htb", 0x1_0000).is_default());
        assert!(one("htb", OURS).is_ours() && !one("htb", 0x1_0000).is_ours());
    }
}
