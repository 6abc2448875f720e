//! What happens to iterations that are under way when their time is over.

use std::time::Duration;

use crate::support::{Behaviour, Rchaos, Server};

#[test]
fn graceful_stop_waits_for_iterations() {
    let done = Rchaos::script(
        "scenario('s', { vus = 2, duration = '200ms', graceful_stop = '20s' }, function()
            sleep('900ms') print('@ ended')
        end)",
    )
    .run()
    .exits(0)
    .took_at_least(Duration::from_millis(900));
    assert_eq!(done.tally("s"), (2, 0, 0));
    assert_eq!(done.marks(), ["ended"; 2]);
}

#[test]
fn past_graceful_stop_iterations_are_interrupted() {
    for body in ["sleep('60s')", "pcall(sleep, '60s') pcall(sleep, '60s')"] {
        let done = Rchaos::script(&format!(
            "scenario('s', {{ vus = 2, duration = '200ms', graceful_stop = '300ms' }}, function() {body} end)"
        ))
        .run()
        .took_at_least(Duration::from_millis(500))
        .took_less_than(Duration::from_secs(8));
        assert_eq!(done.tally("s"), (0, 0, 2), "{}", done.all());
        assert_eq!(done.count("iterations"), 0.0);
        assert_eq!(done.count("iteration_errors"), 0.0);
    }
}

#[test]
fn an_interrupted_request_is_recorded_as_failed() {
    let server = Server::start(Behaviour::Hang);
    let done = Rchaos::script(&format!(
        "scenario('s', {{ vus = 1, duration = '200ms', graceful_stop = '200ms' }}, function()
            http.get('{}/black/hole')
        end)",
        server.url()
    ))
    .run()
    .took_less_than(Duration::from_secs(8));
    assert_eq!(done.count("http_reqs"), 1.0, "{}", done.all());
    assert_eq!(done.values("http_req_failed")["rate"], 1.0);
    let longest = done.values("http_req_duration")["max"].as_f64().unwrap();
    assert!((250.0..5000.0).contains(&longest), "{longest} ms");
}

#[test]
fn arrivals_under_way_are_given_time_too() {
    let done = Rchaos::script(
        "scenario('s', { rate = '20/s', duration = '500ms', graceful_stop = '20s' },
            function() sleep('600ms') end)",
    )
    .run()
    .exits(0);
    let (iterations, dropped, interrupted) = done.tally("s");
    assert!((9..=11).contains(&iterations), "{}", done.all());
    assert_eq!((dropped, interrupted), (0, 0));
}

const RETIRE: &str =
    "stages = { { duration = '200ms', target = 2 }, { duration = '0s', target = 0 },
    { duration = '1500ms', target = 0 } }";

#[test]
fn graceful_ramp_down_lets_a_retired_user_finish() {
    let done = Rchaos::script(&format!(
        "scenario('s', {{ start_vus = 2, {RETIRE}, graceful_ramp_down = '20s' }}, function()
            sleep('800ms')
        end)"
    ))
    .run()
    .exits(0);
    assert_eq!(done.tally("s"), (2, 0, 0), "{}", done.all());
}

#[test]
fn past_graceful_ramp_down_a_retired_user_is_interrupted() {
    let done = Rchaos::script(&format!(
        "scenario('s', {{ start_vus = 2, {RETIRE}, graceful_ramp_down = '200ms' }}, function()
            sleep('60s')
        end)"
    ))
    .run()
    .took_less_than(Duration::from_secs(8));
    assert_eq!(done.tally("s"), (0, 0, 2), "{}", done.all());
}

#[test]
fn a_user_that_comes_back_goes_on() {
    let done = Rchaos::script(
        "scenario('s', { start_vus = 1, graceful_ramp_down = '100ms', stages = {
            { duration = '200ms', target = 1 }, { duration = '0s', target = 0 },
            { duration = '400ms', target = 0 }, { duration = '0s', target = 1 },
            { duration = '400ms', target = 1 } } }, function() sleep('50ms') print('@ x') end)",
    )
    .run()
    .exits(0);
    let count = done.marks().len();
    assert!((5..=14).contains(&count), "{}", done.all());
}
