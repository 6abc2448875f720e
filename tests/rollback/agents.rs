//! Agents started through other commands, and as another user than the controller.

use std::process::Command;

use super::Victim;
use crate::support::rollback::{Faulty, PROMISE, Part, within};
use crate::support::{Rchaos, gate};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_rchaos");

#[test]
fn an_agent_is_started_through_any_command() {
    let victim = Victim::start();
    let body = format!(
        "options {{ agents = {{ db1 = {{ command = {{ 'env', 'X=1', '{PROGRAM}', 'agent' }} }} }} }}\n\
         inject(process.find{{ pid = {}, host = host('db1') }}:pause())",
        victim.pid()
    );
    let faulty = Faulty::start(&body);
    assert!(victim.stopped());
    faulty.signal(&[Part::Worker], rustix::process::Signal::KILL);
    assert!(within(PROMISE, || !victim.stopped()));
    let done = faulty.running.wait().exits(6);
    assert_eq!(done.summary["faults"][0]["agent"], "db1", "{}", done.all());
}

#[test]
fn the_command_line_names_agents_too() {
    let victim = Victim::start();
    let agent = format!("local=env X=1 {PROGRAM} agent");
    let state = tempfile::tempdir().unwrap();
    Rchaos::script(&format!("{}\nexpect(true)", victim.pause()))
        .args(["--agent", &agent])
        .env("RCHAOS_STATE_DIR", state.path().display().to_string())
        .run()
        .exits(0);
}

#[test]
fn an_agent_behind_a_banner_works_and_one_that_is_none_is_named() {
    let state = tempfile::tempdir().unwrap();
    let victim = Victim::start();
    let run = |command: &str| {
        let text = format!(
            "options {{ agents = {{ db1 = {{ command = {command} }} }} }}\n\
             inject(process.find{{ pid = {}, host = host('db1') }}:pause())",
            victim.pid()
        );
        Rchaos::script(&text)
            .env("RCHAOS_STATE_DIR", state.path().display().to_string())
            .run()
    };
    run(&format!(
        "{{ 'sh', '-c', 'echo Welcome to db1; exec {PROGRAM} agent \"$@\"', 'sh' }}"
    ))
    .exits(0);
    let missing = run("{ '/no/such/program' }").exits(4);
    assert!(
        missing.stderr.contains("/no/such/program"),
        "{}",
        missing.all()
    );
    let ends = run("{ 'false' }").exits(4);
    assert!(ends.stderr.contains("exit code 1"), "{}", ends.all());
    let misspelt = Rchaos::script(
        "options { agents = { db1 = { command = { 'true' } } } }\nlocal h = host('db2')",
    )
    .run()
    .exits(3);
    assert!(
        misspelt.stderr.contains("did you mean \"db1\"?"),
        "{}",
        misspelt.all()
    );
}

#[test]
fn an_unprivileged_controller_uses_a_root_agent() {
    let test = "an_unprivileged_controller_uses_a_root_agent";
    if !gate::met("root", test) || !gate::met("setpriv", test) {
        return;
    }
    // The agent is root's through a wrapper that keeps the rights (as sudo would give them), and
    // the controller gives its own up first.
    let victim = Victim::start();
    let state = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(home.path(), open).unwrap();
    let fifo = home.path().join("agent.sock");
    RootAgent::serve(&fifo, &state);
    let script = home.path().join("script.lua");
    let connect = format!(
        "options {{ agents = {{ root = {{ command = {{ 'python3', '-c', [[{BRIDGE}]], '{}' }} }} }} }}\n\
         inject(process.find{{ pid = {}, host = host('root') }}:pause())\n",
        fifo.display(),
        victim.pid()
    );
    std::fs::write(&script, connect).unwrap();
    let done = Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            PROGRAM,
            "run",
        ])
        .arg(&script)
        .env("RCHAOS_STATE_DIR", home.path().join("own"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{text}");
    assert!(!victim.stopped());
}

/// What the controller starts: copies its streams to a socket behind which root's agent is.
const BRIDGE: &str = "import os,socket,sys,threading
s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])
def up():
    while True:
        d=os.read(0,65536)
        if not d: s.shutdown(1); return
        s.sendall(d)
threading.Thread(target=up,daemon=True).start()
while True:
    d=s.recv(65536)
    if not d: break
    os.write(1,d)";

/// Serves one agent of root behind a socket, as sshd would.
struct RootAgent;

impl RootAgent {
    fn serve(path: &std::path::Path, state: &tempfile::TempDir) {
        let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, open).unwrap();
        let state = state.path().to_path_buf();
        std::thread::spawn(move || {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            let input: std::os::fd::OwnedFd = stream.try_clone().unwrap().into();
            let output: std::os::fd::OwnedFd = stream.into();
            let _ = Command::new(PROGRAM)
                .arg("agent")
                .env("RCHAOS_STATE_DIR", state)
                .stdin(input)
                .stdout(output)
                .status();
        });
    }
}

#[test]
fn an_agent_is_started_through_nsenter() {
    let test = "an_agent_is_started_through_nsenter";
    if !gate::met("root", test) || !gate::met("nsenter", test) {
        return;
    }
    let victim = Victim::start();
    let own = std::process::id();
    let body = format!(
        "options {{ agents = {{ here = {{ command = {{ 'nsenter', '-t', '{own}', '-m', '-n', '{PROGRAM}', 'agent' }} }} }} }}\n\
         inject(process.find{{ pid = {}, host = host('here') }}:pause())",
        victim.pid()
    );
    let faulty = Faulty::start(&body);
    assert!(victim.stopped());
    faulty.signal(&[Part::Controller], rustix::process::Signal::KILL);
    assert!(within(PROMISE, || !victim.stopped()));
}

/// A container that has this program and what it links, and a process to disturb.
struct Container(String);

impl Container {
    fn start() -> Self {
        let name = format!("rchaos-test-agent-{}", std::process::id());
        let root = tempfile::tempdir().unwrap();
        let script = format!(
            "set -e
             cd '{root}'; mkdir -p bin tmp proc etc
             cp /bin/busybox bin/busybox; ln -s busybox bin/sh; ln -s busybox bin/sleep
             cp '{PROGRAM}' bin/rchaos
             ldd '{PROGRAM}' | grep -o '/[^ ]*' | while read -r one; do
                 mkdir -p \".$(dirname \"$one\")\"; cp -L \"$one\" \".$one\"
             done
             tar -c . | docker import - '{name}' >/dev/null
             docker run -d --init --name '{name}' --network none '{name}' /bin/sleep 600 >/dev/null",
            root = root.path().display()
        );
        let done = Command::new("sh").args(["-c", &script]).output().unwrap();
        let container = Self(name);
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        container
    }

    /// The state of its sleeping process, as the host sees it.
    fn state(&self) -> Option<char> {
        let top = Command::new("docker")
            .args(["top", &self.0, "-eo", "pid,stat,comm"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&top.stdout).into_owned();
        let line = text
            .lines()
            .find(|line| line.trim_end().ends_with("sleep"))?;
        line.split_whitespace().nth(1)?.chars().next()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        for words in [["rm", "-f"], ["rmi", "-f"]] {
            let _ = Command::new("docker").args(words).arg(&self.0).output();
        }
    }
}

#[test]
fn an_agent_works_inside_a_container() {
    let test = "an_agent_works_inside_a_container";
    if !gate::met("docker", test) || !gate::met("busybox", test) {
        return;
    }
    let container = Container::start();
    let body = format!(
        "options {{ agents = {{ box = {{ command = {{ 'docker', 'exec', '-i', '{}', '/bin/rchaos', 'agent' }} }} }} }}\n\
         inject(process.find{{ name = 'sleep', host = host('box') }}:pause())",
        container.0
    );
    let faulty = Faulty::start(&body);
    assert_eq!(container.state(), Some('T'));
    faulty.running.signal(rustix::process::Signal::INT);
    assert!(within(PROMISE, || container.state() == Some('S')));
    let done = faulty.running.wait().exits(6);
    assert_eq!(
        done.summary["faults"][0]["outcome"],
        "healed",
        "{}",
        done.all()
    );
}
