//! When arrivals start, as a server sees them.

use std::time::{Duration, Instant};

use crate::support::{Behaviour, Rchaos, Server};

/// Milliseconds of every arrival after the first.
fn offsets(arrivals: &[Instant]) -> Vec<f64> {
    let first = arrivals[0];
    arrivals
        .iter()
        .map(|at| at.duration_since(first).as_secs_f64() * 1e3)
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn a_constant_rate_keeps_its_schedule() {
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(&format!(
        "scenario('s', {{ rate = '50/s', duration = '2s' }}, function() http.get('{}/') end)",
        server.url()
    ))
    .run()
    .exits(0);
    let arrivals = server.arrivals("/");
    assert!(
        (99..=101).contains(&arrivals.len()),
        "{}: {}",
        arrivals.len(),
        done.all()
    );
    let errors = offsets(&arrivals)
        .into_iter()
        .enumerate()
        .map(|(n, at)| (at - n as f64 * 20.0).abs());
    let error = median(errors.collect());
    assert!(
        error < 60.0,
        "half of the arrivals are {error} ms off their instant"
    );
    assert_eq!(done.values("iteration_lag")["count"], arrivals.len());
}

#[test]
fn a_slow_server_does_not_slow_the_arrivals() {
    let server = Server::start(Behaviour::Slow(Duration::from_millis(700)));
    let done = Rchaos::script(&format!(
        "scenario('s', {{ rate = '30/s', duration = '1s', max_vus = 60 }}, function() http.get('{}/') end)",
        server.url()
    ))
    .run()
    .exits(0);
    let arrivals = server.arrivals("/");
    assert!((29..=31).contains(&arrivals.len()), "{}", done.all());
    let last = *offsets(&arrivals).last().unwrap();
    assert!(
        (800.0..1600.0).contains(&last),
        "the last arrival is at {last} ms"
    );
    assert_eq!(done.tally("s").1, 0);
}

#[test]
fn a_ramp_of_rates_is_an_integral() {
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(&format!(
        "scenario('s', {{ stages = {{ {{ duration = '2s', target = '100/s' }} }}, max_vus = 50 }},
            function() http.get('{}/') end)",
        server.url()
    ))
    .run()
    .exits(0);
    let arrivals = server.arrivals("/");
    assert!(
        (97..=101).contains(&arrivals.len()),
        "{}: {}",
        arrivals.len(),
        done.all()
    );
    // A straight line from 0 makes a quarter of its arrivals in its first half.
    let offsets = offsets(&arrivals);
    let middle = offsets.last().unwrap() / 2.0;
    let early = offsets.iter().filter(|at| **at < middle).count();
    assert!(
        (15..=38).contains(&early),
        "{early} of {} in the first half",
        offsets.len()
    );
}

#[test]
fn stages_follow_one_another() {
    let server = Server::start(Behaviour::Ok);
    Rchaos::script(&format!(
        "scenario('s', {{ start_rate = '10/s', max_vus = 50, stages = {{
            {{ duration = '500ms', target = '10/s' }}, {{ duration = '0s', target = '80/s' }},
            {{ duration = '1s', target = '80/s' }} }} }}, function() http.get('{}/') end)",
        server.url()
    ))
    .run()
    .exits(0);
    let arrivals = server.arrivals("/");
    assert!((83..=87).contains(&arrivals.len()), "{}", arrivals.len());
}

#[test]
fn rates_below_one_a_second_work() {
    let done =
        Rchaos::script("scenario('s', { rate = '60/m', duration = '2500ms' }, function() end)")
            .run()
            .exits(0);
    let (iterations, dropped, _) = done.tally("s");
    assert!((2..=3).contains(&iterations), "{}", done.all());
    assert_eq!(dropped, 0);
}

#[test]
fn scenarios_run_side_by_side() {
    let server = Server::start(Behaviour::Ok);
    let url = server.url();
    let done = Rchaos::script(&format!(
        "scenario('a', {{ rate = '20/s', duration = '1s' }}, function() http.get('{url}/a') end)
        scenario('b', {{ rate = '40/s', duration = '1s' }}, function() http.get('{url}/b') end)
        scenario('c', {{ vus = 2, iterations = 10 }}, function() http.get('{url}/c') end)"
    ))
    .run()
    .exits(0)
    .took_less_than(Duration::from_secs(6));
    let count = |path| server.arrivals(path).len();
    assert!((19..=21).contains(&count("/a")), "{}", done.all());
    assert!((39..=41).contains(&count("/b")), "{}", done.all());
    assert_eq!(count("/c"), 10);
}
