//! Parse, run, print the error, exit.

use clap::Parser;
use rchaos::cli::proxy::{ProxyArgs, normalise, run};

#[derive(Parser)]
enum Command {
    Proxy(ProxyArgs),
}

fn main() {
    let Command::Proxy(args) = Command::parse_from(normalise(std::env::args_os().collect()));
    if let Err(error) = run(args) {
        eprintln!("error: {error}");
        std::process::exit(2);
    }
}
