//! Faults that use up what a host or a target has.

mod clock;
mod connections;
mod cpu;
mod crew;
mod crowd;
mod disk_fill;
mod disk_io;
mod fds;
mod filesystem;
mod gpu_memory;
mod inodes;
mod io_errors;
mod memory;
mod pids;

pub use clock::{Clock, KIND as CLOCK};
pub use connections::{Connections, KIND as CONNECTIONS};
pub use cpu::{Cpu, KIND as CPU};
pub use crew::Load;
pub use crowd::Manner;
pub use disk_fill::{DiskFill, KIND as DISK_FILL};
pub use disk_io::{DiskIo, KIND as DISK_IO};
pub use fds::{Fds, KIND as FDS};
pub use filesystem::{Amount, StateDirectory};
pub use gpu_memory::{GpuMemory, KIND as GPU_MEMORY};
pub use inodes::{Inodes, KIND as INODES};
pub use io_errors::{ErrorNumber, IoErrors, KIND as IO_ERRORS, Operation, Rule};
pub(in crate::fault) use memory::hog;
pub use memory::{KIND as MEMORY, Memory};
pub use pids::{KIND as PIDS, Pids};

use super::spec::Kind;

/// The kinds of this family.
pub const KINDS: &[Kind] = &[
    cpu::KIND,
    memory::KIND,
    disk_fill::KIND,
    disk_io::KIND,
    inodes::KIND,
    io_errors::KIND,
    fds::KIND,
    pids::KIND,
    connections::KIND,
    clock::KIND,
    gpu_memory::KIND,
];

/// A share (0 to 1) of a number of bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the full share is taken exactly, others to the nearest"
)]
fn part(of: u64, share: f64) -> u64 {
    if share >= 1.0 {
        return of;
    }
    (of as f64 * share.max(0.0)) as u64
}
