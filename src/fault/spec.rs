//! A fault as data, and the kinds of faults there are.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::Context;
use super::life::{Fault, Healed, Tier};
use super::trouble::Trouble;
use crate::base::text::nearest;

/// What a script asks for: sent to the agent, planned, and journaled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The kind's name: `netfault.blackhole`.
    pub kind: String,
    /// The kind's own options, as the serde form of its struct.
    pub options: Value,
}

impl Spec {
    /// A fault of this kind with its options.
    ///
    /// # Errors
    ///
    /// [`Trouble::Misuse`]: the options have no JSON form (an infinite number).
    pub fn new(kind: &Kind, options: &impl Serialize) -> Result<Self, Trouble> {
        let options = serde_json::to_value(options).map_err(|error| {
            Trouble::Misuse(format!("{}: options cannot be sent: {error}", kind.name))
        })?;
        Ok(Self {
            kind: kind.name.to_owned(),
            options,
        })
    }

    /// The options as the kind's struct.
    ///
    /// # Errors
    ///
    /// [`Trouble::Misuse`]: they are another kind's, or another version's.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_value(self.options.clone())
            .map_err(|error| Trouble::Misuse(format!("{}: {error}", self.kind)))
    }
}

/// An inert fault, or why its options make none.
pub type Built = Result<Box<dyn Fault>, Trouble>;

/// One kind of fault or fixture.
pub struct Kind {
    /// Its name in scripts, plan and summary: `process.pause`.
    pub name: &'static str,
    /// What holds it up, in the worst case.
    pub tier: Tier,
    /// Whether it is something that a script makes for itself (a namespace, a child process) rather than breaks.
    pub fixture: bool,
    /// Makes the inert fault from its options.
    pub build: fn(&Spec, &Context) -> Built,
    /// Undoes from a journal's record alone, in another process than the one that injected. Reads first.
    pub recover: fn(&Value) -> Result<Healed, Trouble>,
    /// Tries what it needs, in a scratch namespace or on something of its own; for `rchaos doctor`.
    /// The error says what is missing.
    pub probe: fn() -> Result<String, String>,
}

/// A question about the agent's host, such as which processes match.
pub struct Query {
    /// Its name: `process.find`.
    pub name: &'static str,
    /// Answers it; touches nothing.
    pub ask: fn(&Value, &Context) -> Result<Value, Trouble>,
}

/// All kinds of faults, family by family.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    let families: [&'static [Kind]; 5] = [
        super::docker::KINDS,
        super::inline::KINDS,
        super::net::KINDS,
        super::process::KINDS,
        super::stress::KINDS,
    ];
    families.into_iter().flatten()
}

/// All questions.
pub fn queries() -> impl Iterator<Item = &'static Query> {
    let families: [&'static [Query]; 3] = [
        super::docker::QUERIES,
        super::inline::QUERIES,
        super::process::QUERIES,
    ];
    families.into_iter().flatten()
}

/// The kind of this name.
///
/// # Errors
///
/// [`Trouble::Misuse`] that names the nearest: there is none, as when the agent is older than the controller.
pub fn find(name: &str) -> Result<&'static Kind, Trouble> {
    kinds().find(|kind| kind.name == name).ok_or_else(|| {
        let near = nearest(name, kinds().map(|kind| kind.name))
            .map_or_else(String::new, |near| format!("; the nearest is `{near}`"));
        Trouble::Misuse(format!(
            "this agent knows no fault `{name}`{near}; is it of another version?"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_an_unknown_one_gets_its_nearest() {
        let mut names: Vec<_> = kinds().map(|kind| kind.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        let Err(error) = find("process.puase") else {
            panic!("found");
        };
        assert!(error.to_string().contains("`process.pause`"), "{error}");
    }
}
