//! When scenarios begin.

use std::time::Duration;

use crate::support::{Behaviour, Rchaos, Server};

#[test]
fn a_duration_delays_the_start() {
    // Counted from `setup`, which ends before anything starts: a busy machine makes it more, never less.
    let done = Rchaos::script(
        "setup(function() return { begun = now() } end)
        scenario('now', { vus = 1 }, function(_, run) print('@ now ' .. now() - run.begun) end)
        scenario('later', { vus = 1, start_after = '800ms' }, function(_, run) print('@ later ' .. now() - run.begun) end)",
    )
    .run()
    .exits(0);
    let after = |name: &str| -> f64 {
        let marks = done.marks();
        let mut found = marks.iter().filter_map(|mark| mark.strip_prefix(name));
        found.next().unwrap().trim().parse().unwrap()
    };
    let (first, second) = (after("now"), after("later"));
    assert!(second >= 800.0, "{first} {second}");
    assert!(second - first < 3000.0, "{first} {second}");
}

#[test]
fn a_name_waits_for_the_end_of_that_scenario() {
    let server = Server::start(Behaviour::Ok);
    let url = server.url();
    Rchaos::script(&format!(
        "scenario('third', {{ vus = 1, start_after = 'second' }}, function() http.get('{url}/3') end)
        scenario('second', {{ vus = 2, iterations = 4, start_after = 'first' }}, function()
            sleep('50ms') http.get('{url}/2')
        end)
        scenario('first', {{ vus = 2, iterations = 4 }}, function() sleep('50ms') http.get('{url}/1') end)"
    ))
    .run()
    .exits(0);
    let expected = ["/1", "/1", "/1", "/1", "/2", "/2", "/2", "/2", "/3"];
    assert_eq!(server.paths(), expected);
}

#[test]
fn a_scenario_after_one_that_fails_still_runs() {
    let done = Rchaos::script(
        "scenario('first', { vus = 1 }, function() error('no') end)
        scenario('second', { vus = 1, start_after = 'first' }, function() print('@ second') end)",
    )
    .run()
    .exits(5);
    assert_eq!(done.marks(), ["second"]);
}

#[test]
fn circles_are_refused() {
    Rchaos::check(
        "scenario('a', { vus = 1, start_after = 'b' }, print)
        scenario('b', { vus = 1, start_after = 'a' }, print)",
    )
    .run()
    .exits(3)
    .says("scenario \"a\": option `start_after`: it would wait for itself")
    .took_less_than(Duration::from_secs(5));
    Rchaos::check("scenario('warm up', { vus = 1 }, print) scenario('b', { vus = 1, start_after = 'warmup' }, print)")
        .run()
        .exits(3)
        .says("did you mean \"warm up\"?");
}
