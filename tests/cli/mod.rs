//! The command line: arguments, exit codes, hooks, signals, limits and streams.

mod check;
mod exit_codes;
mod hooks;
mod limits;
mod logging;
mod overrides;
mod requires;
mod signals;
