//! What came of an experiment, as plain data: hypothesis, times, budgets, steps.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::summary::{read_unit, unit_word};
use super::{Unit, Verdict};

/// An experiment and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperimentSummary {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Why the verdict is not `passed`, most important first; empty if it is.
    pub reasons: Vec<String>,
    /// Whether the steady state held.
    pub steady_state: SteadyState,
    /// From the first injection to the first breach or alert; `None` if nothing noticed.
    pub time_to_detect_ms: Option<u64>,
    /// From the heal to the steady state that stayed; `None` if it was not waited for or not reached.
    pub time_to_recover_ms: Option<u64>,
    /// What each fault cost.
    pub error_budget: Vec<BudgetSpent>,
    /// The load's numbers around each fault.
    pub load: Vec<LoadAround>,
    /// Its steps in order.
    pub steps: Vec<StepSummary>,
}

/// The steady state at three times; `None` where it was not checked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SteadyState {
    /// Before anything was injected.
    pub before: Option<Observation>,
    /// While faults were in force: what the guard saw.
    pub during: Option<Observation>,
    /// After everything was healed.
    pub after: Option<Observation>,
}

/// What the probes of a steady state said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Whether it held.
    pub ok: bool,
    /// How often all probes were asked.
    pub checked: u64,
    /// How often one of them did not hold.
    pub breaches: u64,
    /// The probes as they were last, or where they broke.
    pub probes: Vec<ProbeSummary>,
}

/// A probe's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeSummary {
    /// Its name.
    pub name: String,
    /// Whether it held.
    pub ok: bool,
    /// What it saw: a number, text, boolean; `None` if it saw nothing.
    pub value: Option<Value>,
    /// What it was to see, in words: `status 200 within 1s`.
    pub expected: Option<String>,
    /// Why it saw nothing.
    pub error: Option<String>,
}

/// How many requests failed while a fault was in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetSpent {
    /// The fault's name.
    pub fault: String,
    /// The metric that counts failures, with its selector if it has one: `http_req_failed`.
    pub metric: String,
    /// Failed requests of all requests, 0 to 1.
    pub share: f64,
    /// Requests made.
    pub requests: u64,
    /// Requests that failed.
    pub failed: u64,
}

/// One number of the load before, during and after a fault; `None` without samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadAround {
    /// The fault's name.
    pub fault: String,
    /// The number: `http_req_duration p(95)`.
    pub metric: String,
    /// The unit of all three.
    #[serde(serialize_with = "unit_word", deserialize_with = "read_unit")]
    pub unit: Unit,
    /// Before the fault.
    pub before: Option<f64>,
    /// While it was in force.
    pub during: Option<f64>,
    /// After it was healed.
    pub after: Option<f64>,
}

/// A step of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Its name.
    pub name: String,
    /// When it began, from the start of the run.
    pub at_ms: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether it went through.
    pub ok: bool,
    /// What went wrong.
    pub error: Option<String>,
}
