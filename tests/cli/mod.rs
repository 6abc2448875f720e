//! The command line: arguments, exit codes, hooks, signals, limits and streams.

mod check;
mod completions;
mod exit_codes;
mod hooks;
mod limits;
mod logging;
mod new;
mod overrides;
mod requires;
mod signals;
