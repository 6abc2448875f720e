//! Faults on processes, asserted from outside: `/proc`, exit codes, ports.

mod groups;
mod kill;
mod spawn;
