//! The command line: arguments, exit codes, hooks, signals, limits and streams.

mod check;
mod completions;
mod doctor;
mod exit_codes;
mod hooks;
mod limits;
mod logging;
mod new;
mod overrides;
mod plan;
mod requires;
mod signals;
mod time_scale;
