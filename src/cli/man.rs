//! `rchaos man`: the manual page, made from the options themselves.

use std::fmt::Write as _;

use clap::{Arg, Args, Command};

use super::diagnostic::Failure;
use super::docs::print;
use super::exit::Exit;

/// Options of `rchaos man`: none.
#[derive(Debug, Args)]
pub struct ManArgs {}

/// Prints the page; `rchaos man | man -l -` shows it.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn run(command: &Command) -> Result<Exit, Failure> {
    print(&page(command))
}

/// Text in which roff sees no request: backslashes, and points and quotes at the start of a line.
fn roff(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        match line.chars().next() {
            Some('.' | '\'') => format!("\\&{line}"),
            _ => line,
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn page(command: &Command) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let about = command.get_about().map(ToString::to_string);
    let about = roff(&about.unwrap_or_default());
    // Writing to a string cannot fail, here and below.
    let mut out = format!(
        ".TH RCHAOS 1 \"\" \"rchaos {version}\" \"User Commands\"\n.SH NAME\nrchaos \\- {about}\n\
         .SH SYNOPSIS\n.B rchaos\n.I COMMAND\n[OPTIONS]\n"
    );
    out.push_str(".SH COMMANDS\n");
    for sub in shown(command) {
        let _ = writeln!(out, ".SS rchaos {}", synopsis(sub));
        let about = sub.get_long_about().or(sub.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "{}.", roff(&about));
        for inner in shown(sub) {
            let about = inner.get_about().map(ToString::to_string);
            let about = roff(&about.unwrap_or_default());
            let _ = writeln!(out, ".TP\n.B {}\n{about}", synopsis(inner));
        }
        for option in sub.get_arguments().filter(|option| listed(option)) {
            out.push_str(&described(option));
        }
    }
    out.push_str(".SH OPTIONS OF ALL COMMANDS\n");
    for option in command.get_arguments().filter(|option| listed(option)) {
        out.push_str(&described(option));
    }
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        let (examples, codes) = after.split_once("\n\n").unwrap_or((&after, ""));
        let examples = examples.trim_start_matches("Examples:\n");
        let _ = writeln!(out, ".SH EXAMPLES\n.nf\n{}\n.fi", roff(examples));
        let codes = codes.trim_start_matches("Exit codes: ");
        let _ = writeln!(out, ".SH EXIT STATUS\n{}.", roff(codes));
    }
    out
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set())
}

fn listed(option: &Arg) -> bool {
    !option.is_hide_set() && !matches!(option.get_id().as_str(), "help" | "version")
}

/// The command with its positional arguments.
fn synopsis(command: &Command) -> String {
    let positional = command.get_positionals().map(|one| {
        let name = one.get_id().as_str().to_uppercase();
        if one.is_required_set() {
            name
        } else {
            format!("[{name}]")
        }
    });
    let words = std::iter::once(command.get_name().to_owned()).chain(positional);
    roff(&words.collect::<Vec<_>>().join(" "))
}

fn described(option: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(option.get_short().map(|short| format!("-{short}")));
    names.extend(option.get_long().map(|long| format!("--{long}")));
    let mut head = names.join(", ");
    if option.is_positional() {
        head = option.get_id().as_str().to_uppercase();
    } else if let Some(values) = option.get_value_names()
        && option.get_action().takes_values()
    {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        head = format!("{head} {}", values.join(" "));
    }
    let help = option.get_long_help().or(option.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let default = option.get_default_values();
    let default = match default.first() {
        Some(value) if option.get_action().takes_values() => {
            format!(" (default {})", value.to_string_lossy())
        }
        _ => String::new(),
    };
    format!(
        ".TP\n.B {}\n{}\n",
        roff(&head),
        roff(&format!("{help}{default}"))
    )
}
