//! Servers that fail, and what a script sees of it: data, never an exception.

use std::time::Duration;

use crate::support::reserved::Refusing;
use crate::support::{Behaviour, Finished, Rchaos, Server};

/// One request in a scenario; prints `@ status error_code body-length has-error`.
fn once(url: &str, options: &str) -> Finished {
    Rchaos::script(&format!(
        "scenario('s', {{ vus = 1 }}, function()
            local r = http.get('{url}', {options})
            print(`@ {{r.status}} {{r.error_code}} {{#r.body}} {{r.error ~= nil}} {{r.ok}} {{tostring(r:json())}}`)
            if r.error then print('@ ' .. r.error) end
        end)"
    ))
    .run()
}

#[test]
fn a_refused_connection_is_data() {
    let refusing = Refusing::new();
    let done = once(&refusing.url(), "nil");
    assert_eq!(done.marks()[0], "0 1212 0 true false nil", "{}", done.all());
    assert!(done.marks()[1].contains("refused"), "{}", done.all());
}

#[test]
fn a_server_that_hangs_meets_the_timeout() {
    let server = Server::start(Behaviour::Hang);
    let done = once(&server.url(), "{ timeout = '300ms' }");
    assert_eq!(done.marks()[0], "0 1050 0 true false nil", "{}", done.all());
    done.took_at_least(Duration::from_millis(300))
        .took_less_than(Duration::from_secs(8));
}

#[test]
fn a_server_that_closes_is_data() {
    for behaviour in [
        Behaviour::CloseAtAccept,
        Behaviour::CloseMidBody,
        Behaviour::Garbage,
    ] {
        let server = Server::start(behaviour.clone());
        let done = once(&server.url(), "nil");
        let marks = done.marks();
        let words: Vec<&str> = marks[0].split(' ').collect();
        assert_eq!(words[0], "0", "{behaviour:?}: {}", done.all());
        assert_ne!(words[1], "0", "{behaviour:?}: {}", done.all());
        assert_eq!(
            words[3..],
            ["true", "false", "nil"],
            "{behaviour:?}: {}",
            done.all()
        );
    }
}

#[test]
fn error_statuses_are_failures_with_their_code() {
    let server = Server::start(Behaviour::Status(404));
    let done = once(&server.url(), "nil").exits(0);
    assert_eq!(done.marks()[0], "404 1404 0 false false nil");
    assert_eq!(done.values("http_req_failed")["rate"], 1.0);
    let expected = once(&server.url(), "{ expected = { 404 } }").exits(0);
    assert_eq!(expected.marks()[0].split(' ').nth(4), Some("true"));
    assert_eq!(expected.values("http_req_failed")["rate"], 0.0);
}

#[test]
fn a_body_that_is_no_text_arrives_whole() {
    let server = Server::start(Behaviour::Body(b"\xff\xfe\x00abc\x80".to_vec()));
    let done = once(&server.url(), "nil").exits(0);
    assert_eq!(done.marks()[0], "200 0 7 false true nil");
}

#[test]
fn a_body_beyond_the_limit_is_refused_and_memory_stays() {
    let server = Server::start(Behaviour::Stream(1 << 30));
    let done = Rchaos::script(&format!(
        "scenario('s', {{ vus = 1 }}, function()
            local r = http.get('{}')
            print(`@ {{r.status}} {{r.error_code ~= 0}} {{#r.body}}`)
        end)",
        server.url()
    ))
    .args(["--memory-limit", "400MiB"])
    .run();
    assert_eq!(done.marks(), ["0 true 0"], "{}", done.all());
}

#[test]
fn a_discarded_body_may_be_large() {
    let server = Server::start(Behaviour::Stream(100 << 20));
    let done = Rchaos::script(&format!(
        "scenario('s', {{ vus = 1 }}, function()
            local r = http.get('{}', {{ discard_body = true }})
            print(`@ {{r.status}} {{r.error_code}} {{#r.body}}`)
        end)",
        server.url()
    ))
    .args(["--memory-limit", "200MiB"])
    .run()
    .exits(0);
    assert_eq!(done.marks(), ["200 0 0"], "{}", done.all());
    assert!(done.count("data_received") >= f64::from(100 << 20));
}

#[test]
fn no_more_sockets_is_said_clearly() {
    let server = Server::start(Behaviour::Slow(Duration::from_millis(500)));
    let done = Rchaos::script(&format!(
        "scenario('s', {{ executor = 'per-vu-iterations', vus = 150 }}, function()
            local r = http.get('{}')
            if r.error then print('@ ' .. r.error_code .. ' ' .. r.error) end
        end)",
        server.url()
    ))
    .open_files(80)
    .run()
    .took_less_than(Duration::from_secs(20));
    for mark in done.marks() {
        assert!(
            mark.contains("too many open files") && mark.contains("ulimit"),
            "{mark}"
        );
    }
    // Where not even a worker's timer could be had, that is what ends the run.
    let code = done.status.code();
    assert!(matches!(code, Some(0 | 3)), "{}", done.all());
    done.says("open files");
}

#[test]
fn twenty_thousand_files_are_the_limit_of_the_system_not_ours() {
    // The limit is not reached here: a run below it must not be kept from working.
    let server = Server::start(Behaviour::Ok);
    let done = Rchaos::script(&format!(
        "scenario('s', {{ executor = 'per-vu-iterations', vus = 300 }}, function() http.get('{}') end)",
        server.url()
    ))
    .open_files(20_000)
    .run()
    .exits(0);
    assert_eq!(done.count("http_reqs"), 300.0);
}

#[test]
fn an_address_that_is_none_is_a_mistake() {
    for url in ["not a url", "http://", "/items", ""] {
        once(url, "nil").exits(3).says("script.lua:2:");
    }
    once("ftp://127.0.0.1/", "nil").says("ftp");
}

#[test]
fn a_host_that_does_not_exist_is_data() {
    let done = once("http://nowhere.invalid/", "{ timeout = '3s' }");
    let marks = done.marks();
    assert!(marks[0].starts_with("0 1"), "{}", done.all());
}

#[test]
fn a_connection_is_reused_by_its_user_only() {
    let server = Server::start(Behaviour::Ok);
    Rchaos::script(&format!(
        "scenario('s', {{ executor = 'per-vu-iterations', vus = 3, iterations = 5 }}, function()
            http.get('{}/')
        end)",
        server.url()
    ))
    .run()
    .exits(0);
    assert_eq!(server.requests().len(), 15);
    assert_eq!(server.connections(), 3);
}
