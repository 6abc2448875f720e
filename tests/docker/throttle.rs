//! Limits of block I/O: measured by what a container really writes, and read from its control group.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::Rchaos;
use crate::support::docker::{Container, unique};
use crate::support::gate;
use crate::support::rollback::{Faulty, holder_lost};

fn possible(test: &str) -> bool {
    ["docker", "root", "cgroup"]
        .iter()
        .all(|need| gate::met(need, test))
}

/// What the kernel has for a container, of both versions of control groups.
fn limits(container: &Container) -> String {
    let id = container.is("{{.Id}}");
    let files = [
        format!("blkio/docker/{id}/blkio.throttle.write_bps_device"),
        format!("blkio/docker/{id}/blkio.throttle.read_iops_device"),
        format!("docker/{id}/io.max"),
        format!("system.slice/docker-{id}.scope/io.max"),
    ];
    let read = |file: String| std::fs::read_to_string(PathBuf::from("/sys/fs/cgroup").join(file));
    files
        .into_iter()
        .filter_map(|file| read(file).ok())
        .collect()
}

/// How long it takes the container to write so much to its volume.
fn writing(container: &Container, mebibytes: u32) -> Duration {
    let count = format!("count={mebibytes}");
    let begin = Instant::now();
    let dd = [
        "dd",
        "if=/dev/zero",
        "of=/data/file",
        "bs=1M",
        &count,
        "conv=fsync",
    ];
    let endpoint = None;
    let all = [&["exec", &container.name][..], &dd].concat();
    crate::support::docker::docker(endpoint, &all).unwrap();
    begin.elapsed()
}

#[test]
fn a_container_writes_no_faster_than_it_may() {
    let test = "a_container_writes_no_faster_than_it_may";
    if !possible(test) {
        return;
    }
    let volume = unique("throttled");
    let one = Container::start(None, "throttled", &["-v", &format!("{volume}:/data")]);
    let before = limits(&one);
    let script = format!(
        r#"
local one = docker.container("{name}")
inject(one:limit {{ write = "8MB/s" }})
inject(one:limit {{ write = "2MB/s", pids = 100 }})
log.info("faults are live")
sleep("60s")
"#,
        name = one.name
    );
    let faulty = Faulty::script(&script, |rchaos| rchaos);
    // Of several the newest holds.
    let took = writing(&one, 6);
    assert!(took > Duration::from_millis(2500), "6 MiB in {took:?}");
    assert!(limits(&one).contains("2000000"), "{}", limits(&one));
    assert_eq!(one.is("{{.HostConfig.PidsLimit}}"), "100");
    faulty.running.signal(rustix::process::Signal::INT);
    let done = faulty.running.wait();
    assert_eq!(done.status.code(), Some(6), "{}", done.all());
    assert_eq!(limits(&one), before);
    let freed = writing(&one, 6);
    assert!(freed < took / 2, "{freed:?} after {took:?}");

    let script = format!(
        "inject(docker.container(\"{}\"):limit {{ write = \"1MB/s\", device = \"/dev/null\" }})",
        one.name
    );
    let done = Rchaos::script(&script).run();
    assert_eq!(done.status.code(), Some(4), "{}", done.all());
    assert!(
        done.all().contains("/dev/null is no block device"),
        "{}",
        done.all()
    );
}

#[test]
fn limits_of_block_io_are_lifted_whoever_is_lost() {
    let test = "limits_of_block_io_are_lifted_whoever_is_lost";
    if !possible(test) {
        return;
    }
    let one = Container::start(None, "throttled-crash", &["-v", "/data"]);
    let before = limits(&one);
    let body = format!(
        "inject(docker.container(\"{}\"):limit {{ write = \"1MB/s\", read_ops = \"50/s\" }})",
        one.name
    );
    holder_lost(&body, || limits(&one) != before);
}
