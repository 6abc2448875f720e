//! What can be injected and undone; one fault, one file, and no Lua here.

pub mod proxy;
