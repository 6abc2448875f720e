//! `rchaos docs`: what a function, type or module does, from the definitions that editors get.

use std::io::{Write, stdout};

use clap::Args;

use crate::base::text::{nearest, quoted};
use crate::script::reference::{Reference, Shape, entry, overview, page};

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options of `rchaos docs`.
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// What to look up: a module (http), a function (http.get, scenario, Rows:next) or a type
    /// (Response); without it, everything there is is listed
    name: Option<String>,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

/// Prints documentation.
///
/// # Errors
///
/// Nothing of that name, or standard output cannot be written.
pub fn run(args: &DocsArgs) -> Result<Exit, Failure> {
    let reference = reference()?;
    let shape = if args.markdown {
        Shape::Markdown
    } else {
        Shape::Plain
    };
    let text = match args.name.as_deref() {
        None => overview(&reference),
        Some(name) => find(&reference, name, shape)?,
    };
    print(&text)
}

/// The definitions; that they are understood is held by a test.
pub(super) fn reference() -> Result<Reference, Failure> {
    Reference::load().map_err(|error| Failure::new(Exit::Internal, error))
}

/// Writes to stdout; a reader such as `head` may leave.
pub(super) fn print(text: &str) -> Result<Exit, Failure> {
    match stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Internal,
            format!("cannot write to stdout: {error}"),
        )),
        _ => Ok(Exit::Passed),
    }
}

fn find(reference: &Reference, name: &str, shape: Shape) -> Result<String, Failure> {
    if let Some(file) = reference.files.iter().find(|file| file.name == name) {
        return Ok(page(file, shape).trim_start_matches('\n').to_owned());
    }
    // `rows:next()` as well as `rows.next`: what matters is the name.
    let plain = |text: &str| text.trim_end_matches("()").replace(':', ".").to_lowercase();
    let entries = reference.entries();
    let exact = entries.iter().find(|one| one.name == name);
    let alike = || entries.iter().find(|one| plain(&one.name) == plain(name));
    if let Some(found) = exact.or_else(alike) {
        return Ok(entry(reference, found, shape));
    }
    let files = reference.files.iter().map(|file| file.name);
    let names = entries.iter().map(|one| one.name.as_str()).chain(files);
    let hint = match nearest(name, names) {
        Some(known) => format!("did you mean {known}?"),
        None => "rchaos docs lists what there is".to_owned(),
    };
    Err(Failure::new(
        Exit::Usage,
        format!("there is no {}; {hint}", quoted(name)),
    ))
}
