//! How text is to look: colours if they are wanted, and the room there is.

use std::io::IsTerminal;
use std::os::fd::AsFd;

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// How to render for one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Whether to colour; default no.
    pub colour: bool,
    /// Longest line in columns; default `None`, no limit.
    pub width: Option<usize>,
    /// Whether to show what most readers skip, such as the phases of a request; default no.
    pub details: bool,
}

/// What a piece of text conveys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Warn,
    Strong,
    Faint,
}

impl Look {
    /// The look for a stream: `NO_COLOR`, then `CLICOLOR_FORCE`, then whether it is a terminal.
    #[must_use]
    pub fn detect(stream: &(impl IsTerminal + AsFd), details: bool) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        Self {
            colour: colour_wanted(stream.is_terminal(), variable),
            width: terminal_size(stream).map(|size| size.columns),
            details,
        }
    }

    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The size of the terminal behind a stream; `None` if there is none or it does not say.
#[must_use]
pub fn terminal_size(stream: &(impl IsTerminal + AsFd)) -> Option<Size> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| Size {
        columns: usize::from(size.ws_col),
        rows: usize::from(size.ws_row),
    })
}

fn colour_wanted(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && set("TERM").is_none_or(|value| value != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_environment_and_then_the_terminal() {
        let wanted = |terminal, pairs: &[(&str, &str)]| {
            colour_wanted(terminal, |name| {
                let found = pairs.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(wanted(true, &[]));
        assert!(!wanted(false, &[]));
        assert!(!wanted(true, &[("NO_COLOR", "1")]));
        assert!(wanted(true, &[("NO_COLOR", "")]));
        assert!(wanted(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!wanted(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!wanted(
            false,
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
        ));
        assert!(!wanted(true, &[("TERM", "dumb")]));
    }

    #[test]
    fn a_stream_that_is_no_terminal_has_no_size() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(terminal_size(&file), None);
    }
}
