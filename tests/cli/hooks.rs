//! `setup`, `teardown` and `summary`.

use crate::support::{Behaviour, Rchaos, Server};

const ONE: &str =
    "scenario('s', { vus = 1, iterations = 1 }, function(vu, data) print('@ ran') end)";

#[test]
fn users_get_what_setup_returned_as_their_own_copy() {
    let done = Rchaos::script(
        "setup(function() return { token = 'abc', list = { 1, 2 }, big = 9007199254740993 } end)
        scenario('s', { executor = 'per-vu-iterations', vus = 3, iterations = 2 }, function(vu, data)
            print('@ ' .. data.token .. ' ' .. #data.list)
            local ok, problem = pcall(function() data.token = 'changed' end)
            if ok then print('@ changed') end
            local ok = pcall(function() data.list[1] = 5 end)
            if ok then print('@ changed') end
        end)
        teardown(function(data) print('@ down ' .. data.token) end)",
    )
    .run()
    .exits(0);
    let mut marks = done.marks();
    assert_eq!(marks.pop(), Some("down abc"));
    assert_eq!(marks, ["abc 2"; 6]);
}

#[test]
fn a_setup_without_result_gives_nil() {
    let text = "setup(function() end)
        scenario('s', { vus = 1 }, function(vu, data) print('@ ' .. type(data)) end)";
    assert_eq!(Rchaos::script(text).run().exits(0).marks(), ["nil"]);
}

#[test]
fn setup_runs_before_scenarios_and_teardown_after() {
    let server = Server::start(Behaviour::Ok);
    let text = "local url = env('URL')
        setup(function() http.get(url .. '/up') end)
        teardown(function() http.get(url .. '/down') end)
        scenario('s', { vus = 2, iterations = 4 }, function() http.get(url .. '/run') end)";
    Rchaos::script(text).env("URL", server.url()).run().exits(0);
    let expected = ["/up", "/run", "/run", "/run", "/run", "/down"];
    assert_eq!(server.paths(), expected);
}

#[test]
fn a_setup_that_throws_ends_the_run_before_load() {
    let done = Rchaos::script(&format!(
        "setup(function() error('no database') end)\n{ONE}"
    ))
    .run()
    .exits(3)
    .says("script.lua:1: no database");
    assert!(done.marks().is_empty());
    assert_eq!(done.summary["verdict"], "error");
}

#[test]
fn a_setup_result_that_is_no_data_is_explained() {
    Rchaos::script(&format!(
        "setup(function() return {{ f = print }} end)\n{ONE}"
    ))
    .run()
    .exits(3)
    .says("setup");
}

#[test]
fn a_setup_that_takes_too_long_is_cut_short() {
    Rchaos::script(&format!(
        "options {{ setup_timeout = '200ms' }}\nsetup(function() sleep('60s') end)\n{ONE}"
    ))
    .run()
    .exits(3)
    .says("setup took longer than 200ms");
}

#[test]
fn teardown_runs_after_iterations_that_failed() {
    let done = Rchaos::script(
        "teardown(function() print('@ down') end)
        scenario('s', { vus = 1, iterations = 3 }, function() error('always') end)",
    )
    .run()
    .exits(5);
    assert_eq!(done.marks(), ["down"]);
}

#[test]
fn a_teardown_that_throws_exits_3() {
    Rchaos::script(&format!(
        "teardown(function() error('left over') end)\n{ONE}"
    ))
    .run()
    .exits(3)
    .says("left over");
}

#[test]
fn a_summary_text_replaces_the_end_summary() {
    let done = Rchaos::script(&format!(
        "summary(function(data) return 'verdict ' .. data.verdict .. '\\n' end)\n{ONE}"
    ))
    .run()
    .exits(0);
    assert_eq!(done.stdout, "verdict passed\n");
}

#[test]
fn summary_texts_go_where_they_say() {
    let done = Rchaos::script(&format!(
        "summary(function(data)
            return {{ ['own.txt'] = 'n=' .. data.metrics.iterations.values.count, stdout = 'shown\\n' }}
        end)\n{ONE}"
    ))
    .run()
    .exits(0);
    assert_eq!(done.stdout, "shown\n");
    assert_eq!(done.left("own.txt"), "n=1");
}

#[test]
fn a_throwing_summary_exits_3_and_the_end_summary_is_shown() {
    let done = Rchaos::script(&format!(
        "summary(function() error('bad report') end)\n{ONE}"
    ))
    .run()
    .exits(3)
    .says("bad report")
    .prints("iterations");
    assert_eq!(done.summary["exit_code"], 3);
    assert_eq!(done.summary["verdict"], "error");
}

#[test]
fn a_summary_of_another_type_exits_3() {
    Rchaos::script(&format!("summary(function() return 5 end)\n{ONE}"))
        .run()
        .exits(3)
        .says("summary: returned a");
}

#[test]
fn hooks_without_a_scenario_are_a_mistake() {
    Rchaos::script("setup(function() end)")
        .run()
        .exits(3)
        .says("no scenario");
    Rchaos::script(&format!("setup(1)\n{ONE}"))
        .run()
        .exits(3)
        .says("setup: expected a function");
    Rchaos::script(&format!("setup(print)\nsetup(print)\n{ONE}"))
        .run()
        .exits(3)
        .says("given twice");
}
