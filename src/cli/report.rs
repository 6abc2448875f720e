//! `rchaos report`: a page of a result that was written before.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::text::quoted;
use crate::output::{Summary, WholeFile, markdown, report};

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options of `rchaos report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The result: what `rchaos run --summary` wrote
    summary: PathBuf,
    /// Where the page goes: FILE.html, or FILE.md as Markdown [default: HTML on standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One page for a browser.
    Html,
    /// Text for wikis and pull requests.
    Markdown,
}

impl Shape {
    /// The shape that a file's name asks for.
    ///
    /// # Errors
    ///
    /// An ending that is neither.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        match ending.as_ref().and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => Ok(Self::Html),
            Some("md" | "markdown") => Ok(Self::Markdown),
            _ => {
                let path = quoted(&path.display().to_string());
                let text = format!("{path} does not say what to write; end it in .html or .md");
                Err(Failure::new(Exit::Usage, text))
            }
        }
    }

    /// The report as text.
    #[must_use]
    pub fn render(self, summary: &Summary) -> String {
        match self {
            Self::Html => report(summary),
            Self::Markdown => markdown(summary),
        }
    }
}

/// Writes the page.
///
/// # Errors
///
/// The summary cannot be read or is none; the page cannot be written.
pub fn run(args: &ReportArgs) -> Result<Exit, Failure> {
    let shown = quoted(&args.summary.display().to_string());
    let text = std::fs::read_to_string(&args.summary)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {shown}: {error}")))?;
    let summary = Summary::read(&text)
        .map_err(|error| Failure::new(Exit::Usage, format!("{shown}: {error}")))?;
    let Some(path) = &args.output else {
        return match stdout().write_all(report(&summary).as_bytes()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
                Exit::Internal,
                format!("cannot write to stdout: {error}"),
            )),
            _ => Ok(Exit::Passed),
        };
    };
    let shape = Shape::of(path)?;
    let page = shape.render(&summary);
    WholeFile::create("the report", path)
        .and_then(|file| file.write(|out| out.write_all(page.as_bytes())))
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    Ok(Exit::Passed)
}
