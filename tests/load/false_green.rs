//! Runs that other tools call a success although nothing worked.

use crate::support::reserved::Refusing;
use crate::support::{Behaviour, Rchaos, Server};

#[test]
fn every_iteration_throws() {
    let done = Rchaos::script(
        "scenario('s', { vus = 2, iterations = 10 }, function() error('broken') end)",
    )
    .run()
    .exits(5)
    .prints("broken");
    assert_eq!(done.summary["verdict"], "failed");
}

#[test]
fn every_connection_is_refused() {
    let refusing = Refusing::new();
    let script = format!(
        "scenario('s', {{ vus = 2, iterations = 10 }}, function() http.get('{}/') end)",
        refusing.url()
    );
    let done = Rchaos::script(&script).run().exits(5);
    assert_eq!(done.values("http_req_failed")["rate"], 1.0);
    assert!(!done.summary["reasons"].as_array().unwrap().is_empty());
}

#[test]
fn a_refused_server_does_not_pass_a_threshold_on_time() {
    let refusing = Refusing::new();
    Rchaos::script(&format!(
        "options {{ thresholds = {{ http_req_duration = 'p(95) < 200ms' }} }}
        scenario('s', {{ vus = 1, iterations = 5 }}, function() http.get('{}/') end)",
        refusing.url()
    ))
    .run()
    .exits(5);
}

#[test]
fn a_dead_server_may_be_expected() {
    let refusing = Refusing::new();
    Rchaos::script(&format!(
        "options {{ thresholds = {{ http_req_failed = 'rate == 100%' }} }}
        scenario('s', {{ vus = 1, iterations = 5 }}, function() http.get('{}/') end)",
        refusing.url()
    ))
    .run()
    .exits(0);
}

#[test]
fn a_misspelt_option() {
    let server = Server::start(Behaviour::Ok);
    let url = server.url();
    for script in [
        format!("scenario('s', {{ vus = 1, iteration = 3 }}, function() http.get('{url}') end)"),
        format!(
            "options {{ treshold = {{}} }} scenario('s', {{ vus = 1 }}, function() http.get('{url}') end)"
        ),
    ] {
        Rchaos::script(&script).run().exits(3).says("did you mean");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_throwing_summary() {
    Rchaos::script(
        "summary(function(data) return data.nothing.here end)
        scenario('s', { vus = 1 }, function() end)",
    )
    .run()
    .exits(3)
    .says("script.lua:1:");
}

#[test]
fn thresholds_over_nothing() {
    Rchaos::script(
        "options { thresholds = { checks = 'rate > 90%', http_req_duration = 'p(95) < 200ms' } }
        scenario('s', { vus = 1, iterations = 3 }, function() error('before any check') end)",
    )
    .run()
    .exits(5)
    .prints("no data");
}

#[test]
fn iterations_that_never_end_are_shown() {
    let done = Rchaos::script(
        "scenario('s', { vus = 1, duration = '200ms', graceful_stop = '100ms' }, function() sleep('60s') end)",
    )
    .run()
    .prints("0 iterations, 1 interrupted");
    assert_eq!(done.tally("s"), (0, 0, 1));
}
