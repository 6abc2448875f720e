//! Services and nodes of a swarm of the test's own: asserted through the client.

use std::time::Duration;

use crate::support::Rchaos;
use crate::support::docker::{Engine, IMAGE, docker};
use crate::support::gate;
use crate::support::rollback::{Faulty, LOSSES, Part, holder_lost, one_loss, within};

pub const NEEDS: [&str; 5] = ["docker", "dockerd", "root", "netns", "nsenter"];

/// An engine that is a swarm of its own, with a service of three tasks.
pub fn swarm() -> Engine {
    let engine = Engine::start();
    let on = |arguments: &[&str]| docker(Some(&engine.endpoint), arguments).unwrap();
    on(&[
        "swarm",
        "init",
        "--advertise-addr",
        "127.0.0.1",
        "--listen-addr",
        "127.0.0.1",
    ]);
    on(&[
        "service",
        "create",
        "--detach",
        "--no-resolve-image",
        "--name",
        "web",
        "--replicas",
        "3",
        "--stop-grace-period",
        "1s",
        "--update-parallelism",
        "0",
        "--rollback-parallelism",
        "0",
        "--update-monitor",
        "1s",
        "--rollback-monitor",
        "1s",
        IMAGE,
        "sleep",
        "3600",
    ]);
    engine
}

/// Each change of a service, and a node that is drained.
const CHANGES: &str = r#"
local web = docker.service("web")
web:wait_converged { within = "60s" }
local more = inject(web:scale(5))
web:wait_converged { within = "60s" }
expect("five run", web:inspect().running == 5)
more:heal()
web:wait_converged { within = "60s" }
expect("three again", web:inspect().replicas == 3 and #docker.services() == 1)

local limit = inject(web:limit { memory = "64MiB", cpus = 0.5 })
web:wait_converged { within = "60s" }
expect("limited", web:inspect().memory == 64 * 2 ^ 20 and web:inspect().cpus == 0.5)
local one = docker.containers { service = "web", pick = "one" }
expect("its task is", one:inspect().cpus == 0.5 and one:inspect().memory == 64 * 2 ^ 20)
limit:heal()
web:wait_converged { within = "60s" }
expect("not now", web:inspect().memory == nil and web:inspect().cpus == nil)

local update = inject(web:update { image = "rchaos/busybox:2" })
web:wait_converged { within = "60s" }
expect("another image", web:tasks()[1].image == "rchaos/busybox:2")
update:heal()
expect("as it was", web:inspect().image == "rchaos/busybox:1")
web:wait_converged { within = "60s" }

-- What the swarm has of the time before its last update is the other image.
local back = inject(web:rollback())
web:wait_converged { within = "60s" }
expect("rolled back", web:tasks()[1].image == "rchaos/busybox:2")
back:heal()
web:wait_converged { within = "60s" }
expect("as it was before that", web:inspect().image == "rchaos/busybox:1")

local before = web:tasks()[1].id
inject(web:restart())
web:wait_converged { within = "60s" }
expect("other tasks", web:tasks()[1].id ~= before)

local node = docker.nodes()[1]
expect("the leader", node.leader and node.role == "manager" and node.status == "ready")
local drain = inject(docker.node(node.name):drain())
eventually("nothing runs", function() return web:inspect().running == 0 end, { within = "60s" })
drain:heal()
expect("as before", docker.node(node.name):inspect().availability == "active")
web:wait_converged { within = "60s" }

-- A task that is killed is replaced, and not started beside its replacement.
local victim = docker.containers { service = "web", pick = "one" }
inject(victim:kill()):heal()
-- The swarm takes a while to notice, and until then all is as it wants it.
eventually("three run", function() return #docker.containers { service = "web" }:list() == 3 end, { within = "60s" })
"#;

#[test]
fn services_and_nodes_are_changed_and_put_back() {
    let test = "services_and_nodes_are_changed_and_put_back";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let engine = swarm();
    engine.client(&["tag", IMAGE, "rchaos/busybox:2"]);
    let done = Rchaos::script(CHANGES)
        .env("DOCKER_HOST", &engine.endpoint)
        .timeout(Duration::from_secs(180))
        .run();
    assert_eq!(done.status.code(), Some(0), "{}", done.all());
    let replicas = [
        "service",
        "inspect",
        "-f",
        "{{.Spec.Mode.Replicated.Replicas}}",
        "web",
    ];
    assert_eq!(docker(Some(&engine.endpoint), &replicas).unwrap(), "3");
}

#[test]
fn a_drained_node_and_a_scaled_service_are_as_before_whoever_is_lost() {
    let test = "a_drained_node_and_a_scaled_service_are_as_before_whoever_is_lost";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let engine = swarm();
    let on = |arguments: &[&str]| docker(Some(&engine.endpoint), arguments).unwrap();
    let live = || {
        on(&[
            "service",
            "inspect",
            "-f",
            "{{.Spec.Mode.Replicated.Replicas}}",
            "web",
        ]) != "3"
            || on(&["node", "inspect", "-f", "{{.Spec.Availability}}", "self"]) != "active"
    };
    let body = format!(
        "local at = {{ engine = \"{}\" }}\ninject(docker.service(\"web\", at):scale(1))\n\
         inject(docker.node(docker.nodes(at)[1].name, at):drain())",
        engine.endpoint
    );
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::STOP] {
        for loss in LOSSES {
            one_loss(&body, &live, loss, signal);
        }
    }
    // All that an update changed, and not only what it is asked for.
    on(&[
        "service",
        "update",
        "--detach",
        "--env-add",
        "LEVEL=5",
        "web",
    ]);
    let env = "{{.Spec.TaskTemplate.ContainerSpec.Env}}";
    let live = || on(&["service", "inspect", "-f", env, "web"]) != "[LEVEL=5]";
    let body = format!(
        "inject(docker.service(\"web\", {{ engine = \"{}\" }}):rollback())",
        engine.endpoint
    );
    holder_lost(&body, live);
}

/// A manager and a worker, with four tasks.
fn two_nodes() -> (Engine, Engine) {
    let (first, second) = (Engine::start(), Engine::start());
    first.linked(&second);
    let address = [
        "--advertise-addr",
        Engine::ADDRESS,
        "--listen-addr",
        Engine::ADDRESS,
    ];
    first.client(&[&["swarm", "init"][..], &address].concat());
    let token = first.client(&["swarm", "join-token", "-q", "worker"]);
    second.client(&[
        "swarm",
        "join",
        "--token",
        &token,
        "--advertise-addr",
        "10.95.0.2",
        &format!("{}:2377", Engine::ADDRESS),
    ]);
    first.client(&[
        "service",
        "create",
        "--detach",
        "--no-resolve-image",
        "--name",
        "web",
        "--replicas",
        "4",
        "--stop-grace-period",
        "1s",
        IMAGE,
        "sleep",
        "3600",
    ]);
    (first, second)
}

/// What the swarm has been told of a node.
fn spec(manager: &Engine, node: &str, field: &str) -> String {
    let template = format!("{{{{.Spec.{field}}}}}");
    manager.client(&["node", "inspect", "-f", &template, node])
}

#[test]
fn tasks_leave_a_node_that_is_drained() {
    let test = "tasks_leave_a_node_that_is_drained";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let (first, second) = two_nodes();
    let running = |engine: &Engine| engine.client(&["ps", "-q"]).lines().count();
    assert!(within(Duration::from_secs(30), || running(&first) == 2
        && running(&second) == 2));

    let name = &second.namespace;
    let script = format!(
        r#"
local node, web = docker.node("{name}"), docker.service("web")
expect("a worker", node:inspect().role == "worker" and node:inspect().reachability == nil)
inject(node:drain())
eventually("all tasks are elsewhere", function()
    for _, task in web:tasks() do
        if task.desired == "running" and (task.node == "{name}" or task.state ~= "running") then return false end
    end
    return true
end, {{ within = "40s" }})
log.info("faults are live")
sleep("60s")
"#
    );
    let at = |rchaos: Rchaos| rchaos.env("DOCKER_HOST", &first.endpoint);
    let faulty = Faulty::script(&script, at);
    assert!(within(Duration::from_secs(10), || running(&first) == 4
        && running(&second) == 0));
    faulty.running.signal(rustix::process::Signal::INT);
    let done = faulty.running.wait();
    assert_eq!(done.status.code(), Some(6), "{}", done.all());
    assert_eq!(spec(&first, name, "Availability"), "active");
}

#[test]
fn a_node_is_promoted_and_demoted_and_what_it_was_again() {
    let test = "a_node_is_promoted_and_demoted_and_what_it_was_again";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let (first, second) = two_nodes();
    let name = &second.namespace;
    let at = |rchaos: Rchaos| rchaos.env("DOCKER_HOST", &first.endpoint);
    let manages = || second.client(&["info", "-f", "{{.Swarm.ControlAvailable}}"]) == "true";
    let body = format!(
        "inject(docker.node(\"{name}\", {{ engine = \"{}\" }}):promote())",
        first.endpoint
    );
    let live = || spec(&first, name, "Role") == "manager";
    one_loss(&body, &live, &[Part::Worker], rustix::process::Signal::KILL);
    let gone = || within(Duration::from_secs(60), || !manages());
    assert!(gone());

    // By hand this time. A node that was a manager a moment ago takes long to become one again, whoever asks.
    // The client reads and writes once, and the swarm may have written in between.
    let promoted = || docker(Some(&first.endpoint), &["node", "promote", name]).is_ok();
    assert!(within(Duration::from_secs(10), promoted));
    assert!(within(Duration::from_secs(90), manages));
    // The one that is asked cannot be demoted: nobody could make it a manager again.
    let demote = format!("inject(docker.node(\"{}\"):demote())", first.namespace);
    let done = at(Rchaos::script(&demote)).run();
    assert_eq!(done.status.code(), Some(4), "{}", done.all());
    assert!(
        done.all().contains("the one that is asked"),
        "{}",
        done.all()
    );

    let body = format!(
        "inject(docker.node(\"{name}\", {{ engine = \"{}\" }}):demote())",
        first.endpoint
    );
    let live = || spec(&first, name, "Role") == "worker";
    one_loss(&body, &live, &[Part::Worker], rustix::process::Signal::STOP);
}
