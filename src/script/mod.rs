//! The Lua host: machines, scripts, errors, tasks and options. Knows no native by name.

mod bridge;
mod context;
mod error;
mod globals;
mod interrupt;
pub mod json;
mod module;
mod options;
pub mod phase;
mod pulse;
pub mod reference;
mod require;
mod source;
mod stdlib;
mod task;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod vm;
mod watchdog;

pub use bridge::{NOTHING, bridge};
pub use context::{Phase, Vu, VuOptions};
pub use error::{Fingerprint, Frame, Kind, Location, Misuse, ScriptError, here};
pub use module::{Module, Verb};
pub use options::{FromOption, Options, Problem, Problems, shown, time_scale, unit_arg};
pub use pulse::{Cause, Interrupted, Pulse, Slice};
pub use source::{STDIN, Source, SourceError, Sources};
pub use stdlib::STDLIB;
pub use task::{
    Interruptible, Scoped, Task, current, interruptible, misuse, scope, try_current, with_current,
};
pub use vm::{Chunk, Vm, VmOptions};
pub use watchdog::{Limits, Stall, Watchdog};
