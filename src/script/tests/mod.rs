//! What scripts meet in a whole machine.

mod coroutines;
mod errors;
mod requires;
mod runaways;
