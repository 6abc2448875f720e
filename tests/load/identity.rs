//! Who runs an iteration: ids, numbers, variables, tags, state.

use std::collections::BTreeSet;

use crate::support::Rchaos;

#[test]
fn ids_and_iterations_start_at_1_and_are_unique() {
    let done = Rchaos::script(
        "local note = function(vu) sleep('2ms') print('@ ' .. vu.scenario .. ' ' .. vu.id .. ' ' .. vu.iteration) end
        scenario('each', { executor = 'per-vu-iterations', vus = 3, iterations = 4 }, note)
        scenario('shared', { vus = 3, iterations = 12 }, note)
        scenario('open', { rate = '100/s', duration = '300ms', max_vus = 4 }, note)",
    )
    .run();
    let marks = done.marks();
    let unique: BTreeSet<_> = marks.iter().collect();
    assert_eq!(unique.len(), marks.len(), "{}", done.all());
    let mut owners: BTreeSet<(u64, &str)> = BTreeSet::new();
    let mut iterations = BTreeSet::new();
    for mark in &marks {
        let words: Vec<&str> = mark.split(' ').collect();
        owners.insert((words[1].parse().unwrap(), words[0]));
        iterations.insert(words[2].parse::<u64>().unwrap());
    }
    let ids: BTreeSet<u64> = owners.iter().map(|(id, _)| *id).collect();
    assert_eq!(
        ids.len(),
        owners.len(),
        "an id is in two scenarios: {owners:?}"
    );
    assert_eq!(ids.first(), Some(&1));
    assert_eq!(iterations.first(), Some(&1));
}

#[test]
fn a_scenario_has_its_own_variables() {
    let done = Rchaos::script(
        "local who = function(vu) print('@ ' .. vu.scenario .. ' ' .. tostring(env('WHO'))) end
        scenario('a', { vus = 1, env = { WHO = 'own' } }, who)
        scenario('b', { vus = 1, start_after = 'a' }, who)",
    )
    .args(["--env", "WHO=run"])
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["a own", "b run"]);
}

#[test]
fn tags_select_samples() {
    Rchaos::script(
        "local hits = metrics.counter('hits')
        options { tags = { stage = 'night' }, thresholds = {
            ['hits{team:blue}'] = 'count == 2',
            ['hits{team:red}'] = 'count == 3',
            ['hits{scenario:red}'] = 'count == 3',
            ['hits{stage:night}'] = 'count == 5',
            ['hits{kind:odd}'] = 'count == 2',
            ['hits{team:red,kind:odd}'] = 'count == 0',
            ['iterations{team:blue}'] = 'count == 2',
        } }
        scenario('blue', { executor = 'per-vu-iterations', vus = 2, tags = { team = 'blue' } },
            function() hits:add(1, { kind = 'odd' }) end)
        scenario('red', { vus = 1, iterations = 3, tags = { team = 'red' } }, function() hits:add(1) end)",
    )
    .run()
    .exits(0);
}

#[test]
fn users_share_no_globals() {
    let done = Rchaos::script(
        "mine = 0
        scenario('s', { executor = 'per-vu-iterations', vus = 3, iterations = 2 }, function()
            mine += 1
            print('@ ' .. mine)
        end)",
    )
    .run()
    .exits(0);
    let mut marks = done.marks();
    marks.sort_unstable();
    assert_eq!(marks, ["1", "1", "1", "2", "2", "2"]);
}

#[test]
fn groups_and_checks_are_counted() {
    let done = Rchaos::script(
        "options { thresholds = {
            checks = 'rate == 75%', ['checks{check:yes}'] = 'rate == 100%', ['checks{group:pay::card}'] = 'rate < 100%',
        } }
        scenario('s', { vus = 1, iterations = 4 }, function(vu)
            check(vu, { yes = true })
            group('pay', function() group('card', function()
                check(vu, { ['is even'] = function(v) return v.iteration % 2 == 0 end })
            end) end)
        end)",
    )
    .run()
    .exits(0)
    .prints("pay › card › is even");
    let checks = done.summary["checks"].as_array().unwrap();
    let find = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(
        (&find("yes")["passes"], &find("yes")["fails"]),
        (&4.into(), &0.into())
    );
    let even = find("is even");
    assert_eq!((&even["passes"], &even["fails"]), (&2.into(), &2.into()));
    assert_eq!(even["group"], "pay › card");
}
