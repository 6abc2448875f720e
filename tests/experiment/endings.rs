//! How experiments end, and what a run with several comes to.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::Rchaos;

#[test]
fn nothing_runs_where_the_steady_state_is_not_there() {
    let done = Rchaos::script(
        "experiment('e', function(x)
            x:steady_state('up', function(probe) probe:fn('up', function() return false end) end)
            pcall(function() x:step('s', function() print('@ step') end) end)
            print('@ after')
        end)
        experiment('f', function(x) print('@ next') end)
        teardown(function() print('@ teardown') end)",
    )
    .run()
    .exits(4);
    assert_eq!(done.marks(), ["next", "teardown"]);
    let found = &done.summary["experiments"];
    assert_eq!(found[0]["verdict"], "aborted", "{found}");
    assert_eq!(found[1]["verdict"], "passed", "{found}");
}

#[test]
fn the_worst_verdict_is_the_runs() {
    let fails = "experiment('fails', function() expect(false, 'no') end)";
    let unmet = "experiment('unmet', function(x)
        x:steady_state('up', function(probe) probe:fn('up', function() return false end) end)
    end)";
    let wrong = "experiment('wrong', function(x) x:step() end)";
    for (parts, code) in [
        (vec![fails], 5),
        (vec![fails, unmet], 4),
        (vec![unmet, wrong], 3),
    ] {
        Rchaos::script(&parts.join("\n")).run().exits(code);
    }
}

#[test]
fn ctrl_c_ends_an_experiment_and_those_after_it() {
    let running = Rchaos::script(
        "experiment('e', function(x)
            x:step('long', function(s) print('@ begun') s:sleep('60s') end)
            print('@ after')
        end)
        experiment('f', function() print('@ next') end)
        teardown(function() print('@ teardown') end)",
    )
    .start();
    running.until_stderr("@ begun").signal(Signal::INT);
    let done = running
        .wait()
        .exits(6)
        .took_less_than(Duration::from_secs(20));
    assert_eq!(done.marks(), ["begun", "teardown"]);
    let found = &done.summary["experiments"];
    assert_eq!(found[0]["verdict"], "aborted", "{found}");
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
}

#[test]
fn loaded_scenarios_end_gracefully_with_the_experiments() {
    let done = Rchaos::script(
        "scenario('slow', { vus = 3, duration = '10m' }, function() sleep('400ms') print('@ whole') end)
        scenario('open', { rate = '20/s', duration = '10m', max_vus = 5 }, function() sleep('1ms') end)
        experiment('e', function(x) x:load('slow') x:load('open') sleep('200ms') end)",
    )
    .run()
    .exits(0)
    .took_less_than(Duration::from_secs(20));
    assert_eq!(done.marks(), ["whole", "whole", "whole"]);
    for name in ["slow", "open"] {
        assert_eq!(done.scenario(name)["interrupted"], 0, "{name}");
    }
}
