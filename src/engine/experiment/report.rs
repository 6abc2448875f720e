//! An experiment as the summary has it.

use super::state::Experiment;
use crate::base::units::millis;
use crate::output::{ExperimentSummary, SteadyState};

/// What came of an experiment; the numbers around its faults are the caller's.
#[must_use]
pub fn summary(experiment: &Experiment) -> ExperimentSummary {
    let state = experiment.state();
    let (verdict, reasons) = state.verdict();
    let detected = state.detected_at.zip(state.injected_at);
    ExperimentSummary {
        name: experiment.name.to_string(),
        verdict,
        reasons,
        steady_state: SteadyState {
            before: state.before.clone(),
            during: state.during.clone(),
            after: state.after.clone(),
        },
        time_to_detect_ms: detected.map(|(seen, from)| millis(seen.saturating_sub(from))),
        time_to_recover_ms: state
            .recovered_after
            .filter(|_| state.injected_at.is_some())
            .map(millis),
        error_budget: Vec::new(),
        load: Vec::new(),
        steps: state.steps.clone(),
    }
}
