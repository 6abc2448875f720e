//! rchaos: load, faults, probes and verdicts on one clock, scripted in Lua.
//!
//! A file imports from rows below its own, or from its own folder; `tests/layers.rs` holds it.
//!
//! ```text
//! 6 cli/              one file per subcommand; exit codes; diagnostics
//! 5 engine/           from loaded script to verdict
//! 4 modules/          one file or folder per Lua native
//! 3 script/           Lua host; knows no native
//! 3 agent/           what injects and surely heals: guardian, worker, journal
//! 3 output/           events, summary, terminal and files
//! 2 fault/            what can be injected and undone, one fault one file, no Lua
//! 2 http/             the measuring HTTP client
//! 2 metrics/          registry, histograms, thresholds
//! 2 demo/             the target that examples run against
//! 1 docker/           the client of container engines
//! 0 base/             units, clock, rng, text
//! ```

pub mod agent;
pub mod base;
pub mod cli;
pub mod demo;
pub mod docker;
pub mod engine;
pub mod fault;
pub mod http;
pub mod metrics;
pub mod modules;
pub mod output;
pub mod script;
