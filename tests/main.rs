//! All integration tests in one binary: the program is run as its users run it.

mod cli;
mod compare;
mod docker;
mod examples;
mod experiment;
mod gameday;
mod history;
mod layers;
mod load;
mod lua;
mod messages;
mod netfault;
mod outputs;
mod plans;
mod process;
mod prometheus;
mod proxy;
mod reference;
mod report;
mod rollback;
mod schema;
mod stress;
mod suite;
mod support;
mod tui;
mod watch;
