//! All integration tests in one binary: the program is run as its users run it.

mod cli;
mod compare;
mod examples;
mod layers;
mod load;
mod lua;
mod messages;
mod prometheus;
mod proxy;
mod schema;
mod support;
mod watch;
