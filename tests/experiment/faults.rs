//! Experiments with faults on a proxy: found, healed, and counted.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Behaviour, Finished, Rchaos, Server};

/// A script whose load goes through a proxy in front of a server that always answers.
fn script(server: &Server, experiment: &str) -> String {
    let url = server.url();
    format!(
        "local front = 'http://127.0.0.1:' .. env('PORT')
        scenario('browse', {{ vus = 2, duration = '10m' }}, function()
            http.get(front .. '/shop', {{ timeout = '2s' }}) sleep('20ms')
        end)
        experiment('outage', function(x)
            local web = netfault.http_proxy {{ name = 'web', listen = '127.0.0.1:' .. env('PORT'), upstream = '{url}' }}
            x:steady_state('pages are served', function(probe)
                probe:http('front', front .. '/probe', {{ within = '2s' }})
            end)
            {experiment}
        end)"
    )
}

fn run(server: &Server, experiment: &str) -> Finished {
    run_with(server, "", experiment)
}

/// As `run`, with declarations before the rest.
fn run_with(server: &Server, declarations: &str, experiment: &str) -> Finished {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let text = format!("{declarations}\n{}", script(server, experiment));
    Rchaos::script(&text)
        .args(["--env", &format!("PORT={port}")])
        .timeout(Duration::from_secs(60))
        .run()
}

fn experiment(done: &Finished) -> &Value {
    &done.summary["experiments"][0]
}

#[test]
fn an_outage_is_detected_healed_and_its_cost_is_counted() {
    let server = Server::start(Behaviour::Ok);
    let done = run(
        &server,
        "x:load('browse')
        x:sleep('900ms')
        x:step('answer 503', function(s)
            local live = s:inject(web:abort { status = 503 }, { name = 'bad gateway' })
            s:sleep('1500ms')
            s:expect('it is live', function() return live.active end)
        end)
        x:recovers { within = '20s', stable_for = '1s' }",
    );
    let done = done.exits(0);
    let summary = &done.summary;
    let found = experiment(&done);
    assert_eq!(found["verdict"], "passed", "{found}");
    assert_eq!(found["steady_state"]["before"]["ok"], true, "{found}");
    let during = &found["steady_state"]["during"];
    assert_eq!(during["ok"], false, "{found}");
    assert_eq!(during["probes"][0]["value"], "status 503", "{found}");
    assert_eq!(found["steady_state"]["after"]["ok"], true, "{found}");
    let detected = found["time_to_detect_ms"].as_u64().unwrap();
    assert!(detected < 3000, "{detected}");
    let recovered = found["time_to_recover_ms"].as_u64().unwrap();
    assert!(recovered < 3000, "{recovered}");
    let budget = &found["error_budget"][0];
    assert_eq!(budget["fault"], "bad gateway", "{found}");
    let (failed, of) = (
        budget["failed"].as_u64().unwrap(),
        budget["requests"].as_u64().unwrap(),
    );
    assert!(failed > 10 && failed <= of, "{budget}");
    let load = found["load"].as_array().unwrap();
    let errors = load
        .iter()
        .find(|one| one["metric"] == "http_req_failed rate")
        .unwrap();
    assert_eq!(errors["before"], 0.0, "{errors}");
    assert!(errors["during"].as_f64().unwrap() > 0.9, "{errors}");
    assert!(errors["after"].as_f64().unwrap() < 0.2, "{errors}");
    let fault = &summary["faults"][0];
    assert_eq!(fault["outcome"], "healed", "{fault}");
    let kinds: Vec<_> = summary["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].as_str().unwrap())
        .collect();
    for kind in ["experiment", "step", "probe", "fault", "heal", "recover"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn samples_that_overlap_a_fault_carry_it() {
    let server = Server::start(Behaviour::Ok);
    let thresholds = "options { thresholds = {
        ['http_req_failed{fault:bad}'] = 'rate > 80%',
        ['http_reqs{fault:bad}'] = 'count > 5',
        ['iterations{fault:slow}'] = 'count > 5',
        ['checks{fault:slow}'] = 'rate > 50%',
        ['http_reqs{fault:another}'] = 'count == 0',
        faults_active = 'value == 0',
    } }";
    let body = "x:load('browse')
        x:step('two at once', function(s)
            s:inject(web:abort { status = 503 }, { name = 'bad' })
            s:inject(web:delay { delay = '5ms' }, { name = 'slow' })
            s:sleep('800ms')
            check(nil, { ['during'] = true })
        end)";
    let done = run_with(&server, thresholds, body).exits(0);
    assert_eq!(done.values("faults_active")["max"], 2.0, "{}", done.all());
    let budget = done.summary["experiments"][0]["error_budget"]
        .as_array()
        .unwrap();
    let names: Vec<_> = budget
        .iter()
        .map(|one| one["fault"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bad", "slow"]);
}

#[test]
fn a_breach_heals_within_a_second_and_fails_the_experiment() {
    let server = Server::start(Behaviour::Ok);
    let done = run(
        &server,
        "x:guard { every = '200ms', tolerate = 1 }
        x:step('answer 503', function(s)
            s:inject(web:abort { status = 503 }, { name = 'bad' })
            pcall(function() s:sleep('40s') end)
            print('@ went on')
        end)",
    );
    let done = done.exits(5).took_less_than(Duration::from_secs(30));
    assert!(done.marks().is_empty(), "{}", done.all());
    let found = experiment(&done);
    assert_eq!(found["verdict"], "failed", "{found}");
    let reason = found["reasons"][0].as_str().unwrap();
    assert!(
        reason.starts_with("guard: front: got status 503"),
        "{reason}"
    );
    assert_eq!(found["steps"][0]["ok"], false, "{found}");
    assert!(found["time_to_recover_ms"].is_u64(), "{found}");
    let summary = &done.summary;
    let events = summary["timeline"].as_array().unwrap();
    let at = |start: &str| {
        let found = events
            .iter()
            .find(|e| e["text"].as_str().unwrap().starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {events:?}"))["at_ms"]
            .as_u64()
            .unwrap()
    };
    let healed = summary["faults"][0]["healed_at_ms"].as_u64().unwrap();
    let breach = at("breach, healing");
    assert!(healed.saturating_sub(breach) <= 1000, "{breach} {healed}");
    assert!(at("tolerated") < breach);
}

#[test]
fn a_system_that_does_not_come_back_fails() {
    let server = Server::start(Behaviour::Ok);
    let done = run(
        &server,
        "inject(web:abort { status = 503 }, { name = 'stays' })
        pcall(function() x:recovers { within = '1s' } end)",
    );
    // A fault that is still live is a mistake here.
    done.exits(3).says("a fault is still live");
}
