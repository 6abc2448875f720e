//! Gamedays that run by themselves.

use std::time::Duration;

use crate::support::{Behaviour, Rchaos, Server};

const SCRIPT: &str = "gameday('cache day', function(g)
    g:phase('brief', function(p)
        print('@ ' .. p:choose('Who leads?', { 'ana', 'bo' }))
        print('@ ' .. tostring(p:confirm('Go on?', { default = false })))
        print('@ ' .. tostring(p:ask('What do you see?', { default = 'nothing' })))
    end)
    g:phase('measure', function(p)
        p:countdown('100ms', 'starting')
        local took = p:wait_mark('page received')
        p:score('time to page', took, { at_most = '20s' })
        p:score('pages', 3, { at_least = 2 })
        p:score('mood', 'good')
        p:note('all fine')
        p:action('write it down', { owner = 'mia' })
        print('@ ' .. p:observe('orders', function() return 42 end))
    end)
    print('@ ' .. g:retro { 'What went well?' }['What went well?'])
end)";

#[test]
fn a_file_answers() {
    let answers = r#"{"Who leads?": 2, "Go on?": true, "page received": "300ms", "What went well?": "the pager"}"#;
    let done = Rchaos::script(SCRIPT)
        .file("answers.json", answers)
        .args(["--answers", "answers.json"])
        .run()
        .exits(0);
    assert_eq!(done.marks(), ["bo", "true", "nothing", "42", "the pager"]);
    let day = &done.summary["gamedays"][0];
    assert_eq!(day["verdict"], "passed", "{day}");
    let phases: Vec<_> = day["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["name"])
        .collect();
    assert_eq!(phases, ["brief", "measure"]);
    let entries = day["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries
        .iter()
        .map(|e| e["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "choose",
            "confirm",
            "ask",
            "countdown",
            "mark",
            "score",
            "score",
            "score",
            "note",
            "action",
            "observe",
            "retro"
        ]
    );
    assert_eq!(entries[0]["by"], "answers");
    assert_eq!(entries[0]["phase"], "brief");
    let scores = day["scores"].as_array().unwrap();
    assert_eq!(scores[0]["ok"], true, "{day}");
    assert_eq!(scores[0]["target"], "at most 20s", "{day}");
    assert_eq!(scores[2]["ok"], serde_json::Value::Null, "{day}");
    assert_eq!(day["actions"][0]["owner"], "mia", "{day}");
}

#[test]
fn yes_answers_what_no_file_does() {
    let done = Rchaos::script(SCRIPT).args(["--yes"]).run().exits(0);
    assert_eq!(done.marks(), ["ana", "false", "nothing", "42", ""]);
}

#[test]
fn without_an_answer_it_ends_and_heals() {
    let server = Server::start(Behaviour::Ok);
    let url = server.url();
    let text = format!(
        "gameday('day', function(g)
            local web = netfault.http_proxy {{ name = 'web', upstream = '{url}' }}
            g:phase('one', function(p)
                p:inject(web:abort {{ status = 503 }}, {{ ttl = '60s', name = 'bad' }})
                pcall(function() p:ask('Who is there?') end)
                print('@ went on')
            end)
        end)"
    );
    let done = Rchaos::script(&text)
        .file("answers.json", "{}")
        .args(["--answers", "answers.json"])
        .timeout(Duration::from_secs(40))
        .run()
        .exits(6)
        .prints("nobody answers \"Who is there?\"");
    assert!(done.marks().is_empty(), "{}", done.all());
    assert!(
        done.summary["faults"][0]["healed_at_ms"].is_u64(),
        "{}",
        done.all()
    );
    assert_eq!(done.summary["gamedays"][0]["verdict"], "aborted");
}

#[test]
fn faults_of_a_phase_end_with_it_and_need_an_end_of_their_own() {
    let server = Server::start(Behaviour::Ok);
    let url = server.url();
    let script = |options: &str| {
        format!(
            "gameday('day', function(g)
                local web = netfault.http_proxy {{ name = 'web', upstream = '{url}' }}
                local live
                g:phase('one', function(p)
                    live = p:inject(web:abort {{ status = 503 }}{options})
                    expect(http.get(web.url).status == 503, 'it acts')
                end)
                expect(not live.active and http.get(web.url).status == 200, 'it is gone')
            end)"
        )
    };
    Rchaos::script(&script(", { ttl = '60s' }"))
        .args(["--yes"])
        .run()
        .exits(0);
    Rchaos::script(&script(""))
        .args(["--yes"])
        .run()
        .exits(3)
        .says("needs an end of its own");
}

#[test]
fn missed_targets_fail() {
    let done = Rchaos::script(
        "gameday('day', function(g) g:score('pages', 1, { at_least = 2 }) print('@ on') end)",
    )
    .args(["--yes"])
    .run()
    .exits(5)
    .prints("target missed: pages");
    assert_eq!(done.marks(), ["on"]);
}

#[test]
fn nobody_there_is_told_before_anything_begins() {
    Rchaos::script(
        "gameday('day', function(g) print('@ on') end) setup(function() print('@ up') end)",
    )
    .run()
    .exits(2)
    .says("use --answers FILE or --yes");
    Rchaos::script("gameday('day', function(g) end)")
        .file("answers.json", "[1]")
        .args(["--answers", "answers.json"])
        .run()
        .exits(2)
        .says("it is no object");
}
