//! What a rule can do to a request; one fault, one file.

mod abort;
mod delay;
mod patch;
mod replace;
mod reset;

pub use abort::Abort;
pub use delay::Delay;
pub use patch::Patch;
pub(super) use replace::Replacer;
pub use reset::Reset;
