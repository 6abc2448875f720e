//! What happened when: the entries of a run's timeline.

use std::time::Duration;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
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
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX);
        let mut event = serializer.serialize_struct("Event", 3)?;
        event.serialize_field("at_ms", &millis)?;
        event.serialize_field("kind", &self.kind)?;
        event.serialize_field("text", &self.text)?;
        event.end()
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
