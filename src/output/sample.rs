//! A summary with something of everything, for tests.

use std::time::Duration;

use serde_json::json;

use super::{
    Action, BudgetSpent, Check, Column, EntryKind, ErrorCount, Event, EventKind, ExperimentSummary,
    FaultOutcome, FaultSummary, GamedayEntry, GamedaySummary, LoadAround, Metric, Observation,
    PhaseSummary, ProbeSummary, SCHEMA, ScenarioSummary, Score, Series, SteadyState, StepSummary,
    Summary, Threshold, Tier, Trend, Unit, Values, Verdict,
};

fn metric(name: &str, unit: Unit, values: Values) -> Metric {
    Metric {
        name: name.to_owned(),
        unit,
        values,
    }
}

/// A distribution in milliseconds.
pub(super) fn trend(name: &str) -> Metric {
    let values = Trend {
        count: 1000,
        min: 0.1,
        avg: 1.2,
        med: 1.0,
        max: 12_000.0,
        p90: 2.0,
        p95: 3.2,
        p99: 5.0,
        p999: 9.0,
    };
    metric(name, Unit::Time, Values::Trend(values))
}

fn metrics() -> Vec<Metric> {
    let counter = |count, per_second| Values::Counter { count, per_second };
    let gauge = |value, min, max| Values::Gauge { value, min, max };
    let slow = Trend {
        count: 10,
        min: 12e3,
        avg: 12e3,
        med: 12e3,
        max: 12e3,
        p90: 12e3,
        p95: 12e3,
        p99: 12e3,
        p999: 12e3,
    };
    let sizes = Trend {
        count: 10,
        min: 1.0,
        avg: 3.0,
        med: 3.0,
        max: 9.0,
        p90: 4.0,
        p95: 5.0,
        p99: 6.0,
        p999: 9.0,
    };
    let failed = Values::Rate {
        rate: 0.042,
        passes: 42,
        fails: 958,
    };
    let checks = Values::Rate {
        rate: 0.985,
        passes: 1970,
        fails: 30,
    };
    vec![
        metric("checks", Unit::Share, checks),
        metric("http_reqs", Unit::Plain, counter(1000.0, 50.0)),
        trend("http_req_duration"),
        trend("http_req_duration{scenario:browse}"),
        metric("http_req_failed", Unit::Share, failed),
        metric("iterations", Unit::Plain, counter(1000.0, 50.0)),
        metric("iteration_duration", Unit::Time, Values::Trend(slow)),
        metric("vus", Unit::Plain, gauge(10.0, 1.0, 10.0)),
        metric("data_received", Unit::Bytes, counter(1.2e6, 6e4)),
        metric("basket_size", Unit::Plain, Values::Trend(sizes)),
        metric(
            "queue_depth",
            Unit::Other("items".into()),
            gauge(12.0, 0.0, 40.0),
        ),
    ]
}

fn thresholds() -> Vec<Threshold> {
    let threshold = |metric: &str, expression: &str, observed, unit| Threshold {
        metric: metric.to_owned(),
        expression: expression.to_owned(),
        ok: false,
        observed,
        unit,
        no_data: observed.is_none(),
        abort_on_fail: false,
        window_seconds: None,
    };
    let browse = "http_req_failed{scenario:browse}";
    vec![
        Threshold {
            ok: true,
            ..threshold("http_req_duration", "p(95) < 300ms", Some(3.2), Unit::Time)
        },
        Threshold {
            window_seconds: Some(30.0),
            ..threshold(browse, "rate < 1%", Some(0.042), Unit::Share)
        },
        threshold("orders", "count > 0", None, Unit::Plain),
    ]
}

/// Twenty seconds of requests that slow down in the middle.
fn series() -> Series {
    let column = |metric: &str, stat: &str, unit: &Unit, value: &dyn Fn(u32) -> f64| Column {
        metric: metric.to_owned(),
        stat: stat.to_owned(),
        unit: unit.clone(),
        values: (0..20).map(|second| Some(value(second))).collect(),
    };
    let slow = |second: u32| if (8..14).contains(&second) { 9.0 } else { 1.0 };
    Series {
        step_seconds: 1.0,
        columns: vec![
            column("vus", "value", &Unit::Plain, &|_| 10.0),
            column("http_reqs", "per second", &Unit::Plain, &|s| 50.0 / slow(s)),
            column("http_req_failed", "share", &Unit::Share, &|s| {
                slow(s) / 90.0 - 1.0 / 90.0
            }),
            column("http_req_duration", "p(50)", &Unit::Time, &|s| slow(s)),
            column("http_req_duration", "p(95)", &Unit::Time, &|s| {
                3.2 * slow(s)
            }),
            column("http_req_duration", "p(99)", &Unit::Time, &|s| {
                5.0 * slow(s)
            }),
        ],
    }
}

/// A failed run of 20 seconds.
pub(super) fn sample() -> Summary {
    let check = |name: &str, group: &str, passes, fails| Check {
        name: name.to_owned(),
        group: group.to_owned(),
        passes,
        fails,
    };
    let event = |millis, kind, text: &str| Event {
        at: Duration::from_millis(millis),
        kind,
        text: text.to_owned(),
    };
    Summary {
        schema: SCHEMA,
        verdict: Verdict::Failed,
        reasons: vec!["2 of 3 thresholds failed".into()],
        exit_code: 5,
        seed: 42,
        time_scale: 1.0,
        started: "2026-11-21T08:30:00.250Z".into(),
        duration_seconds: 20.0,
        script: "cart.lua".into(),
        metrics: metrics(),
        thresholds: thresholds(),
        checks: vec![
            check("status is 200", "", 1000, 0),
            check("has items", "cart", 970, 30),
        ],
        errors: vec![ErrorCount {
            message: "attempt to index nil with \"id\"".into(),
            count: 3,
            location: Some("cart.lua:12".into()),
        }],
        scenarios: vec![ScenarioSummary {
            name: "browse".into(),
            executor: "constant-arrival-rate".into(),
            description: "50/s for 20s".into(),
            iterations: 1000,
            dropped: 5,
            interrupted: 2,
        }],
        experiments: Vec::new(),
        faults: Vec::new(),
        gamedays: Vec::new(),
        series: series(),
        timeline: vec![
            event(0, EventKind::Run, "started"),
            event(12, EventKind::Scenario, "browse: started"),
            event(20_000, EventKind::Run, "ended: failed"),
        ],
    }
}

/// The same run with an experiment, two faults and a gameday.
pub(super) fn chaos() -> Summary {
    let mut summary = sample();
    summary.experiments = vec![experiment()];
    let cut = FaultSummary {
        id: "1".into(),
        name: "cut".into(),
        kind: "netfault.partition".into(),
        target: "api | cache".into(),
        agent: "local".into(),
        tier: Tier::Lease,
        planned_at_ms: 900,
        injected_at_ms: Some(1000),
        observed_at_ms: Some(1010),
        healed_at_ms: Some(31_000),
        verified: true,
        outcome: FaultOutcome::Healed,
        detail: String::new(),
        undo: "remove its elements from table inet rchaos".into(),
    };
    let pause = FaultSummary {
        id: "2".into(),
        name: "pause".into(),
        kind: "docker.pause".into(),
        target: "api".into(),
        tier: Tier::Journal,
        healed_at_ms: None,
        verified: false,
        outcome: FaultOutcome::Unhealed,
        detail: "the container did not answer".into(),
        undo: "docker unpause api".into(),
        ..cut.clone()
    };
    summary.faults = vec![cut, pause];
    summary.gamedays = vec![gameday()];
    summary
}

fn experiment() -> ExperimentSummary {
    let seen = |ok: bool| Observation {
        ok,
        checked: 12,
        breaches: u64::from(!ok),
        probes: vec![ProbeSummary {
            name: "api healthy".into(),
            ok,
            value: Some(json!(if ok { 200 } else { 503 })),
            expected: Some("status 200".into()),
            error: None,
        }],
    };
    ExperimentSummary {
        name: "checkout survives a cache partition".into(),
        verdict: Verdict::Failed,
        reasons: vec!["probe \"api healthy\" broke during the experiment".into()],
        steady_state: SteadyState {
            before: Some(seen(true)),
            during: Some(seen(false)),
            after: Some(Observation {
                breaches: 0,
                ..seen(true)
            }),
        },
        time_to_detect_ms: Some(1200),
        time_to_recover_ms: Some(4300),
        error_budget: vec![BudgetSpent {
            fault: "cut".into(),
            metric: "http_req_failed".into(),
            share: 0.042,
            requests: 1000,
            failed: 42,
        }],
        load: vec![LoadAround {
            fault: "cut".into(),
            metric: "http_req_duration p(95)".into(),
            unit: Unit::Time,
            before: Some(3.2),
            during: Some(12e3),
            after: None,
        }],
        steps: vec![StepSummary {
            name: "cut api from cache".into(),
            at_ms: 1000,
            duration_ms: 30_000,
            ok: false,
            error: Some("expected a bypass".into()),
        }],
    }
}

fn gameday() -> GamedaySummary {
    GamedaySummary {
        name: "cache day".into(),
        verdict: Verdict::Passed,
        phases: vec![PhaseSummary {
            name: "lose the cache".into(),
            at_ms: 500,
            duration_ms: 18_000,
            ok: true,
        }],
        entries: vec![GamedayEntry {
            at_ms: 700,
            phase: "lose the cache".into(),
            kind: EntryKind::Confirm,
            prompt: "everybody there?".into(),
            answer: Some("yes".into()),
            by: "answers".into(),
        }],
        scores: vec![Score {
            name: "time to page".into(),
            value: Some(json!("4m30s")),
            target: Some(json!("2m")),
            ok: Some(false),
        }],
        actions: vec![Action {
            text: "page on cache loss".into(),
            owner: Some("mia".into()),
        }],
    }
}
