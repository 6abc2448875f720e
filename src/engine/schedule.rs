//! Which scenario starts when: by offset, or after another one has ended.

use std::time::Duration;

use super::plan::{Plan, StartAfter};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running { workers: usize },
    Ended,
}

/// The states of all scenarios of a run.
#[derive(Debug)]
pub struct Schedule {
    starts: Vec<Start>,
    states: Vec<State>,
    workers: usize,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    At(Duration),
    After(usize),
    Loaded,
}

/// What became of the wish to load a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// It is to begin now.
    Begin,
    /// It is running already.
    Running,
    /// It has ended; scenarios run once.
    Ended,
}

impl Schedule {
    /// A schedule of a plan whose names were checked; an unknown name starts with the run.
    #[must_use]
    pub fn new(plan: &Plan, workers: usize) -> Self {
        let starts = plan
            .scenarios
            .iter()
            .map(|scenario| match &scenario.start {
                StartAfter::Offset(offset) => Start::At(*offset),
                StartAfter::Scenario(name) => plan
                    .scenarios
                    .iter()
                    .position(|other| other.name == *name)
                    .map_or(Start::At(Duration::ZERO), Start::After),
                StartAfter::Load => Start::Loaded,
            })
            .collect();
        Self {
            starts,
            states: vec![State::Waiting; plan.scenarios.len()],
            workers,
        }
    }

    /// The scenarios to start at the beginning, each with its offset.
    #[must_use]
    pub fn begin(&mut self) -> Vec<(usize, Duration)> {
        self.take(|start| match start {
            Start::At(offset) => Some(offset),
            Start::After(_) | Start::Loaded => None,
        })
    }

    /// A worker's part of a scenario has ended; returns the scenarios to start now.
    #[must_use]
    pub fn worker_done(&mut self, scenario: usize) -> Vec<usize> {
        if let State::Running { workers } = &mut self.states[scenario] {
            *workers -= 1;
            if *workers == 0 {
                self.states[scenario] = State::Ended;
                let next = self.take(|start| match start {
                    Start::After(other) if other == scenario => Some(Duration::ZERO),
                    _ => None,
                });
                return next.into_iter().map(|(next, _)| next).collect();
            }
        }
        Vec::new()
    }

    /// An experiment loads a scenario, whatever it waits for.
    #[must_use]
    pub fn load(&mut self, scenario: usize) -> Load {
        match self.states[scenario] {
            State::Waiting => {
                let workers = self.workers;
                self.states[scenario] = State::Running { workers };
                Load::Begin
            }
            State::Running { .. } => Load::Running,
            State::Ended => Load::Ended,
        }
    }

    /// The experiments are over: ends the scenarios that wait for one; returns those that were loaded by one
    /// and still run, and those that never began.
    #[must_use]
    pub fn unload(&mut self) -> (Vec<usize>, Vec<usize>) {
        let (mut running, mut never) = (Vec::new(), Vec::new());
        for (index, state) in self.states.iter_mut().enumerate() {
            match (self.starts[index], *state) {
                (Start::Loaded, State::Running { .. }) => running.push(index),
                (Start::Loaded, State::Waiting) => {
                    *state = State::Ended;
                    never.push(index);
                }
                _ => {}
            }
        }
        // What waits for one that never began would wait for ever.
        let mut next = 0;
        while let Some(&gone) = never.get(next) {
            next += 1;
            for (index, state) in self.states.iter_mut().enumerate() {
                let waits = matches!(self.starts[index], Start::After(other) if other == gone);
                if waits && *state == State::Waiting {
                    *state = State::Ended;
                    never.push(index);
                }
            }
        }
        (running, never)
    }

    /// Ends the scenarios that have not started; they never will.
    pub fn cancel_waiting(&mut self) {
        for state in &mut self.states {
            if *state == State::Waiting {
                *state = State::Ended;
            }
        }
    }

    /// Whether all scenarios have ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.states.iter().all(|state| *state == State::Ended)
    }

    /// Whether a scenario has ended.
    #[must_use]
    pub fn has_ended(&self, scenario: usize) -> bool {
        self.states[scenario] == State::Ended
    }

    fn take(&mut self, due: impl Fn(Start) -> Option<Duration>) -> Vec<(usize, Duration)> {
        let workers = self.workers;
        self.states
            .iter_mut()
            .enumerate()
            .filter(|(_, state)| **state == State::Waiting)
            .filter_map(|(index, state)| {
                let offset = due(self.starts[index])?;
                *state = State::Running { workers };
                Some((index, offset))
            })
            .collect()
    }
}
