//! `--only --vus --iterations --duration --tag --env --seed`.

use std::time::Duration;

use crate::support::Rchaos;

const TWO: &str = "scenario('a', { executor = 'per-vu-iterations', vus = 2, iterations = 3 },
        function(vu) print('@ a' .. vu.id) end)
    scenario('b', { vus = 1, iterations = 1 }, function(vu) print('@ b' .. vu.id) end)";

#[test]
fn only_runs_what_it_names() {
    let done = Rchaos::script(TWO).args(["--only", "b"]).run().exits(0);
    assert_eq!(done.marks(), ["b1"]);
    let both = Rchaos::script(TWO)
        .args(["--only", "b", "--only", "a"])
        .run()
        .exits(0);
    assert_eq!(both.marks().len(), 7);
    Rchaos::script(TWO)
        .args(["--only", "bb"])
        .run()
        .exits(2)
        .says("did you mean \"b\"?");
}

#[test]
fn only_starts_a_scenario_whose_predecessor_does_not_run() {
    let done = Rchaos::script(
        "scenario('a', { vus = 1 }, function() print('@ a') end)
        scenario('b', { vus = 1, start_after = 'a' }, function() print('@ b') end)",
    )
    .args(["--only", "b"])
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["b"]);
}

#[test]
fn iterations_are_shared_by_the_given_users() {
    let done = Rchaos::script(TWO)
        .args(["--only", "a", "--iterations", "7", "--vus", "3"])
        .run()
        .exits(0);
    assert_eq!(done.tally("a"), (7, 0, 0));
    assert_eq!(done.scenario("a")["executor"], "shared-iterations");
}

#[test]
fn vus_replaces_the_number_of_users() {
    let done = Rchaos::script(TWO)
        .args(["--only", "a", "--vus", "5"])
        .run()
        .exits(0);
    assert_eq!(done.tally("a"), (15, 0, 0));
}

#[test]
fn duration_shortens_what_is_long() {
    let done = Rchaos::script(
        "scenario('flat', { vus = 1, duration = '10m' }, function() sleep('20ms') end)
        scenario('ramp', { max_vus = 5, stages = { { duration = '5m', target = '100/s' },
            { duration = '5m', target = '0/s' } } }, function() end)",
    )
    .args(["--duration", "1s"])
    .run()
    .exits(0)
    .took_at_least(Duration::from_secs(1))
    .took_less_than(Duration::from_secs(5));
    let (iterations, dropped, _) = done.tally("ramp");
    assert!(
        (48..=52).contains(&(iterations + dropped)),
        "{}",
        done.all()
    );
}

#[test]
fn given_variables_and_tags_reach_the_script_and_the_samples() {
    let done = Rchaos::script(
        "options { thresholds = { ['iterations{build:42}'] = 'count == 1' } }
        scenario('s', { vus = 1 }, function()
            print('@ ' .. env('WHO') .. ' ' .. env('ELSE', 'default') .. ' ' .. tostring(env('NONE')))
        end)",
    )
    .env("WHO", "process")
    .args(["--env", "WHO=flag", "--tag", "build=42"])
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["flag default nil"]);
}

#[test]
fn a_seed_repeats_every_draw_whatever_the_workers() {
    let draws = |seed: &str, workers: &str| {
        let done = Rchaos::script(
            "scenario('s', { executor = 'per-vu-iterations', vus = 3, iterations = 3 }, function(vu)
                print('@ ' .. vu.id .. ' ' .. vu.iteration .. ' ' .. math.random(1000000) .. ' ' .. uuid())
            end)",
        )
        .args(["--seed", seed, "--workers", workers])
        .run()
        .exits(0)
        .says(&format!("seed {seed}"));
        let mut marks: Vec<String> = done.marks().into_iter().map(str::to_owned).collect();
        marks.sort();
        assert_eq!(done.summary["seed"].to_string(), seed);
        marks
    };
    let first = draws("7", "1");
    assert_eq!(first.len(), 9);
    assert_eq!(first, draws("7", "2"));
    assert_ne!(first, draws("8", "1"));
    let mut values: Vec<&str> = first
        .iter()
        .filter_map(|line| line.split(' ').nth(3))
        .collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 9, "users must not draw alike: {first:?}");
}
