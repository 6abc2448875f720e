//! Errors of iterations, counted by place and message, so that a million equal ones cost one line.

use std::collections::HashMap;

use crate::script::{Fingerprint, ScriptError};

/// How many different errors are kept apart; what exceeds it is counted together.
const LIMIT: usize = 100;

/// An error and how often it happened.
#[derive(Debug, Clone)]
pub struct ErrorCount {
    /// The first of its kind.
    pub error: ScriptError,
    /// The scenario in which it happened first.
    pub scenario: String,
    /// How often.
    pub count: u64,
}

/// Counts errors by fingerprint, in order of their first appearance.
#[derive(Debug, Default)]
pub struct ErrorTable {
    places: HashMap<Fingerprint, usize>,
    counts: Vec<ErrorCount>,
    /// Errors beyond the limit.
    others: u64,
}

impl ErrorTable {
    /// Counts an error once.
    pub fn note(&mut self, error: ScriptError, scenario: &str) {
        self.add(ErrorCount {
            error,
            scenario: scenario.to_owned(),
            count: 1,
        });
    }

    /// Adds a count.
    pub fn add(&mut self, added: ErrorCount) {
        let fingerprint = added.error.fingerprint();
        if let Some(index) = self.places.get(&fingerprint) {
            self.counts[*index].count += added.count;
        } else if self.counts.len() < LIMIT {
            self.places.insert(fingerprint, self.counts.len());
            self.counts.push(added);
        } else {
            self.others += added.count;
        }
    }

    /// Empties the table. Errors beyond the limit keep their number under the last entry's error.
    pub fn take(&mut self) -> Vec<ErrorCount> {
        self.places.clear();
        let mut counts = std::mem::take(&mut self.counts);
        if let Some(last) = counts.last_mut() {
            last.count += std::mem::take(&mut self.others);
        }
        counts
    }

    /// The errors so far.
    #[must_use]
    pub fn counts(&self) -> &[ErrorCount] {
        &self.counts
    }

    /// How many errors were beyond the limit of different ones.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }
}
