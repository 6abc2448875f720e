//! How many iterations each executor makes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::Rchaos;

#[test]
fn shared_iterations_are_exact() {
    let done = Rchaos::script(
        "scenario('s', { vus = 3, iterations = 50 }, function(vu) sleep('1ms') print('@ ' .. vu.id) end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.count("iterations"), 50.0);
    assert_eq!(done.tally("s"), (50, 0, 0));
    assert_eq!(done.marks().len(), 50);
}

#[test]
fn every_user_makes_its_own_iterations() {
    let done = Rchaos::script(
        "scenario('s', { executor = 'per-vu-iterations', vus = 4, iterations = 5 }, function(vu)
            print('@ ' .. vu.id .. ' ' .. vu.iteration)
        end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.tally("s"), (20, 0, 0));
    let mut by_user: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for mark in done.marks() {
        let (user, iteration) = mark.split_once(' ').unwrap();
        by_user.entry(user).or_default().push(iteration);
    }
    assert_eq!(
        by_user.keys().copied().collect::<Vec<_>>(),
        ["1", "2", "3", "4"]
    );
    assert!(
        by_user
            .values()
            .all(|own| own == &["1", "2", "3", "4", "5"])
    );
}

#[test]
fn iterations_left_at_max_duration_are_dropped() {
    for executor in ["shared-iterations", "per-vu-iterations"] {
        let done = Rchaos::script(&format!(
            "scenario('s', {{ executor = '{executor}', vus = 1, iterations = 10, max_duration = '500ms' }},
                function() sleep('200ms') end)"
        ))
        .run();
        let (iterations, dropped, interrupted) = done.tally("s");
        assert!((1..=3).contains(&iterations), "{executor}: {}", done.all());
        assert_eq!(
            iterations + dropped + interrupted,
            10,
            "{executor}: {}",
            done.all()
        );
        assert_eq!(interrupted, 0, "{executor}");
        assert_eq!(
            done.count("dropped_iterations"),
            dropped as f64,
            "{executor}"
        );
    }
}

#[test]
fn constant_users_work_for_the_duration() {
    let done = Rchaos::script(
        "scenario('s', { vus = 3, duration = '1s' }, function() sleep('100ms') end)",
    )
    .run()
    .exits(0)
    .took_at_least(Duration::from_secs(1))
    .took_less_than(Duration::from_secs(5));
    let (iterations, dropped, interrupted) = done.tally("s");
    assert!((18..=33).contains(&iterations), "{}", done.all());
    assert_eq!((dropped, interrupted), (0, 0));
    assert_eq!(done.values("vus_max")["max"], 3.0);
}

#[test]
fn users_of_a_ramp_come_and_go() {
    let done = Rchaos::script(
        "scenario('s', { start_vus = 0, stages = { { duration = '1s', target = 4 }, { duration = '1s', target = 0 } } },
            function(vu) sleep('50ms') print('@ ' .. vu.id) end)",
    )
    .run()
    .exits(0)
    .took_at_least(Duration::from_secs(2))
    .took_less_than(Duration::from_secs(6));
    // The area under the ramp is four user-seconds: 80 iterations of 50 ms, fewer on a busy machine.
    let (iterations, dropped, interrupted) = done.tally("s");
    assert!((25..=95).contains(&iterations), "{}", done.all());
    assert_eq!((dropped, interrupted), (0, 0));
    let count = |id: &str| done.marks().into_iter().filter(|mark| *mark == id).count();
    assert!(
        count("1") > count("4"),
        "the first user stays longest: {}",
        done.all()
    );
    assert!(count("4") > 0, "the peak is reached: {}", done.all());
}

#[test]
fn a_stage_of_no_length_jumps() {
    let done = Rchaos::script(
        "scenario('s', { start_vus = 1, stages = { { duration = '0s', target = 5 }, { duration = '400ms', target = 5 } } },
            function(vu) print('@ ' .. vu.id) sleep('1s') end)",
    )
    .run()
    .exits(0);
    let mut ids = done.marks();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
}

#[test]
fn an_arrival_without_a_free_user_is_dropped_and_counted() {
    let done = Rchaos::script(
        "options { thresholds = { dropped_iterations = 'count > 5' } }
        scenario('s', { rate = '20/s', duration = '1s', max_vus = 2 }, function() sleep('400ms') end)",
    )
    .run()
    .exits(0);
    let (iterations, dropped, interrupted) = done.tally("s");
    assert!(
        (19..=21).contains(&(iterations + dropped + interrupted)),
        "{}",
        done.all()
    );
    assert!((3..=7).contains(&iterations), "{}", done.all());
    assert_eq!(done.count("dropped_iterations"), dropped as f64);
}

#[test]
fn arrivals_use_no_more_users_than_needed() {
    let done = Rchaos::script(
        "scenario('s', { rate = '50/s', duration = '1s', max_vus = 100 }, function(vu) print('@ ' .. vu.id) end)",
    )
    .run()
    .exits(0);
    let mut ids = done.marks();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() < 50, "{} users for instant iterations", ids.len());
    assert_eq!(done.tally("s").1, 0, "{}", done.all());
}

#[test]
fn spawned_tasks_belong_to_their_iteration() {
    let done = Rchaos::script(
        "scenario('s', { vus = 1, iterations = 2 }, function(vu)
            spawn(function() sleep('200ms') print('@ task ' .. vu.iteration) end)
            print('@ main ' .. vu.iteration)
        end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["main 1", "task 1", "main 2", "task 2"]);
}

#[test]
fn coroutines_may_surround_what_waits() {
    let done = Rchaos::script(
        "scenario('s', { vus = 3, iterations = 3 }, function()
            local step = coroutine.wrap(function()
                for i = 1, 2 do sleep('20ms') coroutine.yield(i) end
            end)
            print('@ ' .. step() .. step())
        end)",
    )
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["12"; 3]);
}

#[test]
fn a_user_that_fails_again_and_again_does_not_keep_its_neighbours_waiting() {
    let done = Rchaos::script(
        "scenario('x', { vus = 1, duration = '2s' }, function()
            local x = 0 for i = 1, 1000000 do x = x + i end
            error('boom')
        end)
        scenario('y', { vus = 1, duration = '2s' }, function() sleep('20ms') end)",
    )
    .args(["--workers", "1"])
    .run()
    .exits(5);
    let (failing, ..) = done.tally("x");
    let (quiet, ..) = done.tally("y");
    // Each waits for one iteration of the other at most; it was sixty.
    assert!(quiet * 4 > failing.min(100), "{}", done.all());
}
