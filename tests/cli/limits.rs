//! Scripts that compute, allocate or catch too much.

use std::time::Duration;

use crate::support::Rchaos;

/// Bodies that never come to an end by themselves.
const RUNAWAYS: &[(&str, &str)] = &[
    ("a loop", "while true do end"),
    (
        "a loop that catches",
        "while true do pcall(function() while true do end end) end",
    ),
    (
        "a coroutine",
        "coroutine.wrap(function() while true do end end)()",
    ),
    (
        "a pattern",
        "string.find(string.rep('a', 32), string.rep('a?', 32) .. string.rep('a', 32) .. 'b')",
    ),
    (
        "a sort",
        "local t = {} for i = 1, 2e6 do t[i] = (i * 7919) % 2000003 end
        while true do table.sort(t, function(a, b) return a < b end) end",
    ),
];

#[test]
fn a_runaway_ends_at_its_cpu_limit() {
    for (name, body) in RUNAWAYS {
        let done = Rchaos::script(&format!(
            "options {{ cpu_limit = '300ms' }}
            scenario('s', {{ vus = 1, iterations = 1 }}, function() {body} end)"
        ))
        .run()
        .exits(5)
        .took_less_than(Duration::from_secs(10));
        assert_eq!(
            done.count("iteration_errors"),
            1.0,
            "{name}: {}",
            done.all()
        );
        let message = done.summary["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("cpu_limit"), "{name}: {message}");
    }
}

#[test]
fn after_a_runaway_the_next_iteration_works() {
    let done = Rchaos::script(
        "options { cpu_limit = '200ms', thresholds = { iteration_errors = 'count == 2' } }
        scenario('s', { vus = 1, iterations = 4 }, function(vu)
            if vu.iteration % 2 == 1 then while true do end end
            print('@ ' .. vu.iteration)
        end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["2", "4"]);
}

#[test]
fn a_runaway_ends_at_its_scenarios_graceful_stop() {
    for (name, body) in &RUNAWAYS[..3] {
        let done = Rchaos::script(&format!(
            "options {{ cpu_limit = '10m' }}
            scenario('s', {{ vus = 1, duration = '200ms', graceful_stop = '200ms' }},
                function() {body} end)"
        ))
        .run()
        .took_at_least(Duration::from_millis(400))
        .took_less_than(Duration::from_secs(10));
        assert_eq!(done.tally("s"), (0, 0, 1), "{name}");
    }
}

#[test]
fn a_runaway_does_not_keep_others_from_ending() {
    let done = Rchaos::script(
        "options { cpu_limit = '10m' }
        scenario('mad', { vus = 2, duration = '300ms', graceful_stop = '100ms' },
            function() while true do end end)
        scenario('sane', { vus = 2, iterations = 4, start_after = 'mad' }, function() print('@ sane') end)",
    )
    .run()
    .took_less_than(Duration::from_secs(10));
    assert_eq!(done.marks(), ["sane"; 4], "{}", done.all());
    assert_eq!(done.tally("mad"), (0, 0, 2));
}

#[test]
fn a_runaway_top_level_ends() {
    Rchaos::script("while true do end")
        .run()
        .exits(3)
        .says("script.lua:1:")
        .took_less_than(Duration::from_secs(15));
}

#[test]
fn past_the_memory_limit_the_run_ends() {
    for body in [
        "local t = {} while true do t[#t + 1] = string.rep('x', 100000) .. #t end",
        "local t = {} while true do pcall(function() t[#t + 1] = string.rep('x', 1000000) .. #t end) end",
        "hoard = hoard or {} for i = 1, 50 do hoard[#hoard + 1] = string.rep('x', 1e5) .. #hoard end sleep('1ms')",
    ] {
        Rchaos::script(&format!(
            "options {{ cpu_limit = '20s' }}
            scenario('s', {{ vus = 1, duration = '30s' }}, function() {body} end)"
        ))
        .args(["--memory-limit", "200MiB"])
        .run()
        .exits(3)
        .says("--memory-limit")
        .took_less_than(Duration::from_secs(20));
    }
}

#[test]
fn misuse_is_not_caught_by_pcall() {
    for body in [
        "pcall(function() http.get('http://127.0.0.1:9/', { timeotu = '1s' }) end)",
        "pcall(http.get, 'http://127.0.0.1:9/', { timeout = 5 })",
        "pcall(sleep, 5)",
    ] {
        let done = Rchaos::script(&format!(
            "scenario('s', {{ vus = 1, duration = '20s' }}, function() {body}; sleep('1ms') end)"
        ))
        .run()
        .exits(3)
        .says("script.lua:1:")
        .took_less_than(Duration::from_secs(10));
        assert_eq!(done.summary["verdict"], "error");
    }
}

#[test]
fn errors_are_shown_once_with_their_count() {
    let done = Rchaos::script(
        "scenario('s', { vus = 2, iterations = 500 }, function()
            error('always the same')
        end)",
    )
    .run()
    .exits(5)
    .prints("500×");
    let shown = done.stdout.matches("always the same").count()
        + done.stderr.matches("always the same").count();
    assert_eq!(shown, 1, "{}", done.all());
    assert_eq!(done.summary["errors"][0]["count"], 500);
    assert_eq!(done.summary["errors"][0]["location"], "script.lua:2");
    assert_eq!(done.count("iteration_errors"), 500.0);
    assert_eq!(done.count("iterations"), 500.0);
}

#[test]
fn errors_may_be_allowed_by_a_threshold() {
    Rchaos::script(
        "options { thresholds = { iteration_errors = 'count < 3' } }
        scenario('s', { vus = 1, iterations = 2 }, function() error('allowed') end)",
    )
    .run()
    .exits(0);
}
