//! Logs go to stderr, as text or JSON; results never do.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing_subscriber::filter::LevelFilter;

use super::screen::LogLines;

/// Options that every subcommand has.
#[derive(Debug, Args)]
pub struct LoggingArgs {
    /// Say more: -v debug, -vv trace; errors show all frames
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// How log lines are written to stderr
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub log_format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging.
pub fn start(args: &LoggingArgs) {
    let level = match args.verbose {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Libraries speak up only when everything was asked for.
    let filter = tracing_subscriber::EnvFilter::builder()
        .parse_lossy(format!("warn,rchaos={level},script={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogLines)
        .with_target(false)
        .with_ansi(stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    match args.log_format {
        LogFormat::Text => builder.without_time().init(),
        LogFormat::Json => builder.json().init(),
    }
}
