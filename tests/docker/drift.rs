//! What somebody else does to a container while a fault is live: reported, never overwritten.

use std::process::Command;
use std::time::Duration;

use crate::support::Rchaos;
use crate::support::docker::{Container, docker};
use crate::support::gate;
use crate::support::rollback::{Faulty, within};

#[test]
fn limits_that_somebody_else_has_set_stay() {
    if !gate::met("docker", "limits_that_somebody_else_has_set_stay") {
        return;
    }
    let one = Container::start(None, "drift", &[]);
    let script = format!(
        r#"
inject(docker.container("{}"):limit {{ pids = 50 }})
log.info("faults are live")
sleep("60s")
"#,
        one.name
    );
    let faulty = Faulty::script(&script, |rchaos| rchaos);
    one.client(&["update", "--pids-limit", "77"]).unwrap();
    // Seen while the run goes on, or when it ends.
    faulty.running.signal(rustix::process::Signal::INT);
    let done = faulty.running.wait();
    assert_eq!(done.status.code(), Some(7), "{}", done.all());
    assert!(
        done.all().contains("somebody else has set"),
        "{}",
        done.all()
    );
    assert_eq!(one.is("{{.HostConfig.PidsLimit}}"), "77");
}

#[test]
fn a_container_that_is_gone_takes_its_faults_along() {
    if !gate::met("docker", "a_container_that_is_gone_takes_its_faults_along") {
        return;
    }
    let one = Container::start(None, "gone", &[]);
    let script = format!(
        r#"
local live = inject(docker.container("{}"):pause())
log.info("faults are live")
eventually("it is noticed", function() return not live.active end, {{ within = "20s" }})
"#,
        one.name
    );
    let faulty = Faulty::script(&script, |rchaos| rchaos);
    one.client(&["rm", "-f"]).unwrap();
    let done = faulty.running.wait();
    assert_eq!(done.status.code(), Some(0), "{}", done.all());
}

#[test]
fn a_second_run_is_refused_what_the_first_holds() {
    if !gate::met("docker", "a_second_run_is_refused_what_the_first_holds") {
        return;
    }
    let one = Container::start(None, "two-runs", &[]);
    let inject = format!("inject(docker.container(\"{}\"):pause())", one.name);
    let faulty = Faulty::start(&inject);
    let done = Rchaos::script(&inject)
        .env("RCHAOS_STATE_DIR", faulty.state())
        .run();
    assert_eq!(done.status.code(), Some(4), "{}", done.all());
    assert_eq!(one.state(), "paused");
}

#[test]
fn an_engine_that_refuses_us_is_a_precondition() {
    let test = "an_engine_that_refuses_us_is_a_precondition";
    if !gate::met("docker", test) || !gate::met("root", test) || !gate::met("setpriv", test) {
        return;
    }
    // Another user sees neither the project's folder nor this one's home.
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let program = folder.path().join("rchaos");
    std::fs::copy(env!("CARGO_BIN_EXE_rchaos"), &program).unwrap();
    std::fs::write(
        folder.path().join("a.lua"),
        "inject(docker.container(\"web\"):kill())",
    )
    .unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let done = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["run", "a.lua"])
        .current_dir(folder.path())
        .env("DOCKER_HOST", "unix:///var/run/docker.sock")
        .env("RCHAOS_STATE_DIR", folder.path().join("state"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(4), "{said}");
    assert!(
        said.contains("no right to use the container engine at unix:///var/run/docker.sock"),
        "{said}"
    );
}

#[test]
fn a_container_that_its_policy_has_started_again_is_left_alone() {
    let test = "a_container_that_its_policy_has_started_again_is_left_alone";
    if !gate::met("docker", test) || !gate::met("root", test) {
        return;
    }
    let one = Container::start(None, "policy", &["--restart", "always"]);
    let script = format!(
        "local live = inject(docker.container(\"{}\"):kill(\"SIGKILL\", {{ crash = true }}))\nsleep(\"3s\")\nlive:heal()",
        one.name
    );
    let done = Rchaos::script(&script).run();
    assert_eq!(done.status.code(), Some(0), "{}", done.all());
    assert_eq!(one.state(), "running");
    assert_eq!(one.is("{{.RestartCount}}"), "1");
    let all = docker(
        None,
        &["ps", "-q", "--filter", &format!("name={}", one.name)],
    );
    assert!(within(Duration::from_secs(1), || all
        .as_ref()
        .is_ok_and(|ids| ids.lines().count() == 1)));
}
