//! Which scenario tables are accepted, what they mean, and what is said of the others.

use std::fmt::Write as _;

use crate::support::Rchaos;

/// An option table and how `check` describes it.
const VALID: &[(&str, &str)] = &[
    ("{}", "per-vu-iterations: 1 iteration for each of 1 user"),
    (
        "{ vus = 3 }",
        "shared-iterations: 3 iterations shared by 3 users, at most 10m",
    ),
    (
        "{ iterations = 5 }",
        "shared-iterations: 5 iterations shared by 1 user, at most 10m",
    ),
    (
        "{ vus = 2, iterations = 10, max_duration = '90s' }",
        "shared-iterations: 10 iterations shared by 2 users, at most 1m30s",
    ),
    (
        "{ executor = 'per-vu-iterations', vus = 2, iterations = 3 }",
        "per-vu-iterations: 3 iterations for each of 2 users, at most 10m",
    ),
    ("{ duration = '5s' }", "constant-vus: 1 user for 5s"),
    (
        "{ vus = 3, duration = '1m30s' }",
        "constant-vus: 3 users for 1m30s",
    ),
    (
        "{ executor = 'constant-vus', vus = 1, duration = '250ms' }",
        "constant-vus: 1 user for 250ms",
    ),
    (
        "{ stages = { { duration = '1m', target = 10 } } }",
        "ramping-vus: up to 10 users in 1 stage over 1m",
    ),
    (
        "{ start_vus = 0, stages = { { duration = '10s', target = 5 }, { duration = '0s', target = 9 } }, graceful_ramp_down = '0s' }",
        "ramping-vus: up to 9 users in 2 stages over 10s",
    ),
    (
        "{ rate = '50/s', duration = '2m' }",
        "constant-arrival-rate: 50/s for 2m, at most 1000 users",
    ),
    (
        "{ rate = '30/m', duration = '2m', max_vus = 7 }",
        "constant-arrival-rate: 0.5/s for 2m, at most 7 users",
    ),
    (
        "{ stages = { { duration = '1m', target = '20/s' } } }",
        "ramping-arrival-rate: up to 20/s",
    ),
    (
        "{ start_rate = '10/s', max_vus = 9, stages = { { duration = '1m', target = '0/s' } } }",
        "ramping-arrival-rate: up to 10/s",
    ),
    (
        "{ vus = 1, tags = { team = 'blue' }, env = { A = 'b' }, graceful_stop = '0s', start_after = '1s' }",
        "shared-iterations: 1 iteration shared by 1 user",
    ),
];

/// An option table and what is said of it.
const INVALID: &[(&str, &str)] = &[
    ("5", "options are a table, got 5"),
    (
        "{ executor = 'constant-vu', vus = 1, duration = '1s' }",
        "there is no \"constant-vu\"; did you mean \"constant-vus\"?",
    ),
    (
        "{ executor = 'externally-controlled' }",
        "they are shared-iterations, per-vu-iterations",
    ),
    ("{ executor = 5 }", "option `executor`: expected a string"),
    (
        "{ executor = 'constant-vus', vus = 1 }",
        "option `duration`: is required",
    ),
    (
        "{ executor = 'constant-vus', duration = '0s' }",
        "option `duration`: must be more than",
    ),
    (
        "{ vus = 1, duration = 10 }",
        "has no unit; write \"10ms\" or \"10s\"",
    ),
    (
        "{ vus = 1, duration = '10' }",
        "\"10\" has no unit; write \"10ms\" or \"10s\"",
    ),
    (
        "{ vus = 1, duration = '10 parsec' }",
        "unknown unit \"parsec\"",
    ),
    ("{ vus = 1, duration = '-5s' }", "is not a duration"),
    (
        "{ vus = 1, duration = true }",
        "option `duration`: expected a duration",
    ),
    ("{ vus = 0, duration = '1s' }", "option `vus`"),
    ("{ vus = -1, duration = '1s' }", "option `vus`"),
    (
        "{ vus = 1.5, duration = '1s' }",
        "option `vus`: 1.5 is not a whole number",
    ),
    (
        "{ vus = '3', duration = '1s' }",
        "option `vus`: expected a whole number",
    ),
    ("{ vus = 5e9, duration = '1s' }", "option `vus`"),
    (
        "{ vus = 2, iterations = 1 }",
        "option `iterations`: 1 is fewer than the 2 users",
    ),
    ("{ vus = 1, iterations = 0 }", "option `iterations`"),
    (
        "{ executor = 'per-vu-iterations', iterations = 0 }",
        "option `iterations`",
    ),
    ("{ executor = 'ramping-vus' }", "option `stages`"),
    ("{ stages = {} }", "option `stages`"),
    ("{ stages = 5 }", "option `stages`"),
    ("{ stages = { { duration = '1s' } } }", "target"),
    ("{ stages = { { target = 5 } } }", "duration"),
    (
        "{ stages = { { duration = '1s', target = 5, tarket = 6 } } }",
        "tarket",
    ),
    (
        "{ stages = { { duration = 1, target = 5 } } }",
        "has no unit",
    ),
    (
        "{ executor = 'ramping-vus', stages = { { duration = '1s', target = '5/s' } } }",
        "stages",
    ),
    (
        "{ executor = 'ramping-arrival-rate', stages = { { duration = '1s', target = 5 } } }",
        "has no unit; write \"5/s\" or \"5/m\"",
    ),
    ("{ rate = '50/s' }", "option `duration`: is required"),
    (
        "{ rate = 50, duration = '1s' }",
        "has no unit; write \"50/s\" or \"50/m\"",
    ),
    (
        "{ rate = '50', duration = '1s' }",
        "\"50\" has no unit; write \"50/s\" or \"50/m\"",
    ),
    ("{ rate = '50/day', duration = '1s' }", "option `rate`"),
    (
        "{ rate = '0/s', duration = '1s' }",
        "option `rate`: must be more than",
    ),
    (
        "{ rate = '5/s', duration = '1s', max_vus = 0 }",
        "option `max_vus`",
    ),
    (
        "{ rate = '5/s', duration = '1s', vus = 3 }",
        "unknown option `vus`",
    ),
    (
        "{ vuss = 1, duration = '1s' }",
        "unknown option `vuss`; did you mean `vus`?",
    ),
    (
        "{ vus = 1, gracefulStop = '1s' }",
        "did you mean `graceful_stop`?",
    ),
    ("{ vus = 1, graceful_stop = 5 }", "option `graceful_stop`"),
    (
        "{ vus = 1, start_after = 'nobody' }",
        "no scenario is called \"nobody\"",
    ),
    ("{ vus = 1, start_after = 5 }", "option `start_after`"),
    (
        "{ vus = 1, start_after = 's41' }",
        "it would wait for itself",
    ),
    ("{ vus = 1, tags = 'blue' }", "option `tags`"),
    ("{ vus = 1, env = { { 'A' } } }", "option `env`"),
];

#[test]
fn valid_tables_are_understood() {
    let mut script = String::new();
    for (number, (options, _)) in VALID.iter().enumerate() {
        let _ = writeln!(
            script,
            "scenario('s{}', {options}, function() end)",
            number + 1
        );
    }
    let done = Rchaos::check(&script).run().exits(0);
    for (number, (options, text)) in VALID.iter().enumerate() {
        let line = format!("scenario \"s{}\": {text}", number + 1);
        assert!(
            done.stdout.contains(&line),
            "{options}: not {line}\n{}",
            done.all()
        );
    }
}

#[test]
fn every_invalid_table_is_explained_with_its_line() {
    let mut script = String::new();
    for (number, (options, _)) in INVALID.iter().enumerate() {
        let _ = writeln!(
            script,
            "scenario('s{}', {options}, function() end)",
            number + 1
        );
    }
    let done = Rchaos::check(&script).run().exits(3);
    let mut missing = Vec::new();
    for (number, (options, text)) in INVALID.iter().enumerate() {
        let number = number + 1;
        let place = format!("script.lua:{number}: scenario \"s{number}\": ");
        let said = |line: &str| line.contains(&place) && line.contains(text);
        if !done.stderr.lines().any(said) {
            missing.push(format!("{number}: {options}: {text}"));
        }
    }
    assert!(
        missing.is_empty(),
        "not explained: {missing:#?}\n{}",
        done.all()
    );
}

#[test]
fn names_and_arguments_of_scenarios_are_checked() {
    for (script, text) in [
        (
            "scenario('a:b', { vus = 1 }, function() end)",
            "letters, digits",
        ),
        (
            "scenario('', { vus = 1 }, function() end)",
            "letters, digits",
        ),
        ("scenario(5, { vus = 1 }, function() end)", "the name is a"),
        ("scenario('a', { vus = 1 })", "the third argument is a nil"),
        (
            "scenario('a', function() end)",
            "the third argument is a nil",
        ),
        (
            "scenario('a', { vus = 1 }, print)\nscenario('a', { vus = 1 }, print)",
            "declared twice",
        ),
        (
            "scenario('a', { vus = 1 }, function() scenario('b', {}, print) end)",
            "",
        ),
        (
            "options { cpu_limti = '1s' } scenario('a', { vus = 1 }, print)",
            "did you mean `cpu_limit`?",
        ),
        (
            "options { cpu_limit = 1 } scenario('a', { vus = 1 }, print)",
            "no unit",
        ),
        (
            "options {} options {} scenario('a', { vus = 1 }, print)",
            "given twice",
        ),
        ("scenario('a', { vus = 1 }, print) sleep('1ms')", "setup"),
        ("sleep('1ms') scenario('a', { vus = 1 }, print)", "setup"),
    ] {
        let done = Rchaos::new(["run", "script.lua"])
            .file("script.lua", script)
            .run();
        done.exits(3).says(text);
    }
}
