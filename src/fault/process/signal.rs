//! Signals by name and number, as `kill` takes them.

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::base::text::nearest;

/// A signal that can be sent to somebody else's process; its number on this kind of machine is its wire form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignalName(pub Signal);

const NAMES: [(&str, Signal); 29] = [
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("ILL", Signal::ILL),
    ("TRAP", Signal::TRAP),
    ("ABRT", Signal::ABORT),
    ("BUS", Signal::BUS),
    ("FPE", Signal::FPE),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("SEGV", Signal::SEGV),
    ("USR2", Signal::USR2),
    ("PIPE", Signal::PIPE),
    ("ALRM", Signal::ALARM),
    ("TERM", Signal::TERM),
    ("CHLD", Signal::CHILD),
    ("CONT", Signal::CONT),
    ("STOP", Signal::STOP),
    ("TSTP", Signal::TSTP),
    ("TTIN", Signal::TTIN),
    ("TTOU", Signal::TTOU),
    ("URG", Signal::URG),
    ("XCPU", Signal::XCPU),
    ("XFSZ", Signal::XFSZ),
    ("VTALRM", Signal::VTALARM),
    ("PROF", Signal::PROF),
    ("WINCH", Signal::WINCH),
    ("IO", Signal::IO),
    ("SYS", Signal::SYS),
];

impl SignalName {
    /// Reads `"SIGKILL"`, `"KILL"`, `"kill"` or `"9"`.
    ///
    /// # Errors
    ///
    /// There is no such signal; the text names the nearest.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse::<i32>() {
            return NAMES
                .iter()
                .find(|(_, signal)| signal.as_raw() == number)
                .map(|(_, signal)| Self(*signal))
                .ok_or_else(|| format!("there is no signal {number}"));
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES
            .iter()
            .find(|(one, _)| *one == name)
            .map(|(_, signal)| Self(*signal))
            .ok_or_else(|| {
                let near = nearest(name, NAMES.iter().map(|(name, _)| *name));
                let near = near.map_or_else(String::new, |near| format!("; write \"SIG{near}\""));
                format!("there is no signal \"{text}\"{near}")
            })
    }

    /// `SIGKILL`.
    #[must_use]
    pub fn label(self) -> String {
        let name = NAMES.iter().find(|(_, signal)| *signal == self.0);
        name.map_or_else(
            || self.0.as_raw().to_string(),
            |(name, _)| format!("SIG{name}"),
        )
    }
}

impl TryFrom<String> for SignalName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<SignalName> for String {
    fn from(signal: SignalName) -> Self {
        signal.label()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_as_kill_reads_it() {
        for text in ["SIGKILL", "KILL", "kill", "9"] {
            assert_eq!(
                SignalName::parse(text),
                Ok(SignalName(Signal::KILL)),
                "{text}"
            );
        }
        let error = SignalName::parse("SIGTREM").unwrap_err();
        assert_eq!(error, "there is no signal \"SIGTREM\"; write \"SIGTERM\"");
        assert!(SignalName::parse("0").is_err());
        assert_eq!(SignalName(Signal::USR1).label(), "SIGUSR1");
    }
}
