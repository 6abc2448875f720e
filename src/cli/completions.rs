//! `rchaos completions`: the script that completes its commands and options in a shell.

use std::io::{Write, stdout};

use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell as Generator, generate};

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options of `rchaos completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that is to complete
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script for a shell.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn run(args: &CompletionsArgs, command: &Command) -> Result<Exit, Failure> {
    let generator = match args.shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    // Generated into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    generate(generator, &mut shown(command), "rchaos", &mut script);
    match stdout().write_all(&script) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Internal,
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(Exit::Passed),
    }
}

/// A command without its hidden options, which the generator would offer.
fn shown(command: &Command) -> Command {
    let options = command
        .get_arguments()
        .filter(|option| !option.is_hide_set());
    let mut shown = Command::new(command.get_name().to_owned())
        .disable_help_subcommand(true)
        .args(options.cloned())
        .subcommands(command.get_subcommands().map(self::shown));
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    shown
}
