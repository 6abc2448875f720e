//! A summary with something of everything, for tests.

use std::time::Duration;

use super::{
    Check, ErrorCount, Event, EventKind, Metric, SCHEMA, ScenarioSummary, Summary, Threshold,
    Trend, Unit, Values, Verdict,
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
        timeline: vec![
            event(0, EventKind::Run, "started"),
            event(12, EventKind::Scenario, "browse: started"),
            event(20_000, EventKind::Run, "ended: failed"),
        ],
    }
}
