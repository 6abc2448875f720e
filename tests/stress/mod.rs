//! Faults that use up resources, asserted from outside: `statvfs`, errors that a victim sees, `/proc`.

mod clock;
mod connections;
mod crash;
mod disk_fill;
mod io_errors;
mod limits;
mod load;
mod numbers;
