//! What a script wants done, as plain data: the result of running its top level once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::executors::Executor;
use crate::agent::client::AgentCommand;

/// When a scenario begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartAfter {
    /// This long after the run's start.
    Offset(Duration),
    /// When the scenario of this name has ended.
    Scenario(Arc<str>),
    /// When an experiment or a gameday loads it.
    Load,
}

/// One scenario, validated.
#[derive(Debug, Clone)]
pub struct ScenarioPlan {
    /// Its name, unique in the script.
    pub name: Arc<str>,
    /// Its load profile.
    pub executor: Executor,
    /// When it begins.
    pub start: StartAfter,
    /// Whether the script says when: else it waits for `load` where there is an experiment.
    pub start_given: bool,
    /// How long iterations may go on after its end before they are interrupted.
    pub graceful_stop: Duration,
    /// Tags on all of its samples.
    pub tags: Vec<(String, String)>,
    /// Its environment, over the run's.
    pub env: BTreeMap<String, String>,
}

/// Options of the whole run, with their defaults.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Metric selector and its thresholds, in the order of the selector's text.
    pub thresholds: Vec<ThresholdPlan>,
    /// Tags on every sample of the run.
    pub tags: Vec<(String, String)>,
    /// How long one slice of a script may compute before its iteration dies.
    pub cpu_limit: Duration,
    /// How agents on other hosts are started, by name.
    pub agents: BTreeMap<String, AgentCommand>,
    /// How long `setup` may take.
    pub setup_timeout: Duration,
    /// How long `teardown` and `summary` may take, each.
    pub teardown_timeout: Duration,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            thresholds: Vec::new(),
            tags: Vec::new(),
            cpu_limit: Duration::from_secs(1),
            agents: BTreeMap::new(),
            setup_timeout: Duration::from_secs(60),
            teardown_timeout: Duration::from_secs(60),
        }
    }
}

/// A threshold as the script wrote it; parsed once all metrics are known.
#[derive(Debug, Clone)]
pub struct ThresholdPlan {
    /// `http_req_duration{scenario:browse}`.
    pub selector: String,
    /// `p(95) < 300ms`.
    pub expression: String,
    /// Whether its failure ends the run.
    pub abort_on_fail: bool,
    /// How long after the start `abort_on_fail` begins to count.
    pub delay: Duration,
    /// Judge every window of this length instead of the whole run.
    pub window: Option<Duration>,
}

/// Everything that a script's top level declared.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In order of declaration.
    pub scenarios: Vec<ScenarioPlan>,
    /// Experiments and gamedays, in order of declaration.
    pub methods: Vec<MethodPlan>,
    /// The run's options.
    pub options: RunOptions,
    /// Whether a function for each of the run's stages was given.
    pub hooks: Hooks,
}

/// An experiment or a gameday; its function stays in the main VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodPlan {
    /// Its name, unique in the script.
    pub name: Arc<str>,
    /// Which of the two.
    pub kind: MethodKind,
}

/// What a method is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    /// Tests a hypothesis by itself.
    Experiment,
    /// Leads people through phases.
    Gameday,
}

impl MethodKind {
    /// The word in scripts and on the timeline.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Gameday => "gameday",
        }
    }
}

/// Which of the run's stages the script has a function for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hooks {
    /// `setup(fn)`.
    pub setup: bool,
    /// `teardown(fn)`.
    pub teardown: bool,
    /// `summary(fn)`.
    pub summary: bool,
}

impl Plan {
    /// A script without declarations is ad hoc: its top level was the run.
    #[must_use]
    pub fn is_ad_hoc(&self) -> bool {
        self.scenarios.is_empty() && self.methods.is_empty()
    }

    /// The first id of each scenario's virtual users; ids start at 1 and are unique in the run.
    #[must_use]
    pub fn first_ids(&self) -> Vec<u64> {
        let mut next = 1;
        self.scenarios
            .iter()
            .map(|scenario| {
                let first = next;
                next += u64::from(scenario.executor.max_vus());
                first
            })
            .collect()
    }

    /// The most virtual users that can be there at once, if all scenarios overlap.
    #[must_use]
    pub fn max_vus(&self) -> u64 {
        self.scenarios
            .iter()
            .map(|scenario| u64::from(scenario.executor.max_vus()))
            .sum()
    }
}
