//! Network namespaces: found, entered on a thread of their own, told apart, made and removed.

mod place;
mod scratch;

pub use place::{Namespace, NamespaceError, Place};
pub use scratch::{Named, Scratch};
