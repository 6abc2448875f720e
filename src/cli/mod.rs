//! The command line: one file per subcommand.

mod check;
mod compare;
mod completions;
mod demo;
mod diagnostic;
mod exit;
mod logging;
mod new;
mod proxy;
mod run;
mod screen;
mod script_input;
mod watch;
mod watched;

use clap::{CommandFactory, Parser, Subcommand};

pub use exit::Exit;

/// Load, faults, probes and verdicts on one clock, scripted in Lua.
#[derive(Debug, Parser)]
#[command(name = "rchaos", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logging: logging::LoggingArgs,
}

const EXIT_CODES: &str = "\
Examples:
  rchaos run examples/quickstart.lua
  rchaos run load.lua --env BASE_URL=http://127.0.0.1:8080 --summary result.json
  rchaos check load.lua
  rchaos watch load.lua

Exit codes: 0 passed, 1 internal error, 2 usage, 3 script error, 4 precondition not met,
5 failed (threshold, expectation), 6 aborted, 7 healing incomplete";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script: load, checks, thresholds, verdict
    Run(run::RunArgs),
    /// Validate a script and list what it would run; touches nothing
    Check(check::CheckArgs),
    /// Run a script, and again whenever it or a file that it reads is saved
    Watch(watch::WatchArgs),
    /// Write a script to begin with
    New(new::NewArgs),
    /// Say what got better or worse between two results
    Compare(compare::CompareArgs),
    /// Serve the demo shop on loopback until Ctrl-C
    Demo(demo::DemoArgs),
    /// Serve TCP fault proxies with Toxiproxy's HTTP API
    Proxy(proxy::ProxyArgs),
    /// Print the script that completes commands and options in a shell
    Completions(completions::CompletionsArgs),
}

/// Parses the command line, does what it says, and returns the exit code.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse_from(proxy::normalise(std::env::args_os().collect())) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures; where the text goes is clap's decision.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Passed
            };
            let _ = error.print();
            return exit;
        }
    };
    logging::start(&cli.logging);
    let result = match cli.command {
        Command::Run(args) => run::run(args, cli.logging.verbose > 0),
        Command::Check(args) => check::run(args, cli.logging.verbose > 0),
        Command::Watch(args) => watch::run(&args),
        Command::New(args) => new::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Completions(args) => completions::run(&args, &Cli::command()),
        Command::Proxy(args) => proxy::run(args)
            .map(|()| Exit::Passed)
            .map_err(|error| diagnostic::Failure::new(error.exit(), error.to_string())),
    };
    result.unwrap_or_else(|failure| {
        diagnostic::print(&failure);
        failure.exit
    })
}
