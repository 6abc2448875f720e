//! What probes said, in words and as the summary has it.

use super::probes::{Answer, Probe};
use crate::output::{Observation, ProbeSummary};

/// What is wrong with the first probe that does not hold: `api healthy: got 503, expected 200`.
#[must_use]
pub fn problem(probes: &[Probe], answers: &[Answer]) -> Option<String> {
    let mut pairs = probes.iter().zip(answers);
    let (probe, answer) = pairs.find(|(_, answer)| !answer.ok)?;
    Some(format!("{}: {}", probe.name, answer.problem()))
}

/// Probes with their answers, as the summary has them.
#[must_use]
pub fn summaries(probes: &[Probe], answers: &[Answer]) -> Vec<ProbeSummary> {
    let pairs = probes.iter().zip(answers);
    pairs
        .map(|(probe, answer)| ProbeSummary {
            name: probe.name.clone(),
            ok: answer.ok,
            value: answer.value.clone().map(serde_json::Value::String),
            expected: answer.expected.clone(),
            error: answer.error.clone(),
        })
        .collect()
}

/// Adds a look to an observation: of probes that broke, the last breach stays.
pub fn observe(seen: &mut Option<Observation>, probes: Vec<ProbeSummary>, ok: bool) {
    match seen {
        None => {
            *seen = Some(Observation {
                ok,
                checked: 1,
                breaches: u64::from(!ok),
                probes,
            });
        }
        Some(seen) => {
            seen.ok &= ok;
            seen.checked += 1;
            seen.breaches += u64::from(!ok);
            for (known, new) in seen.probes.iter_mut().zip(probes) {
                if known.ok || !new.ok {
                    *known = new;
                }
            }
        }
    }
}
