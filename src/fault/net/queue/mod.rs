//! Packets held in user space: delayed, lost by a model, doubled, damaged, reordered, paced.
//!
//! ```text
//! impairment  what is to be done, as data                chance  draws with memory, distributions
//! shaper      the fate of each packet, no I/O            engine  the thread that holds packets
//! judge       decisions by contents
//! wire        the kernel's packet queue                  emit    packets sent once more
//! ```

mod chance;
mod emit;
mod engine;
mod impairment;
mod judge;
mod shaper;
mod wire;

pub use engine::{Mode, Queue};
pub use impairment::{Delay, Distribution, Impairment, Loss, Pace, Reorder, Share};
pub use judge::{Judge, Verdict, Work};

/// Marks packets that were sent once more at the sender; the fault's number is in the low half.
pub(super) const RESENT: u32 = 0x7c5a_0000;
/// Marks copies that were sent once more at the receiver.
pub(super) const COPIED: u32 = 0x7c5b_0000;
/// The bits that tell faults apart.
pub(super) const NUMBER: u32 = 0xffff;
