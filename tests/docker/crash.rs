//! Parts of a run killed or frozen while faults on containers are live: asserted through the client.

use crate::support::docker::{Container, docker, unique};
use crate::support::gate;
use crate::support::rollback::crash_tests;

fn possible(test: &str) -> bool {
    gate::met("docker", test) && gate::met("root", test)
}

#[test]
fn a_killed_and_a_limited_container_are_as_before() {
    if !possible("a_killed_and_a_limited_container_are_as_before") {
        return;
    }
    let (killed, limited) = (
        Container::start(None, "killed", &[]),
        Container::start(None, "limited", &["--memory", "64m"]),
    );
    let body = format!(
        r#"
inject(docker.container("{}"):kill())
inject(docker.container("{}"):limit {{ cpus = 0.5, memory = "32MiB", pids = 50 }})
"#,
        killed.name, limited.name
    );
    let id = limited.is("{{.Id}}");
    let file = |controller: &str, file: &str| {
        let first = format!("/sys/fs/cgroup/{controller}/docker/{id}/{file}");
        std::fs::read_to_string(first)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    // From the kernel where its control groups are of the first version, else from the engine.
    let live = || {
        let limits = limited.is("{{.HostConfig.CpuQuota}} {{.HostConfig.Memory}}");
        let quota = file("cpu", "cpu.cfs_quota_us");
        let memory = file("memory", "memory.limit_in_bytes");
        killed.state() != "running"
            || limits.starts_with("50000")
            || !limits.ends_with("67108864")
            || quota == "50000"
            || memory == "33554432"
    };
    crash_tests(&body, live);
}

#[test]
fn a_frozen_and_a_disconnected_and_a_broken_container_are_as_before() {
    if !possible("a_frozen_and_a_disconnected_and_a_broken_container_are_as_before") {
        return;
    }
    let (frozen, away, broken) = (
        Container::start(None, "frozen", &[]),
        Container::start(None, "away", &[]),
        Container::start(None, "broken", &[]),
    );
    let body = format!(
        r#"
inject(docker.container("{}"):pause())
inject(docker.container("{}"):disconnect())
inject(docker.container("{}"):custom {{ inject = "touch /broken", undo = "rm -f /broken", check = "test -e /broken" }})
"#,
        frozen.name, away.name, broken.name
    );
    let live = || {
        frozen.state() != "running"
            || away.is("{{len .NetworkSettings.Networks}}") != "1"
            || docker(None, &["exec", &broken.name, "test", "-e", "/broken"]).is_ok()
    };
    crash_tests(&body, live);
}

#[test]
fn a_stopped_and_a_removed_container_are_back() {
    if !possible("a_stopped_and_a_removed_container_are_back") {
        return;
    }
    let (stopped, removed) = (
        Container::start(None, "stopped", &[]),
        Container::start(None, "removed", &["-v", "/data", "-e", "A=b"]),
    );
    let body = format!(
        r#"
inject(docker.container("{}"):stop {{ timeout = "0s" }})
inject(docker.container("{}"):remove())
"#,
        stopped.name, removed.name
    );
    docker(None, &["exec", &removed.name, "touch", "/data/kept"]).unwrap();
    let live = || stopped.state() != "running" || removed.state() != "running";
    crash_tests(&body, live);
    docker(None, &["exec", &removed.name, "test", "-e", "/data/kept"]).unwrap();
    assert!(removed.is("{{.Config.Env}}").contains("A=b"));
}

#[test]
fn a_container_out_of_memory_and_one_that_was_restarted_run() {
    if !possible("a_container_out_of_memory_and_one_that_was_restarted_run") {
        return;
    }
    let (full, restarted) = (
        Container::start(None, "full", &["--memory", "48m"]),
        Container::start(None, "restarted", &[]),
    );
    let body = format!(
        r#"
inject(docker.container("{}"):oom())
inject(docker.container("{}"):restart {{ timeout = "0s" }})
"#,
        full.name, restarted.name
    );
    let live = || full.state() != "running" || restarted.state() != "running";
    crash_tests(&body, live);
}

#[test]
fn what_a_script_made_is_gone() {
    let test = "what_a_script_made_is_gone";
    if !possible(test) || !gate::met("docker-compose", test) {
        return;
    }
    let name = unique("made");
    let compose = "version: \"3\"\nservices:\n  web:\n    image: rchaos/busybox:1\n    command: [\"sleep\", \"600\"]\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    std::fs::write(&file, compose).unwrap();
    let body = format!(
        r#"
local net = docker.network {{ name = "{name}" }}
docker.volume {{ name = "{name}" }}
docker.run {{ name = "{name}", image = "rchaos/busybox:1", cmd = {{ "sleep", "600" }}, network = net, volumes = {{ "{name}:/data" }} }}
docker.compose("{}", {{ project = "{name}" }}):up()
"#,
        file.display()
    );
    let filter = format!("name={name}");
    let live = || {
        let all = [
            docker(None, &["ps", "-aq", "--filter", &filter]),
            docker(None, &["network", "ls", "-q", "--filter", &filter]),
            docker(None, &["volume", "ls", "-q", "--filter", &filter]),
        ];
        all.into_iter().any(|one| !one.unwrap().is_empty())
    };
    crash_tests(&body, live);
}
