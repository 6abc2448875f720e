//! Experiments from outside: what they inject, when it is gone, and what the summary says of it.

mod endings;
mod faults;
