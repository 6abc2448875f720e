//! Thresholds: the grammar, when they are looked at, and what ends a run.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Behaviour, Finished, Rchaos, Server};

/// A metric, an expression, and what is said of it.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "http_req_duration",
        "p(-1) < 3",
        "\"p(-1) < 3\": a percentile",
    ),
    (
        "http_req_duration",
        "p(101) < 3",
        "\"p(101) < 3\": a percentile",
    ),
    ("http_req_duration", "p() < 3", "\"p() < 3\": a percentile"),
    (
        "http_req_duration",
        "p(NaN) < 3",
        "\"p(NaN) < 3\": a percentile",
    ),
    ("http_req_duration", "p(95)", "operator"),
    ("http_req_duration", "", "operator"),
    ("http_req_duration", "rate < 3", "no method of a trend"),
    ("http_req_duration", "p(95) < 3KB", "is no value"),
    ("http_req_duration", "p(95) < fast", "is no value"),
    ("http_req_duration", "p(95) <", "is no value"),
    ("http_req_duration", "p(95) < 3ms < 5ms", "is no value"),
    ("http_reqs", "count!20", "operator"),
    ("http_reqs", "count => 20", "operator"),
    ("http_reqs", "value > 20", "no method of a counter"),
    ("checks", "avg > 20", "no method of a rate"),
    ("checks", "rate > 200%", "200%"),
    ("vus", "count > 2", "no method of a gauge"),
    ("http_req_durations", "p(95) < 3ms", "http_req_duration"),
    ("http_reqs{scenario}", "count > 1", "scenario"),
    ("http_reqs{scenario:a", "count > 1", "http_reqs{scenario:a"),
];

#[test]
fn wrong_expressions_are_all_explained() {
    let mut table = String::new();
    for (metric, text, _) in WRONG {
        let _ = writeln!(table, "{{ \"{metric}\", \"{text}\" }},");
    }
    let script = format!(
        "local all = {{}}
        for _, pair in {{ {table} }} do
            all[pair[1]] = all[pair[1]] or {{}}
            table.insert(all[pair[1]], pair[2])
        end
        options {{ thresholds = all }}
        scenario('s', {{ vus = 1 }}, function() end)"
    );
    for command in ["check", "run"] {
        let done = Rchaos::new([command, "script.lua"])
            .file("script.lua", &script)
            .run()
            .exits(3);
        for (metric, text, said) in WRONG {
            let told = |line: &str| line.contains(metric) && line.contains(said);
            assert!(
                done.stderr.lines().any(told),
                "{metric}: {text}: {said}\n{}",
                done.all()
            );
        }
    }
}

/// Runs three iterations of 10, 20 and 30 under thresholds on a trend, a counter and others.
fn judged(thresholds: &str) -> Finished {
    Rchaos::script(&format!(
        "local size = metrics.trend('size')
        local paid = metrics.counter('paid')
        local level = metrics.gauge('level')
        local good = metrics.rate('good')
        local wait = metrics.trend('wait', {{ unit = 'time' }})
        options {{ thresholds = {{ {thresholds} }} }}
        scenario('s', {{ vus = 1, iterations = 3 }}, function(vu)
            size:add(vu.iteration * 10)
            paid:add(2)
            level:add(vu.iteration)
            good:add(vu.iteration > 1)
            wait:add(vu.iteration * 100)
        end)"
    ))
    .run()
}

#[test]
fn methods_and_operators_mean_what_they_say() {
    let holds = "size = { 'avg == 20', 'min >= 10', 'max <= 30.1', 'med === 20', 'p(99) > 29', 'count == 3',
            'avg != 21', 'p(0) < 11', 'p(100) > 29', 'p(99.9) > 29' },
        paid = { 'count == 6', 'count<7', 'rate > 0' },
        level = 'value == 3',
        good = { 'rate > 66%', 'rate > 0.66', 'rate < 67%' },
        wait = { 'max < 0.5s', 'avg < 250ms', 'max > 250', 'min > 90000us' }";
    let done = judged(holds).exits(0);
    assert_eq!(done.summary["thresholds"].as_array().unwrap().len(), 21);
    for broken in [
        "size = 'avg < 20'",
        "paid = 'count > 6'",
        "level = 'value < 3'",
        "good = 'rate > 67%'",
        "wait = 'max < 250ms'",
    ] {
        let done = judged(broken).exits(5);
        assert_eq!(done.summary["thresholds"][0]["ok"], false, "{broken}");
    }
}

#[test]
fn no_data_fails_and_says_so() {
    for threshold in [
        "http_req_duration = 'p(95) < 1s'",
        "checks = 'rate > 90%'",
        "['size{scenario:other}'] = 'max < 100'",
        "http_reqs = 'count > 0'",
    ] {
        let done = judged(threshold).exits(5);
        assert_eq!(
            done.summary["thresholds"][0]["no_data"],
            true,
            "{}",
            done.all()
        );
        done.prints("no data");
    }
    judged("http_reqs = 'count < 5'").exits(0);
}

#[test]
fn sub_metrics_are_judged_and_listed() {
    let done =
        judged("['size{scenario:s}'] = 'max < 100', ['iterations{scenario:s}'] = 'count == 3'")
            .exits(0);
    assert_eq!(done.values("size{scenario:s}")["max"], 30.0);
    done.prints("size{scenario:s}");
}

#[test]
fn abort_on_fail_ends_the_run() {
    let done = Rchaos::script(
        "options { thresholds = { checks = { { 'rate > 50%', abort_on_fail = true } } } }
        teardown(function() print('@ down') end)
        scenario('s', { vus = 1, duration = '5m' }, function() check(1, { never = false }) sleep('20ms') end)",
    )
    .run()
    .exits(5)
    .took_less_than(Duration::from_secs(10));
    assert_eq!(done.marks(), ["down"]);
    assert_eq!(done.summary["verdict"], "failed");
    let kinds: Vec<&Value> = done.summary["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["kind"])
        .collect();
    assert!(kinds.contains(&&Value::from("threshold")), "{kinds:?}");
}

#[test]
fn abort_on_fail_respects_its_delay() {
    let done = Rchaos::script(
        "options { thresholds = { checks = { 'rate > 50%', abort_on_fail = true, delay = '1500ms' } } }
        scenario('s', { vus = 1, duration = '5m' }, function() check(1, { never = false }) sleep('20ms') end)",
    )
    .run()
    .exits(5)
    .took_at_least(Duration::from_millis(1500))
    .took_less_than(Duration::from_secs(12));
    assert_eq!(done.summary["thresholds"][0]["abort_on_fail"], true);
}

#[test]
fn abort_on_fail_without_data_does_not_abort() {
    let done = Rchaos::script(
        "options { thresholds = { checks = { 'rate > 50%', abort_on_fail = true } } }
        scenario('s', { vus = 1, duration = '900ms' }, function(vu)
            sleep('600ms') check(1, { late = true })
        end)",
    )
    .run()
    .exits(0);
    assert!(done.tally("s").0 >= 1);
}

/// Good, then bad for 600 ms, then good again.
const DIP: &str = "local good = metrics.rate('good')
    scenario('s', { vus = 1, iterations = 60 }, function(vu)
        good:add(vu.iteration < 20 or vu.iteration > 35)
        sleep('40ms')
    end)";

#[test]
fn a_window_sees_what_the_whole_run_hides() {
    Rchaos::script(&format!(
        "options {{ thresholds = {{ good = 'rate > 60%' }} }}\n{DIP}"
    ))
    .run()
    .exits(0);
    let done = Rchaos::script(&format!(
        "options {{ thresholds = {{ good = {{ 'rate > 60%', window = '1s' }} }} }}\n{DIP}"
    ))
    .run()
    .exits(5);
    assert_eq!(done.summary["thresholds"][0]["window_seconds"], 1.0);
}

#[test]
fn metrics_can_be_read_while_the_run_goes_on() {
    let done = Rchaos::script(
        "local size = metrics.trend('size')
        scenario('load', { rate = '50/s', duration = '2500ms' }, function() size:add(7) end)
        scenario('look', { vus = 1, start_after = '2100ms' }, function()
            local seen = metrics.get('size{scenario:load}')
            print('@ ' .. tostring(seen ~= nil and seen:count() > 5 and seen:max() > 6.9))
            print('@ ' .. tostring(metrics.get('size{scenario:none}')))
        end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["true", "nil"]);
}

#[test]
fn a_server_is_judged_by_name_and_status() {
    let server = Server::start(Behaviour::Status(503));
    Rchaos::script(&format!(
        "options {{ thresholds = {{
            ['http_reqs{{status:503}}'] = 'count == 4',
            ['http_reqs{{name:/items/:id}}'] = 'count == 4',
            ['http_reqs{{method:GET}}'] = 'count == 4',
            http_req_failed = 'rate == 100%',
        }} }}
        scenario('s', {{ vus = 1, iterations = 4 }}, function(vu) http.get('{}/items/' .. vu.iteration .. '?q=1') end)",
        server.url()
    ))
    .run()
    .exits(0);
}
