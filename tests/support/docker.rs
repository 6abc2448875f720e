//! Containers of a test's own, seen and made through the client, and engines of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::rollback::within;

/// The image that tests use.
pub const IMAGE: &str = "rchaos/busybox:1";

/// What the client says to a command, or what is wrong.
pub fn docker(endpoint: Option<&str>, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("docker");
    if let Some(endpoint) = endpoint {
        command.args(["-H", endpoint]);
    }
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// A name that no other test has.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("rchaos-test-{}-{what}-{number}", std::process::id())
}

/// A container that goes with the test.
pub struct Container {
    endpoint: Option<String>,
    pub name: String,
}

impl Container {
    /// One that sleeps, with more options of `docker run`.
    pub fn start(endpoint: Option<&str>, what: &str, more: &[&str]) -> Self {
        let container = Self {
            endpoint: endpoint.map(str::to_owned),
            name: unique(what),
        };
        let mut arguments = vec![
            "run",
            "-d",
            "--stop-timeout",
            "1",
            "--name",
            &container.name,
        ];
        arguments.extend(more);
        arguments.extend([IMAGE, "sleep", "3600"]);
        docker(endpoint, &arguments).unwrap();
        container
    }

    /// What the engine says of it, in a template of the client; empty when it is gone.
    pub fn is(&self, template: &str) -> String {
        let arguments = ["inspect", "-f", template, &self.name];
        docker(self.endpoint.as_deref(), &arguments).unwrap_or_default()
    }

    /// Its state: `running`; empty when it is gone.
    pub fn state(&self) -> String {
        self.is("{{.State.Status}}")
    }

    /// The client, on it: `docker VERB … NAME`.
    pub fn client(&self, arguments: &[&str]) -> Result<String, String> {
        let mut all = arguments.to_vec();
        all.push(&self.name);
        docker(self.endpoint.as_deref(), &all)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Volumes without a name are kept by a container that was made anew.
        let volumes = self.is("{{range .Mounts}}{{.Name}} {{end}}");
        let _ = self.client(&["rm", "-f", "-v"]);
        for volume in volumes.split_whitespace() {
            let _ = docker(self.endpoint.as_deref(), &["volume", "rm", volume]);
        }
    }
}

/// An engine of the test's own, in a network namespace of its own.
pub struct Engine {
    pub endpoint: String,
    /// Its network namespace, and its host name.
    pub namespace: String,
    folder: TempDir,
    more: Vec<String>,
    child: Option<Child>,
}

impl Engine {
    /// Starts one, with the image that tests use; `None` with a reason on standard error if none can be.
    pub fn start() -> Self {
        Self::with(|_| Vec::new())
    }

    /// As `start`, with more arguments, which may name files in its folder.
    pub fn with(more: impl FnOnce(&std::path::Path) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let namespace = unique("ns").replace("rchaos-test-", "rct");
        run("ip", &["netns", "add", &namespace]);
        run("ip", &["-n", &namespace, "link", "set", "lo", "up"]);
        let endpoint = format!("unix://{}", folder.path().join("docker.sock").display());
        std::fs::write(folder.path().join("settings.json"), "{}").unwrap();
        let more = more(folder.path());
        let mut engine = Self {
            endpoint,
            namespace,
            folder,
            more,
            child: None,
        };
        engine.resume();
        let saved = engine.folder.path().join("image.tar");
        let saved = saved.display().to_string();
        docker(None, &["save", "-o", &saved, IMAGE]).unwrap();
        docker(Some(&engine.endpoint), &["load", "-i", &saved]).unwrap();
        engine
    }

    /// The address that it has once it is [`Self::linked`].
    pub const ADDRESS: &str = "10.95.0.1";

    /// A cable between two engines.
    pub fn linked(&self, other: &Self) {
        let (ours, theirs) = (&*self.namespace, &*other.namespace);
        let veth = ["link", "add", "cable", "netns", ours, "type", "veth"];
        let peer = ["peer", "name", "cable", "netns", theirs];
        run("ip", &[&veth[..], &peer[..]].concat());
        let ends = [(ours, "10.95.0.1/24"), (theirs, "10.95.0.2/24")];
        for (namespace, address) in ends {
            run(
                "ip",
                &["-n", namespace, "addr", "add", address, "dev", "cable"],
            );
            run("ip", &["-n", namespace, "link", "set", "cable", "up"]);
        }
    }

    /// What the client says to a command that must succeed.
    pub fn client(&self, arguments: &[&str]) -> String {
        docker(Some(&self.endpoint), arguments).unwrap()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it again.
    pub fn resume(&mut self) {
        for _ in 0..5 {
            let log = std::fs::File::create(self.file("log")).unwrap();
            let errors = log.try_clone().unwrap();
            let child = Command::new("nsenter")
                .arg(format!("--net=/run/netns/{}", self.namespace))
                // Nodes of a swarm are known by their host names.
                .args(["unshare", "--uts", "sh", "-c"])
                .args(["hostname \"$0\" && exec \"$@\"", &self.namespace])
                .args(["dockerd", "--storage-driver", "vfs", "-H", &self.endpoint])
                .args(&self.more)
                // Not the machine's own settings, nor its containers.
                .arg("--config-file")
                .arg(self.file("settings.json"))
                .args(["--containerd-namespace", &self.namespace])
                .arg("--containerd-plugins-namespace")
                .arg(format!("{}-plugins", self.namespace))
                .arg("--data-root")
                .arg(self.file("data"))
                .arg("--exec-root")
                .arg(self.file("exec"))
                .arg("--pidfile")
                .arg(self.file("pid"))
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(errors)
                .spawn()
                .unwrap();
            self.child = Some(child);
            let up = || docker(Some(&self.endpoint), &["version"]).is_ok();
            if within(Duration::from_secs(20), up) {
                return;
            }
            // What a killed one left may be in the way: once more.
            self.stop();
        }
        let log = std::fs::read_to_string(self.file("log")).unwrap_or_default();
        panic!("no engine:\n{log}");
    }

    /// Ends it in order.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let pid = i32::try_from(child.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let ended = within(Duration::from_secs(20), || {
            !crate::support::faults::alive(pid.as_raw_nonzero().get())
        });
        if !ended {
            let _ = child.kill();
        }
        let _ = child.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let all = docker(Some(&self.endpoint), &["ps", "-aq"]).unwrap_or_default();
        for id in all.lines() {
            let _ = docker(Some(&self.endpoint), &["rm", "-f", "-v", id]);
        }
        self.stop();
        for name in ["data", "exec/netns"] {
            let _ = Command::new("umount")
                .arg("-R")
                .arg(self.file(name))
                .output();
        }
        let _ = Command::new("umount").arg(self.file("data")).output();
        let _ = Command::new("ip")
            .args(["netns", "del", &self.namespace])
            .output();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
