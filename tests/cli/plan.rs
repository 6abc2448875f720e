//! `rchaos plan`: what a run would touch, without touching it.

use std::process::{Child, Command};

use crate::support::Rchaos;

/// A process that is ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }

    fn stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('T')
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn script(pid: u32) -> String {
    format!(
        "scenario('load', {{ vus = 1, duration = '1h' }}, function() end)
        experiment('frozen', function(x)
            x:steady_state('up', function(probe) probe:http('h', 'http://127.0.0.1:9/') end)
            x:guard {{ every = '1s' }}
            x:load('load')
            x:sleep('1h')
            x:step('freeze it', function(s)
                s:inject(process.find {{ pid = {pid} }}:pause(), {{ ttl = '30s', name = 'frozen' }})
                s:sleep('1h')
                s:expect('never', function() return false end)
                s:eventually('never', function() return false end)
            end)
            x:step('ask first', function(s)
                http.get('http://127.0.0.1:9/')
                s:inject(process.find {{ pid = {pid} }}:pause(), {{ name = 'not reached' }})
            end)
            x:recovers {{ within = '1h' }}
        end)
        gameday('day', function(g)
            g:phase('one', function(p)
                if p:confirm('Go on?') then
                    p:countdown('1h')
                    p:inject(process.find {{ pid = {pid} }}:pause(), {{ ttl = '1m', name = 'again' }})
                end
            end)
        end)"
    )
}

#[test]
fn faults_are_looked_up_and_nothing_is_touched() {
    let sleeper = Sleeper::start();
    let pid = sleeper.0.id();
    let done = Rchaos::new(["plan", "script.lua", "--json"])
        .file("script.lua", script(pid))
        .run()
        .exits(0);
    assert!(!sleeper.stopped());
    let plan: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let faults = plan["faults"].as_array().unwrap();
    let names: Vec<_> = faults.iter().map(|fault| &fault["name"]).collect();
    assert_eq!(names, ["frozen", "again"], "{plan}");
    assert_eq!(faults[0]["scope"], "step \"freeze it\"", "{plan}");
    assert_eq!(faults[0]["ttl_seconds"], 30.0, "{plan}");
    assert_eq!(faults[0]["tier"], "journal", "{plan}");
    assert_eq!(faults[0]["ready"], true, "{plan}");
    assert!(
        faults[0]["targets"][0]
            .as_str()
            .unwrap()
            .contains(&pid.to_string()),
        "{plan}"
    );
    let stops = plan["not_known"].as_array().unwrap();
    assert_eq!(stops.len(), 1, "{plan}");
    let stop = stops[0].as_str().unwrap();
    assert!(stop.contains("step \"ask first\" calls http.get"), "{stop}");
    assert!(stop.starts_with("script.lua:14"), "{stop}");
    assert_eq!(plan["experiments"][0], "frozen");
    assert_eq!(plan["gamedays"][0], "day");
}

#[test]
fn what_is_missing_is_told_with_exit_code_4() {
    let text = "inject(process.find { name = 'no-such-process' }:pause(), { ttl = '9s' })
        sleep('1h')
        http.get('http://127.0.0.1:9/')
        inject(process.find { name = 'another' }:pause())";
    Rchaos::new(["plan", "script.lua"])
        .file("script.lua", text)
        .run()
        .exits(4)
        .prints("script.lua: 1 fault")
        .prints("missing")
        .prints("no-such-process")
        .prints("script.lua:3: the script calls http.get, which reaches outside");
}

#[test]
fn a_dry_run_plays_everything_and_touches_nothing() {
    let sleeper = Sleeper::start();
    let pid = sleeper.0.id();
    let text = format!(
        "experiment('e', function(x)
            x:steady_state('fine', function(probe) probe:fn('yes', function() return true end) end)
            x:step('freeze', function(s)
                local live = s:inject(process.find {{ pid = {pid} }}:pause())
                print('@ ' .. tostring(live.active))
                live:update(process.find {{ pid = {pid} }}:pause())
            end)
        end)"
    );
    let done = Rchaos::script(&text).args(["--dry-run"]).run().exits(0);
    assert_eq!(done.marks(), ["true"]);
    assert!(!sleeper.stopped());
    assert_eq!(
        done.summary["faults"][0]["outcome"],
        "dry_run",
        "{}",
        done.all()
    );
}
