//! One step of a rule: load something, compare it, act.

use crate::fault::net::netlink::Message;

/// The register that every load goes to and every comparison reads: wide enough for IPv6.
const REGISTER: u32 = 1;

/// A part of a packet, or something known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// IPv4 or IPv6: one byte, 2 or 10.
    Family,
    /// The transport protocol: one byte.
    Protocol,
    /// Bytes of the network header.
    Network {
        /// Where they start.
        offset: u32,
        /// How many.
        length: u32,
    },
    /// Bytes of the transport header.
    Transport {
        /// Where they start.
        offset: u32,
        /// How many.
        length: u32,
    },
    /// The flags of a TCP header that the mask keeps: one byte.
    TcpFlags {
        /// Which ones; 4 is the reset.
        mask: u8,
    },
    /// The name of the interface it came in through, 16 bytes.
    InputName,
    /// The name of the interface it goes out through, 16 bytes.
    OutputName,
    /// What kind of destination it has here: 4 bytes in host order, 2 for this host.
    DestinationType,
    /// The packet's mark, 4 bytes in network order.
    Mark,
    /// The number of the control group (version 2) at a depth above the socket that it belongs to, 8 bytes in host order.
    ControlGroup {
        /// How far below the root; 1 for the root's children.
        level: u32,
    },
    /// A random number below the bound, 4 bytes in network order.
    Random {
        /// The bound.
        below: u32,
    },
    /// A constant.
    Constant(u32),
}

/// How what was loaded is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The same bytes.
    Equal,
    /// Other bytes.
    Differ,
    /// A smaller number, in network order.
    Below,
}

/// How a packet is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A TCP reset; only after TCP has been matched.
    Reset,
    /// ICMP "port unreachable", of the packet's own family.
    PortUnreachable,
    /// ICMP "host unreachable", of the packet's own family.
    HostUnreachable,
    /// ICMP "administratively prohibited", of the packet's own family.
    Prohibited,
}

/// One step of a rule. A step that does not match ends the rule for this packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Loads a field.
    Load(Field),
    /// Compares what was loaded.
    Compare(Compare, Vec<u8>),
    /// Whether what was loaded lies between two values, both included.
    Within(Vec<u8>, Vec<u8>),
    /// Whether what was loaded is in a set of the table, or is not.
    In {
        /// The set's name.
        set: String,
        /// Whether it must be absent.
        absent: bool,
    },
    /// Counts packets and bytes.
    Count,
    /// Matches what exceeds a rate of bytes per second.
    Above {
        /// Bytes per second.
        rate: u64,
        /// Bytes that may come at once.
        burst: u32,
    },
    /// Drops the packet.
    Drop,
    /// Lets the packet pass this chain.
    Accept,
    /// Refuses the packet.
    Refuse(Refusal),
    /// Puts the packet into a class of traffic of the interface it goes out through.
    Classify(u32),
    /// Hands the packet to a queue by the kernel's own expression, or lets it pass if nobody
    /// listens.
    Queue(u16),
    /// As [`Expression::Queue`], for kernels that have only the older target.
    QueueTarget(u16),
}

impl Expression {
    /// Appends the steps to a rule's list.
    pub(super) fn write(&self, list: &mut Message) {
        match self {
            Self::Load(field) => load(*field, list),
            Self::Compare(how, value) => step(list, "cmp", |data| {
                let how: u32 = match how {
                    Compare::Equal => 0,
                    Compare::Differ => 1,
                    Compare::Below => 2,
                };
                data.put(1, &REGISTER.to_be_bytes());
                data.put(2, &how.to_be_bytes());
                data.nest(3, |value_of| value_of.put(1, value));
            }),
            Self::Within(from, to) => step(list, "range", |data| {
                data.put(1, &REGISTER.to_be_bytes());
                data.put(2, &0_u32.to_be_bytes());
                data.nest(3, |value_of| value_of.put(1, from));
                data.nest(4, |value_of| value_of.put(1, to));
            }),
            Self::In { set, absent } => step(list, "lookup", |data| {
                data.put_text(1, set);
                data.put(2, &REGISTER.to_be_bytes());
                if *absent {
                    data.put(5, &1_u32.to_be_bytes());
                }
            }),
            Self::Count => step(list, "counter", |_| {}),
            Self::Above { rate, burst } => step(list, "limit", |data| {
                data.put(1, &rate.to_be_bytes());
                data.put(2, &1_u64.to_be_bytes());
                data.put(3, &burst.to_be_bytes());
                data.put(4, &1_u32.to_be_bytes());
                data.put(5, &1_u32.to_be_bytes());
            }),
            Self::Classify(class) => {
                constant(*class, list);
                step(list, "meta", |data| {
                    data.put(2, &2_u32.to_be_bytes());
                    data.put(3, &REGISTER.to_be_bytes());
                });
            }
            Self::Drop => verdict(list, 0),
            Self::Accept => verdict(list, 1),
            Self::Refuse(refusal) => refuse(*refusal, list),
            Self::Queue(number) => step(list, "queue", |data| {
                data.put(1, &number.to_be_bytes());
                data.put(2, &1_u16.to_be_bytes());
                data.put(3, &1_u16.to_be_bytes());
            }),
            Self::QueueTarget(number) => step(list, "target", |data| {
                // struct xt_NFQ_info_v3: number, how many, flags (1: bypass), padded to 8.
                let mut info = [0; 8];
                info[0..2].copy_from_slice(&number.to_ne_bytes());
                info[2..4].copy_from_slice(&1_u16.to_ne_bytes());
                info[4..6].copy_from_slice(&1_u16.to_ne_bytes());
                data.put_text(1, "NFQUEUE");
                data.put(2, &3_u32.to_be_bytes());
                data.put(3, &info);
            }),
        }
    }
}

fn step(list: &mut Message, name: &str, fill: impl FnOnce(&mut Message)) {
    list.nest(1, |element| {
        element.put_text(1, name);
        element.nest(2, fill);
    });
}

fn load(field: Field, list: &mut Message) {
    match field {
        Field::Family => meta(list, 15),
        Field::Protocol => meta(list, 16),
        Field::InputName => meta(list, 6),
        Field::OutputName => meta(list, 7),
        Field::Mark => {
            meta(list, 3);
            swap_bytes(list);
        }
        Field::ControlGroup { level } => step(list, "socket", |data| {
            data.put(1, &3_u32.to_be_bytes());
            data.put(2, &REGISTER.to_be_bytes());
            data.put(3, &level.to_be_bytes());
        }),
        Field::Network { offset, length } => payload(list, 1, offset, length),
        Field::Transport { offset, length } => payload(list, 2, offset, length),
        Field::TcpFlags { mask } => {
            payload(list, 2, 13, 1);
            step(list, "bitwise", |data| {
                data.put(1, &REGISTER.to_be_bytes());
                data.put(2, &REGISTER.to_be_bytes());
                data.put(3, &1_u32.to_be_bytes());
                data.nest(4, |value_of| value_of.put(1, &[mask]));
                data.nest(5, |value_of| value_of.put(1, &[0]));
            });
        }
        Field::DestinationType => step(list, "fib", |data| {
            data.put(1, &REGISTER.to_be_bytes());
            data.put(2, &3_u32.to_be_bytes());
            data.put(3, &2_u32.to_be_bytes());
        }),
        Field::Random { below } => {
            step(list, "numgen", |data| {
                data.put(1, &REGISTER.to_be_bytes());
                data.put(2, &below.to_be_bytes());
                data.put(3, &1_u32.to_be_bytes());
            });
            swap_bytes(list);
        }
        Field::Constant(value) => constant(value, list),
    }
}

/// A number came in host order; comparisons go byte by byte.
fn swap_bytes(list: &mut Message) {
    step(list, "byteorder", |data| {
        data.put(1, &REGISTER.to_be_bytes());
        data.put(2, &REGISTER.to_be_bytes());
        data.put(3, &1_u32.to_be_bytes());
        data.put(4, &4_u32.to_be_bytes());
        data.put(5, &4_u32.to_be_bytes());
    });
}

fn meta(list: &mut Message, key: u32) {
    step(list, "meta", |data| {
        data.put(1, &REGISTER.to_be_bytes());
        data.put(2, &key.to_be_bytes());
    });
}

fn payload(list: &mut Message, base: u32, offset: u32, length: u32) {
    step(list, "payload", |data| {
        data.put(1, &REGISTER.to_be_bytes());
        data.put(2, &base.to_be_bytes());
        data.put(3, &offset.to_be_bytes());
        data.put(4, &length.to_be_bytes());
    });
}

fn constant(value: u32, list: &mut Message) {
    step(list, "immediate", |data| {
        data.put(1, &REGISTER.to_be_bytes());
        data.nest(2, |value_of| value_of.put(1, &value.to_ne_bytes()));
    });
}

fn verdict(list: &mut Message, code: u32) {
    step(list, "immediate", |data| {
        data.put(1, &0_u32.to_be_bytes());
        data.nest(2, |value| {
            value.nest(2, |verdict| verdict.put(1, &code.to_be_bytes()));
        });
    });
}

fn refuse(refusal: Refusal, list: &mut Message) {
    // The reset has its own type; the rest are codes that fit both families.
    let (how, code): (u32, u8) = match refusal {
        Refusal::Reset => (1, 0),
        Refusal::PortUnreachable => (2, 1),
        Refusal::HostUnreachable => (2, 2),
        Refusal::Prohibited => (2, 3),
    };
    step(list, "reject", |data| {
        data.put(1, &how.to_be_bytes());
        data.put(2, &[code]);
    });
}
