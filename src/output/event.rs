//! What happened when: the entries of a run's timeline.

use crate::base::units::millis;

use std::time::Duration;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// One entry of the timeline; in JSON `{"at_ms": 1500, "kind": "scenario", "text": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Time since the run began; whole milliseconds in JSON.
    pub at: Duration,
    /// What it is about.
    pub kind: EventKind,
    /// What happened, as a lower-case fragment.
    pub text: String,
}

/// What an event is about; in JSON the name in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The run as a whole began or ended.
    Run,
    /// `setup` began or ended.
    Setup,
    /// A scenario began, moved to a stage, or ended.
    Scenario,
    /// A threshold was crossed.
    Threshold,
    /// Something that makes the result less certain.
    Warning,
    /// An error, the first of its kind.
    Error,
    /// Somebody asked the run to stop.
    Interrupt,
    /// `teardown` began or ended.
    Teardown,
    /// An experiment began or ended.
    Experiment,
    /// A step began or ended.
    Step,
    /// A probe of a steady state changed its answer.
    Probe,
    /// A guard saw a breach.
    Guard,
    /// A fault was planned, put in force, seen, or refused.
    Fault,
    /// A fault was healed, or could not be.
    Heal,
    /// A gameday began or ended, or something was asked, answered or noted.
    Gameday,
    /// A phase of a gameday began or ended.
    Phase,
    /// The steady state came back, or did not.
    Recover,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Event", 3)?;
        event.serialize_field("at_ms", &millis(self.at))?;
        event.serialize_field("kind", &self.kind)?;
        event.serialize_field("text", &self.text)?;
        event.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Written {
            at_ms: u64,
            kind: EventKind,
            text: String,
        }
        let written = Written::deserialize(deserializer)?;
        Ok(Self {
            at: Duration::from_millis(written.at_ms),
            kind: written.kind,
            text: written.text,
        })
    }
}

impl EventKind {
    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Setup => "setup",
            Self::Scenario => "scenario",
            Self::Threshold => "threshold",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Interrupt => "interrupt",
            Self::Teardown => "teardown",
            Self::Experiment => "experiment",
            Self::Step => "step",
            Self::Probe => "probe",
            Self::Guard => "guard",
            Self::Fault => "fault",
            Self::Heal => "heal",
            Self::Gameday => "gameday",
            Self::Phase => "phase",
            Self::Recover => "recover",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_in_whole_milliseconds() {
        let event = Event {
            at: Duration::from_micros(1_500_700),
            kind: EventKind::Scenario,
            text: "browse: started".into(),
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"at_ms":1500,"kind":"scenario","text":"browse: started"}"#
        );
    }
}
