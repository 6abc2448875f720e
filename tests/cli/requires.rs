//! `require` of a user's own files.

use crate::support::Rchaos;

#[test]
fn files_are_found_from_the_file_that_asks() {
    let done = Rchaos::script(
        "local cart = require('./lib/cart')
        scenario('s', { vus = 2, iterations = 2 }, function() print('@ ' .. cart.total()) end)",
    )
    .file(
        "lib/cart.lua",
        "local price = require('./deep/price')\nreturn { total = function() return price * 2 end }",
    )
    .file("lib/deep/price.luau", "return 21")
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["42", "42"]);
}

#[test]
fn each_user_has_its_own_instance() {
    let done = Rchaos::script(
        "local counter = require('./counter')
        scenario('s', { executor = 'per-vu-iterations', vus = 2, iterations = 2 }, function()
            counter.n += 1
            print('@ ' .. counter.n)
        end)",
    )
    .file("counter.lua", "return { n = 0 }")
    .run()
    .exits(0);
    let mut marks = done.marks();
    marks.sort_unstable();
    assert_eq!(marks, ["1", "1", "2", "2"]);
}

#[test]
fn a_cycle_is_reported_with_its_chain() {
    Rchaos::script("require('./a')")
        .file("a.lua", "return require('./b')")
        .file("b.lua", "return require('./a')")
        .run()
        .exits(3)
        .says("a.lua → b.lua → a.lua");
}

#[test]
fn a_missing_file_says_what_was_tried() {
    Rchaos::script("\nlocal x = require('./nope')")
        .run()
        .exits(3)
        .says("script.lua:2:")
        .says("nope.lua");
}

#[test]
fn an_error_inside_a_required_file_names_that_file() {
    Rchaos::script("require('./broken')")
        .file("broken.lua", "\n\nlocal x = = 1")
        .run()
        .exits(3)
        .says("broken.lua:3:");
    Rchaos::script(
        "local helper = require('./helper')
        scenario('s', { vus = 1 }, function() helper.fail() end)",
    )
    .file(
        "helper.lua",
        "return { fail = function()\n  error('deep')\nend }",
    )
    .run()
    .exits(5)
    .prints("helper.lua:2");
}

#[test]
fn the_stdlib_is_there() {
    Rchaos::check(
        "for _, name in { 'smoke', 'load', 'stress', 'soak', 'spike', 'breakpoint' } do
            scenario(name, profiles[name] { duration = '10s' }, function() end)
        end",
    )
    .run()
    .exits(0)
    .prints("scenario \"smoke\": constant-arrival-rate: 5/s for 10s")
    .prints("scenario \"breakpoint\": ramping-arrival-rate");
    Rchaos::check("scenario('s', profiles.smoke { rat = '5/s' }, function() end)")
        .run()
        .exits(3)
        .says("unknown option \"rat\"");
}
