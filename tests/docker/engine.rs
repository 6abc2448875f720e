//! An engine that ends and starts again while faults are live.

use std::time::Duration;

use crate::support::docker::{Container, Engine};
use crate::support::gate;
use crate::support::rollback::{Faulty, within};

#[test]
fn faults_are_healed_through_an_engine_that_was_started_again() {
    let test = "faults_are_healed_through_an_engine_that_was_started_again";
    let needs = ["docker", "dockerd", "root", "netns", "nsenter"];
    if !needs.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let mut engine = Engine::start();
    let endpoint = engine.endpoint.clone();
    let killed = Container::start(Some(&endpoint), "killed", &["--network", "none"]);
    let always = ["--network", "none", "--restart", "always"];
    let limited = Container::start(Some(&endpoint), "limited", &always);
    let script = format!(
        r#"
inject(docker.container("{}"):kill())
inject(docker.container("{}"):limit {{ cpus = 0.5 }})
log.info("faults are live")
sleep("60s")
"#,
        killed.name, limited.name
    );
    let faulty = Faulty::script(&script, |rchaos| rchaos.env("DOCKER_HOST", &endpoint));
    assert_eq!(killed.state(), "exited");
    engine.stop();
    // The run ends while nobody answers: healing waits.
    faulty.running.signal(rustix::process::Signal::INT);
    std::thread::sleep(Duration::from_secs(2));
    engine.resume();
    let done = faulty.running.wait();
    assert_eq!(done.status.code(), Some(6), "{}", done.all());
    assert_eq!(killed.state(), "running");
    let back = || limited.is("{{.HostConfig.CpuQuota}}") != "50000";
    assert!(within(Duration::from_secs(1), back));
    drop((killed, limited));
}
