//! `--time-scale`: a long plan rehearsed in seconds.

use std::time::Duration;

use crate::support::Rchaos;

const PLAN: &str = "
scenario('ramp', { executor = 'ramping-vus', start_vus = 1,
    stages = { { duration = '5m', target = 3 }, { duration = '5m', target = 3 } } }, function()
    sleep('10s')
end)
experiment('an hour', function(x)
    x:steady_state('always', function(probe) probe:fn('yes', function() return true end) end)
    x:load('ramp')
    x:step('hold', function(s)
        local begin = now()
        s:sleep('5m')
        -- What is asked of the system is not shortened.
        s:eventually('a second later', function() return now() - begin > 1 end, { within = '30s' })
    end)
    x:recovers { within = '10s', stable_for = '2m' }
end)
";

#[test]
fn holds_and_stages_are_shortened_and_results_say_so() {
    let done = Rchaos::script(PLAN)
        .args(["--time-scale", "0.004"])
        .timeout(Duration::from_secs(60))
        .run()
        .exits(0)
        .took_less_than(Duration::from_secs(40))
        .says("time scale 0.004");
    assert_eq!(done.summary["time_scale"], 0.004);
    assert_eq!(done.summary["experiments"][0]["verdict"], "passed");
}

#[test]
fn a_factor_that_is_none_is_refused() {
    Rchaos::script(PLAN)
        .args(["--time-scale", "slow"])
        .run()
        .exits(2)
        .says("write a number from 0.001 to 100");
}
