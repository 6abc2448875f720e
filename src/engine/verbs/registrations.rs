//! What the top level has declared so far, and everything that is wrong with it.

use std::collections::HashSet;
use std::sync::Arc;

use mlua::Function;

use crate::base::text::nearest;
use crate::engine::plan::{
    Hooks, MethodKind, MethodPlan, Plan, RunOptions, ScenarioPlan, StartAfter,
};
use crate::script::{Location, Problem, Problems};

/// Everything that a top level declared.
#[derive(Debug, Default)]
pub struct Registrations {
    scenarios: Vec<(ScenarioPlan, Option<Location>)>,
    methods: Vec<(MethodPlan, Function)>,
    options: Option<(RunOptions, Option<Location>)>,
    /// The function given to `setup`.
    pub setup: Option<Function>,
    /// The function given to `teardown`.
    pub teardown: Option<Function>,
    /// The function given to `summary`.
    pub summary: Option<Function>,
    problems: Vec<Problem>,
}

impl Registrations {
    /// Adds a scenario.
    pub fn scenario(&mut self, plan: ScenarioPlan, at: Option<Location>) {
        if self
            .scenarios
            .iter()
            .any(|(other, _)| other.name == plan.name)
        {
            let text = format!("scenario \"{}\": declared twice", plan.name);
            self.problem(text, at);
            return;
        }
        self.scenarios.push((plan, at));
    }

    /// Adds an experiment or a gameday.
    pub fn method(
        &mut self,
        kind: MethodKind,
        name: &str,
        function: Function,
        at: Option<Location>,
    ) {
        if self.methods.iter().any(|(other, _)| *other.name == *name) {
            let text = format!("{} \"{name}\": declared twice", kind.word());
            self.problem(text, at);
            return;
        }
        let name = Arc::from(name);
        self.methods.push((MethodPlan { name, kind }, function));
    }

    /// An experiment or a gameday by its place in the plan.
    #[must_use]
    pub fn method_at(&self, index: usize) -> Option<(MethodPlan, Function)> {
        self.methods.get(index).cloned()
    }

    /// Sets the run's options, once.
    pub fn options(&mut self, options: RunOptions, at: Option<Location>) {
        if self.options.is_some() {
            let text = "options: given twice; write one table";
            self.problem(text, at);
            return;
        }
        self.options = Some((options, at));
    }

    /// Notes something that is wrong.
    pub fn problem(&mut self, what: impl Into<String>, at: Option<Location>) {
        let what = what.into();
        self.problems.push(Problem { what, at });
    }

    /// Notes everything that is wrong with one declaration.
    pub fn absorb(&mut self, problems: &Problems) {
        self.problems.extend(problems.list());
    }

    /// What was declared.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut scenarios: Vec<ScenarioPlan> = self
            .scenarios
            .iter()
            .map(|(plan, _)| plan.clone())
            .collect();
        if !self.methods.is_empty() {
            for scenario in scenarios.iter_mut().filter(|plan| !plan.start_given) {
                scenario.start = StartAfter::Load;
            }
        }
        Plan {
            scenarios,
            methods: self.methods.iter().map(|(plan, _)| plan.clone()).collect(),
            options: self
                .options
                .as_ref()
                .map(|(options, _)| options.clone())
                .unwrap_or_default(),
            hooks: Hooks {
                setup: self.setup.is_some(),
                teardown: self.teardown.is_some(),
                summary: self.summary.is_some(),
            },
        }
    }

    /// Where the options stand, for problems that show later.
    #[must_use]
    pub fn options_at(&self) -> Option<Location> {
        self.options.as_ref().and_then(|(_, at)| at.clone())
    }

    /// Everything that is wrong, in order of appearance, then what only shows in the whole.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.clone();
        let names: Vec<&str> = self.scenarios.iter().map(|(plan, _)| &*plan.name).collect();
        for (plan, at) in &self.scenarios {
            let StartAfter::Scenario(wanted) = &plan.start else {
                continue;
            };
            if !names.contains(&&**wanted) {
                let hint = nearest(wanted, names.iter().copied())
                    .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                let text = format!(
                    "scenario \"{}\": option `start_after`: no scenario is called \"{wanted}\"{hint}",
                    plan.name
                );
                problems.push(Problem {
                    what: text,
                    at: at.clone(),
                });
            } else if self.waits_for_itself(&plan.name) {
                let text = format!(
                    "scenario \"{}\": option `start_after`: it would wait for itself",
                    plan.name
                );
                problems.push(Problem {
                    what: text,
                    at: at.clone(),
                });
            }
        }
        if self.scenarios.is_empty() && self.methods.is_empty() {
            for (name, given) in [
                ("setup", self.setup.is_some()),
                ("teardown", self.teardown.is_some()),
            ] {
                if given {
                    let text = format!(
                        "{name}: there is no scenario; an ad-hoc script does at its top level what \
                         it wants done"
                    );
                    problems.push(Problem {
                        what: text,
                        at: None,
                    });
                }
            }
        }
        problems
    }

    fn waits_for_itself(&self, name: &Arc<str>) -> bool {
        let mut seen = HashSet::new();
        let mut current = name.clone();
        while seen.insert(current.clone()) {
            let next = self
                .scenarios
                .iter()
                .find(|(plan, _)| plan.name == current)
                .map(|(plan, _)| &plan.start);
            match next {
                Some(StartAfter::Scenario(next)) => current = next.clone(),
                _ => return false,
            }
        }
        current == *name
    }
}
