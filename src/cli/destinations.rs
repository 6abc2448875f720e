//! Where results of `rchaos run` go: the summary, the report, and outputs while the run goes on.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::output::{
    About, Feed, OutputError, OutputSpec, Outputs, Summary, SummaryFile, WholeFile, annotations,
};

use super::diagnostic::{self, Failure};
use super::exit::Exit;
use super::report;

/// The options that name destinations.
#[derive(Debug, Args)]
pub struct DestinationArgs {
    /// Write the result as JSON
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Write the result as a page: FILE.html, or FILE.md as Markdown
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write points, events or results: json=FILE, csv=FILE, junit=FILE, journal=FILE,
    /// prometheus=URL, listen=ADDRESS; may be repeated
    #[arg(short, long, value_name = "KIND=PLACE")]
    out: Vec<OutputSpec>,
}

/// All destinations of a run, open and known to be writable.
#[derive(Debug)]
pub struct Destinations {
    summary: Option<SummaryFile>,
    report: Option<(WholeFile, report::Shape)>,
    outputs: Outputs,
}

impl DestinationArgs {
    /// Where the summary goes, if anywhere.
    pub(super) fn summary(&self) -> Option<&Path> {
        self.summary.as_deref()
    }

    /// Whether anything but the summary is wanted.
    pub(super) fn is_streaming(&self) -> bool {
        self.report.is_some() || !self.out.is_empty()
    }

    /// Opens everything before the run, so that a wrong path costs nothing.
    ///
    /// # Errors
    ///
    /// A path that cannot be written, an address that cannot be bound.
    pub(super) fn open(&self, about: &About) -> Result<Destinations, Failure> {
        let usage = |error: OutputError| Failure::new(Exit::Usage, error.to_string());
        let summary = self.summary.as_deref().map(SummaryFile::create);
        let report = self.report.as_deref().map(|path| {
            let shape = report::Shape::of(path)?;
            let file = WholeFile::create("the report", path).map_err(usage)?;
            Ok::<_, Failure>((file, shape))
        });
        Ok(Destinations {
            summary: summary.transpose().map_err(usage)?,
            report: report.transpose()?,
            outputs: Outputs::open(&self.out, about)
                .map_err(|text| Failure::new(Exit::Usage, text))?,
        })
    }
}

impl Destinations {
    /// Where the engine puts what happens.
    pub(super) fn feed(&self) -> Feed {
        self.outputs.feed()
    }

    /// Writes the result everywhere and says what went wrong; a file that is missing in the end
    /// is [`Exit::Internal`].
    pub(super) fn write(self, summary: &Summary) -> Exit {
        let mut exit = Exit::Passed;
        let mut fail = |text: String| {
            diagnostic::print(&Failure::new(Exit::Internal, text));
            exit = Exit::Internal;
        };
        if let Some(file) = self.summary
            && let Err(error) = file.write(summary)
        {
            fail(error.to_string());
        }
        if let Some((file, shape)) = self.report
            && let Err(error) = file.write(|out| out.write_all(shape.render(summary).as_bytes()))
        {
            fail(error.to_string());
        }
        for complaint in self.outputs.finish(summary) {
            if complaint.essential {
                fail(complaint.text);
            } else {
                tracing::warn!("{}", complaint.text);
            }
        }
        if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
            // The runner reads both streams; on stdout it would stand in the end summary.
            let _ = stderr().write_all(annotations(summary).as_bytes());
        }
        exit
    }
}
