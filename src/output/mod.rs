//! What a run shows and leaves behind: the timeline's events, the summary, progress.

mod checks;
mod compare;
mod destinations;
mod event;
mod experiment;
mod experiments;
mod fault;
mod file;
mod gameday;
mod history;
mod layout;
mod live;
mod look;
mod markdown;
mod metrics;
mod pretty;
mod progress;
mod read;
mod report;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod schema;
mod series;
mod suite;
mod summary;
mod terminal;
mod timestamp;
mod values;

pub use crate::fault::Tier;
pub use compare::{
    Comparison, Effect, Of, ReadError, Reading, Recorded, Value, compare, comparison_page,
    key_numbers,
};
pub use destinations::{About, Complaint, Feed, Item, OutputSpec, Outputs, Second, annotations};
pub use event::{Event, EventKind};
pub use experiment::{
    BudgetSpent, ExperimentSummary, LoadAround, Observation, ProbeSummary, SteadyState, StepSummary,
};
pub use fault::{FaultOutcome, FaultSummary};
pub use file::{OutputError, SummaryFile, WholeFile};
pub use gameday::{Action, EntryKind, GamedayEntry, GamedaySummary, PhaseSummary, Score};
pub use history::{KeptRun, TrendUnit, Turn, history_index, history_page, trends, turn};
pub use live::LiveView;
pub use look::{Look, Size, terminal_size};
pub use markdown::markdown;
pub use progress::{
    Detail, FaultProgress, Mode, Progress, ProgressPrinter, ScenarioProgress, ScenarioState,
};
pub use report::report;
pub use series::{Column, Series};
pub use suite::{
    Figures, FileResult, Judgement, SUITE_SCHEMA, SuiteSummary, Targets, Times, advice, suite_page,
};
pub use summary::{
    Check, ErrorCount, Metric, SCHEMA, ScenarioSummary, Summary, Threshold, Trend, Unit, Values,
    Verdict,
};
pub use terminal::end_summary;
pub use timestamp::rfc3339;
