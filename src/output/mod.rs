//! What a run shows and leaves behind: the timeline's events, the summary, progress.

mod checks;
mod compare;
mod event;
mod file;
mod layout;
mod look;
mod metrics;
mod progress;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod schema;
mod summary;
mod terminal;
mod timestamp;
mod values;

pub use compare::{
    Comparison, Effect, Of, ReadError, Reading, Recorded, Value, compare, comparison_page,
    key_numbers,
};
pub use event::{Event, EventKind};
pub use file::{OutputError, SummaryFile};
pub use look::{Look, Size, terminal_size};
pub use progress::{Mode, Progress, ProgressPrinter, ScenarioProgress, ScenarioState};
pub use summary::{
    Check, ErrorCount, Metric, SCHEMA, ScenarioSummary, Summary, Threshold, Trend, Unit, Values,
    Verdict,
};
pub use terminal::end_summary;
pub use timestamp::rfc3339;
