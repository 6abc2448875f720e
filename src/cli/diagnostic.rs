//! Any error, as the text that a user reads.

use crate::base::text::printable;
use crate::engine::RunError;
use crate::script::{Kind, Problem, ScriptError, Sources};

use super::exit::Exit;

/// An error that ends the program: what to print and how to exit.
#[derive(Debug)]
pub struct Failure {
    /// Whole lines for stderr.
    pub text: String,
    /// The exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure with a one-line message.
    #[must_use]
    pub fn new(exit: Exit, message: impl AsRef<str>) -> Self {
        Self {
            text: format!("error: {}\n", printable(message.as_ref())),
            exit,
        }
    }

    /// An error of a script, with its source line.
    #[must_use]
    pub fn script(error: &ScriptError, sources: &Sources, verbose: bool) -> Self {
        Self {
            text: error.render(sources, verbose) + "\n",
            exit: Exit::Script,
        }
    }

    /// What kept a run from having a result.
    #[must_use]
    pub fn of_run(error: &RunError, sources: &Sources, verbose: bool) -> Self {
        match error {
            RunError::Script(error) => Self::script(error, sources, verbose),
            RunError::Problems(problems) => Self::problems(problems, sources, verbose),
            RunError::Usage(message) => Self::new(Exit::Usage, message),
            RunError::Aborted(signal) => Self::new(
                Exit::Aborted,
                format!("{signal} before the script was loaded; nothing was started"),
            ),
            RunError::Internal(message) => Self::new(Exit::Internal, message),
        }
    }

    /// Every problem of a script's declarations, each with its place.
    #[must_use]
    pub fn problems(problems: &[Problem], sources: &Sources, verbose: bool) -> Self {
        let mut text = String::new();
        for problem in problems {
            let mut error = ScriptError::new(Kind::Misuse, problem.what.clone());
            error.location.clone_from(&problem.at);
            text.push_str(&error.render(sources, verbose));
            text.push('\n');
        }
        if problems.len() > 1 {
            text.push_str(&format!(
                "{} problems; nothing was started\n",
                problems.len()
            ));
        }
        Self {
            text,
            exit: Exit::Script,
        }
    }
}

/// Prints a failure to stderr.
pub fn print(failure: &Failure) {
    eprint!("{}", failure.text);
}
