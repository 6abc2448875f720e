//! The command line: one file per subcommand.

mod agent;
mod check;
mod compare;
mod completions;
mod demo;
mod destinations;
mod diagnostic;
mod docs;
mod doctor;
mod exit;
mod faulting;
mod halt;
mod history;
mod init;
mod live;
mod logging;
mod man;
mod new;
mod plan;
mod project;
mod proxy;
mod recover;
mod report;
mod run;
mod schedule;
mod screen;
mod script_input;
mod status;
mod suite;
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

Exit codes: 0 passed, 1 internal error, 2 usage, 3 script error, 4 precondition not met,
5 failed (threshold, expectation), 6 aborted, 7 healing incomplete";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script: load, checks, thresholds, verdict
    Run(run::RunArgs),
    /// Validate a script and list what it would run; touches nothing
    Check(check::CheckArgs),
    /// Say what a run would inject, where, and what is missing; injects nothing
    Plan(plan::PlanArgs),
    /// Run a script, and again whenever it or a file that it reads is saved
    Watch(watch::WatchArgs),
    /// Write a script to begin with
    New(new::NewArgs),
    /// Say what got better or worse between two results
    Compare(compare::CompareArgs),
    /// List the runs of folders that are kept, and where a figure turned
    History(history::HistoryArgs),
    /// Run scripts and folders at the times of a file
    Schedule(schedule::ScheduleArgs),
    /// Make a page of a result that was written before
    Report(report::ReportArgs),
    /// Say what a function, a type or a module of scripts does
    Docs(docs::DocsArgs),
    /// Write definitions with which editors complete and check scripts
    Init(init::InitArgs),
    /// Print the manual page
    Man(man::ManArgs),
    /// Serve the demo shop on loopback until Ctrl-C
    Demo(demo::DemoArgs),
    /// Serve TCP and UDP fault proxies with Toxiproxy's HTTP API
    Proxy(proxy::ProxyArgs),
    /// List the runs that inject on this host, and their faults with the time left
    Status(status::StatusArgs),
    /// Make live runs heal and end
    Halt(halt::HaltArgs),
    /// Heal what runs that were killed have left
    Recover(recover::RecoverArgs),
    /// Say what this machine can inject, and why not the rest, by trying
    Doctor(doctor::DoctorArgs),
    /// Serve a controller on the standard streams: what `rchaos run` starts where it injects
    #[command(hide = true)]
    Agent(agent::AgentArgs),
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
        Command::Plan(args) => plan::run(args, cli.logging.verbose > 0),
        Command::Watch(args) => watch::run(&args),
        Command::New(args) => new::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Halt(args) => halt::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Agent(args) => agent::run(args),
        Command::Docs(args) => docs::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Man(_) => man::run(&Cli::command()),
        Command::History(args) => history::run(&args),
        Command::Schedule(args) => schedule::run(&args),
        Command::Report(args) => report::run(&args),
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
