//! The text that a terminal shows for a script error.

use std::fmt::Write as _;

use crate::base::text::printable;

use super::{Frame, ScriptError, naming};
use crate::script::Sources;

/// Characters of a source line that are shown.
const WIDTH: usize = 200;

impl ScriptError {
    /// The error with its source line and call path, several lines without a final line break:
    ///
    /// ```text
    /// error: gameday.lua:12: netfault.latency: option `delay`: "250" has no unit; …
    ///   12 |     netfault.latency(target, { delay = "250" })
    ///   in step (gameday.lua:12), called from gameday.lua:30
    /// ```
    ///
    /// `verbose` lists every script frame and every note of a caller.
    #[must_use]
    pub fn render(&self, sources: &Sources, verbose: bool) -> String {
        let line = self
            .location
            .as_ref()
            .and_then(|at| Some((at.line, sources.line(&at.file, at.line)?)));
        let mut text = String::from("error: ");
        if let Some(location) = &self.location {
            let _ = write!(text, "{location}: ");
        }
        text.push_str(&printable(&self.named(sources, line.as_ref())));
        if let Some((number, source)) = line {
            // A generated line may be endless.
            let shown: String = source.trim_end().chars().take(WIDTH).collect();
            let _ = write!(text, "\n  {number} | {}", printable(&shown));
        }
        if verbose {
            for frame in &self.frames {
                let _ = write!(text, "\n  at {}", shown(frame));
            }
            for note in &self.notes {
                let _ = write!(text, "\n  note: {}", printable(note));
            }
        } else if let Some(path) = self.call_path() {
            let _ = write!(text, "\n  {path}");
        }
        text
    }

    /// The message, with the nil expression named where the source line tells it.
    #[must_use]
    pub fn explained(&self, sources: &Sources) -> String {
        let at = self.location.as_ref();
        let line = at.and_then(|at| Some((at.line, sources.line(&at.file, at.line)?)));
        self.named(sources, line.as_ref())
    }

    fn named(&self, sources: &Sources, line: Option<&(u32, String)>) -> String {
        let named = self
            .location
            .as_ref()
            .zip(line)
            .and_then(|(at, (_, line))| {
                let source = sources.get(&at.file)?;
                naming::explain(&self.message, line, &source.text, sources.known())
            });
        named.unwrap_or_else(|| self.message.clone())
    }

    fn call_path(&self) -> Option<String> {
        let (first, outer) = self.frames.split_first()?;
        if outer.is_empty() && first.function.is_none() {
            return None;
        }
        let mut path = format!("in {}", shown(first));
        for frame in outer.iter().take(4) {
            let _ = write!(path, ", called from {}", frame.location);
        }
        if outer.len() > 4 {
            let _ = write!(path, " and {} more", outer.len() - 4);
        }
        Some(path)
    }
}

fn shown(frame: &Frame) -> String {
    match &frame.function {
        Some(name) => format!("{name} ({})", frame.location),
        None => frame.location.to_string(),
    }
}
