//! One scenario's progress as one line.

use std::time::Duration;

use crate::base::units::show_duration;
use crate::output::Look;
use crate::output::layout::{clean, left, shorten};
use crate::output::look::Tone;
use crate::output::values::{millis, number, whole};

use super::{ScenarioProgress, ScenarioState};

const BAR: usize = 16;

/// All scenarios, or those most worth a line, in their order.
pub(in crate::output) fn choose(
    scenarios: &[ScenarioProgress],
    room: usize,
) -> Vec<&ScenarioProgress> {
    if scenarios.len() <= room {
        return scenarios.iter().collect();
    }
    let mut ranked: Vec<_> = scenarios.iter().enumerate().collect();
    ranked.sort_by_key(|(_, scenario)| match scenario.state {
        ScenarioState::Running => 0,
        ScenarioState::Stopping => 1,
        ScenarioState::Waiting => 2,
        ScenarioState::Done => 3,
    });
    ranked.truncate(room);
    ranked.sort_by_key(|(index, _)| *index);
    ranked.into_iter().map(|(_, scenario)| scenario).collect()
}

/// For a terminal: bar, position and facts, shorter than `width` columns.
pub(in crate::output) fn live(
    scenario: &ScenarioProgress,
    name: usize,
    width: usize,
    look: &Look,
) -> String {
    let name = left(&clean(&scenario.name), name);
    let bar = bar(fraction(scenario));
    let facts = match scenario.state {
        ScenarioState::Waiting => String::new(),
        _ => facts(scenario).join("  "),
    };
    let text = format!("  {name} {bar} {}  {facts}", position(scenario));
    // Shorter than the terminal is wide: a line that wraps would not be erased.
    let text = shorten(text.trim_end(), width.saturating_sub(1));
    let tone = match scenario.state {
        ScenarioState::Waiting | ScenarioState::Done => Tone::Faint,
        _ if scenario.errors > 0 => Tone::Warn,
        _ => return text,
    };
    look.paint(tone, &text)
}

/// For a file or a pipe: the time of the run, then the facts.
pub(super) fn plain(scenario: &ScenarioProgress, at: Duration) -> String {
    let at = show_duration(whole_seconds(at));
    let name = clean(&scenario.name);
    let facts = facts(scenario).join(", ");
    format!("{at} {name}: {}, {facts}", position(scenario))
}

fn fraction(scenario: &ScenarioProgress) -> f64 {
    if scenario.state == ScenarioState::Done {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "drawn with sixteen steps")]
    let share = match (scenario.total_iterations, scenario.total) {
        (Some(total), _) => scenario.iterations as f64 / total.max(1) as f64,
        (None, Some(total)) if !total.is_zero() => {
            scenario.elapsed.as_secs_f64() / total.as_secs_f64()
        }
        _ => 0.0,
    };
    share.clamp(0.0, 1.0)
}

fn bar(fraction: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and the length of the bar"
    )]
    let full = ((fraction * BAR as f64) as usize).min(BAR);
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

/// Where the scenario is: `12s of 20s`, `40 of 100`, with its stage.
fn position(scenario: &ScenarioProgress) -> String {
    let elapsed = show_duration(whole_seconds(scenario.elapsed));
    let mut text = match (scenario.state, scenario.total_iterations, scenario.total) {
        (ScenarioState::Waiting, ..) => return "waiting".to_owned(),
        (ScenarioState::Done, ..) => return format!("done in {elapsed}"),
        (_, Some(total), _) => format!("{} of {}", whole(scenario.iterations), whole(total)),
        (_, None, Some(total)) => format!("{elapsed} of {}", show_duration(total)),
        (_, None, None) => elapsed,
    };
    if scenario.state == ScenarioState::Stopping {
        text += " (stopping)";
    } else if !scenario.stage.is_empty() {
        text += &format!(" ({})", clean(&scenario.stage));
    }
    text
}

fn facts(scenario: &ScenarioProgress) -> Vec<String> {
    let mut facts = Vec::with_capacity(6);
    if scenario.state == ScenarioState::Done {
        facts.push(format!("{} iterations", whole(scenario.iterations)));
    } else {
        let (vus, most) = (whole(scenario.vus), whole(scenario.max_vus));
        facts.push(format!("{vus}/{most} VUs"));
        facts.push(format!("{}/s", number(scenario.rate)));
        if let Some(p95) = scenario.p95_ms {
            facts.push(format!("p95 {}", millis(p95)));
        }
    }
    for (count, word) in [(scenario.errors, "errors"), (scenario.dropped, "dropped")] {
        if count > 0 {
            facts.push(format!("{} {word}", whole(count)));
        }
    }
    facts
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

#[cfg(test)]
pub(in crate::output) mod tests {
    use super::*;

    /// A scenario in its twelfth second.
    pub(in crate::output) fn browse() -> ScenarioProgress {
        ScenarioProgress {
            name: "browse".into(),
            state: ScenarioState::Running,
            stage: "stage 2/3".into(),
            elapsed: Duration::from_millis(12_340),
            total: Some(Duration::from_secs(20)),
            total_iterations: None,
            vus: 45,
            max_vus: 400,
            rate: 198.4,
            errors: 3,
            p95_ms: Some(12.34),
            iterations: 2400,
            dropped: 0,
        }
    }

    fn show(scenario: &ScenarioProgress) -> String {
        live(scenario, 8, 200, &Look::default())
    }

    #[test]
    fn a_running_scenario_shows_bar_position_and_facts() {
        assert_eq!(
            show(&browse()),
            "  browse   █████████░░░░░░░ 12s of 20s (stage 2/3)  \
             45/400 VUs  198/s  p95 12.3ms  3 errors"
        );
        assert_eq!(
            plain(&browse(), Duration::from_secs(15)),
            "15s browse: 12s of 20s (stage 2/3), 45/400 VUs, 198/s, p95 12.3ms, 3 errors"
        );
    }

    #[test]
    fn iterations_count_where_time_does_not_decide() {
        let scenario = ScenarioProgress {
            total_iterations: Some(4800),
            stage: String::new(),
            ..browse()
        };
        let text = show(&scenario);
        assert!(text.contains("████████░░░░░░░░ 2,400 of 4,800  "), "{text}");
    }

    #[test]
    fn the_other_states_have_their_words() {
        let state = |state| ScenarioProgress { state, ..browse() };
        let waiting = show(&state(ScenarioState::Waiting));
        assert!(waiting.ends_with("░ waiting"), "{waiting}");
        let stopping = show(&state(ScenarioState::Stopping));
        assert!(stopping.contains("12s of 20s (stopping)"), "{stopping}");
        let done = show(&state(ScenarioState::Done));
        assert!(
            done.contains("█ done in 12s  2,400 iterations  3 errors"),
            "{done}"
        );
    }

    #[test]
    fn running_scenarios_are_chosen_before_others() {
        let mut all = vec![browse(); 4];
        all[0].state = ScenarioState::Done;
        all[1].state = ScenarioState::Waiting;
        all[3].name = "last".into();
        let names: Vec<_> = choose(&all, 2).iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["browse", "last"]);
    }
}
