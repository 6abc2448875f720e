//! Asking again and again: until a steady state is there, while faults are live, until it is back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::harness::Harness;
use super::observe::{observe, problem, summaries};
use super::probes::{Kit, Probe};
use super::state::{Alert, Experiment, Seen};
use crate::output::{EventKind, Observation};

/// How often probes are asked while something is waited for.
const LOOK: Duration = Duration::from_millis(200);

/// Asks until all hold at once, or patience is over; returns what was seen and what is wrong.
pub(super) async fn settle(
    kit: Kit,
    probes: Arc<[Probe]>,
    alerts: Vec<Alert>,
    patience: Duration,
) -> (Observation, Option<String>) {
    let limit = Instant::now() + patience;
    let mut checked = 0;
    loop {
        let answers = kit.ask_all(&probes).await;
        checked += 1;
        let mut broken = problem(&probes, &answers);
        for alert in &alerts {
            // One that fires already detects nothing, nor does one that nobody can be asked about.
            let problem = match fires(alert).await {
                Ok(false) => continue,
                Ok(true) => format!("alert {} fires already", alert.name),
                Err(error) => format!("alert {}: {error}", alert.name),
            };
            broken.get_or_insert(problem);
        }
        if broken.is_none() || Instant::now() >= limit {
            let mut seen = None;
            observe(&mut seen, summaries(&probes, &answers), broken.is_none());
            let seen = seen.unwrap_or_else(|| unreachable!("a look was just taken"));
            return (Observation { checked, ..seen }, broken);
        }
        sleep(LOOK).await;
    }
}

/// Whether an alert fires now; who does not answer within a second does not know.
async fn fires(alert: &Alert) -> Result<bool, String> {
    let asked = alert.server.fires(&alert.name);
    match tokio::time::timeout(Duration::from_secs(1), asked).await {
        Ok(answer) => answer,
        Err(_) => Err("no answer within 1s".to_owned()),
    }
}

/// Asks again and again while faults may be live, until a breach or the end of the watch.
pub(super) async fn watch(
    kit: Kit,
    harness: Arc<Harness>,
    experiment: Arc<Experiment>,
    probes: Arc<[Probe]>,
) {
    let mut next = Instant::now();
    loop {
        sleep_until(next).await;
        let every = {
            let state = experiment.state();
            if !state.watched || state.is_cut() {
                return;
            }
            state.every()
        };
        let asked = kit.clock.elapsed();
        next = Instant::now() + every;
        let answers = kit.ask_all(&probes).await;
        let alerts = experiment.state().alerts.clone();
        for alert in alerts {
            let asked = kit.clock.elapsed();
            let fired = fires(&alert).await == Ok(true);
            if fired
                && harness
                    .look(&experiment)
                    .alerted(asked, kit.clock.elapsed())
            {
                let text = format!("alert {} fires", alert.name);
                harness.note(EventKind::Probe, text).await;
            }
        }
        let seen = harness
            .look(&experiment)
            .saw(&answers, asked, kit.clock.elapsed());
        match seen {
            Seen::Fine => {}
            Seen::Detected(text) => {
                let text = format!("first breach: {text}");
                harness.note(EventKind::Probe, text).await;
            }
            Seen::Tolerated(text) => {
                harness
                    .note(EventKind::Guard, format!("tolerated: {text}"))
                    .await;
            }
            Seen::Breach(text) => {
                harness.breach(&experiment, text).await;
                return;
            }
        }
    }
}

/// Asks until all hold for `stable_for`, which must have begun at most `within` after `from`.
pub(super) async fn return_of(
    kit: Kit,
    probes: Arc<[Probe]>,
    from: Duration,
    within: Duration,
    stable_for: Duration,
) -> (Observation, Result<Duration, String>) {
    let (mut checked, mut breaches) = (0, 0);
    let mut since: Option<Duration> = None;
    loop {
        let asked = kit.clock.elapsed();
        let answers = kit.ask_all(&probes).await;
        let broken = problem(&probes, &answers);
        checked += 1;
        breaches += u64::from(broken.is_some());
        let result = match broken {
            None => {
                let start = *since.get_or_insert(asked);
                let stable = kit.clock.elapsed().saturating_sub(start) >= stable_for;
                let late = start > from + within;
                match (late, stable) {
                    (true, _) => Some(Err("it came too late".to_owned())),
                    (false, true) => Some(Ok(start.saturating_sub(from))),
                    (false, false) => None,
                }
            }
            Some(text) => {
                since = None;
                (asked > from + within).then_some(Err(text))
            }
        };
        if let Some(result) = result {
            let observation = Observation {
                ok: result.is_ok(),
                checked,
                breaches,
                probes: summaries(&probes, &answers),
            };
            return (observation, result);
        }
        sleep(LOOK).await;
    }
}
