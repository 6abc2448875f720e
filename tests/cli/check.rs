//! `rchaos check`: says what would run and touches nothing.

use crate::support::{Behaviour, Rchaos, Server};

#[test]
fn check_lists_what_would_run() {
    Rchaos::check(
        "options { thresholds = { http_reqs = 'count > 1', checks = 'rate > 99%' } }
        setup(function() end)
        scenario('first', { vus = 2, duration = '1m' }, function() end)
        scenario('second', { rate = '5/s', duration = '90s', start_after = 'first' }, function() end)
        scenario('third', { vus = 1, start_after = '5s' }, function() end)",
    )
    .run()
    .exits(0)
    .prints("script.lua: ok")
    .prints("scenario \"first\": constant-vus: 2 users for 1m")
    .prints("scenario \"second\": constant-arrival-rate: 5/s for 1m30s")
    .prints("after scenario \"first\"")
    .prints("after 5s")
    .prints("threshold http_reqs: count > 1")
    .prints("setup");
}

#[test]
fn check_opens_no_connection() {
    let server = Server::start(Behaviour::Ok);
    let url = server.url();
    Rchaos::check(&format!(
        "setup(function() http.get('{url}') end)
        teardown(function() http.get('{url}') end)
        scenario('s', {{ vus = 1, iterations = 1 }}, function() http.get('{url}') end)"
    ))
    .run()
    .exits(0);
    Rchaos::check(&format!("local r = http.get('{url}')\nerror('too far')"))
        .run()
        .exits(0)
        .prints("ad hoc");
    assert_eq!(server.connections(), 0);
}

#[test]
fn check_stops_at_io_even_under_pcall() {
    let server = Server::start(Behaviour::Ok);
    Rchaos::check(&format!(
        "pcall(http.get, '{0}')\npcall(http.get, '{0}')",
        server.url()
    ))
    .run()
    .exits(0);
    assert_eq!(server.connections(), 0);
}

#[test]
fn check_reports_every_problem_at_once() {
    Rchaos::check(
        "options { thresholds = { http_reqs = 'median < 3' } }
        scenario('a', { vus = 0, duration = 5 }, function() end)
        scenario('b', { rate = 5, duration = '1s' }, function() end)",
    )
    .run()
    .exits(3)
    .says("script.lua:2: scenario \"a\"")
    .says("option `vus`")
    .says("option `duration`")
    .says("script.lua:3: scenario \"b\"")
    .says("median");
}
