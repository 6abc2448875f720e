//! A result in one line: its key numbers, and how they changed since the one before.

use super::super::Unit;
use super::super::layout::clean;
use super::super::values::show;
use super::noise::relative;
use super::page::percent;
use super::read::Recorded;

/// The verdict, the 95th percentile, the rate and the failures: `passed · p95 12ms (+5%) · …`.
/// Of HTTP requests if there were any, otherwise of iterations.
#[must_use]
pub fn key_numbers(result: &Recorded, before: Option<&Recorded>) -> String {
    let web = result.per_second("http_reqs").is_some();
    let pick = |with, without| if web { with } else { without };
    let duration = pick("http_req_duration", "iteration_duration");
    let count = pick("http_reqs", "iterations");
    let mut facts = vec![clean(&result.verdict)];
    let p95 = |of: &Recorded| of.trend(duration).map(|trend| trend.p95);
    let rate = |of: &Recorded| of.per_second(count);
    if let Some(value) = p95(result) {
        let was = before.and_then(p95);
        facts.push(format!(
            "p95 {}{}",
            show(value, &Unit::Time),
            change(value, was)
        ));
    }
    if let Some(value) = rate(result) {
        let was = before.and_then(rate);
        let what = pick("requests/s", "iterations/s");
        facts.push(format!(
            "{} {what}{}",
            show(value, &Unit::Plain),
            change(value, was)
        ));
    }
    if let Some(value) = result.share("http_req_failed") {
        let was = before.and_then(|before| before.share("http_req_failed"));
        let was = was.filter(|was| *was != value);
        let was = was.map_or_else(String::new, |was| {
            format!(" (was {})", show(was, &Unit::Share))
        });
        facts.push(format!("failed {}{was}", show(value, &Unit::Share)));
    }
    facts.join(" · ")
}

fn change(value: f64, before: Option<f64>) -> String {
    match before.map(|before| relative(before, value)) {
        Some(change) if change.is_finite() => format!(" ({})", percent(change)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample::sample;
    use super::*;

    #[test]
    fn the_change_is_that_since_the_result_before() {
        let json = serde_json::to_value(sample()).unwrap();
        let one = Recorded::read(&json.to_string()).unwrap();
        let mut json = json;
        json["metrics"]["http_req_duration"]["values"]["p95"] = 1.6.into();
        json["metrics"]["http_req_failed"]["values"]["rate"] = 0.01.into();
        let two = Recorded::read(&json.to_string()).unwrap();
        assert_eq!(
            key_numbers(&one, None),
            "failed · p95 3.2ms · 50 requests/s · failed 4.2%"
        );
        assert_eq!(
            key_numbers(&two, Some(&one)),
            "failed · p95 1.6ms (-50%) · 50 requests/s (±0%) · failed 1% (was 4.2%)"
        );
    }
}
