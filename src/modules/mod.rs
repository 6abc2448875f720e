//! Temporary.
use crate::script::Module;
/// .
pub const ALL: &[Module] = &[];
