//! The natives: one file or folder per module that scripts see as a global.

mod data;
mod demo;
mod docker;
mod files;
pub mod hold;
mod http;
mod json;
mod log;
mod metrics;
mod netfault;
pub mod pick;
mod process;
pub mod prometheus;
mod stress;
pub mod target;
pub mod words;

use crate::script::Module;

pub use files::files_sought;

/// Every module, sorted by name.
pub const ALL: &[Module] = &[
    data::MODULE,
    demo::MODULE,
    docker::MODULE,
    http::MODULE,
    json::MODULE,
    log::MODULE,
    metrics::MODULE,
    netfault::MODULE,
    process::MODULE,
    prometheus::MODULE,
    stress::MODULE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sorted() {
        let names: Vec<_> = ALL.iter().map(|module| module.name).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }
}
