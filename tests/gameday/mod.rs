//! Gamedays: unattended by an answers file, and at a terminal.

mod terminal;
mod unattended;
