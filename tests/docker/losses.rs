//! Secrets, configs, networks and definitions of a swarm that are lost, and put back: asserted through the client.

use std::time::Duration;

use super::swarm::{NEEDS, swarm};
use crate::support::Rchaos;
use crate::support::docker::{Container, Engine, IMAGE, docker, unique};
use crate::support::gate;
use crate::support::rollback::{crash_tests, holder_lost};

/// Not to be found in any file that rchaos leaves.
const HUSH: &str = "correct-horse-battery";

/// A swarm whose service has a secret, a config and a network, and a container on that network.
fn stocked(folder: &std::path::Path) -> Engine {
    let engine = swarm();
    std::fs::write(folder.join("secret"), HUSH).unwrap();
    std::fs::write(folder.join("config"), "level = 3\n").unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let on = |arguments: &[&str]| docker(Some(&engine.endpoint), arguments).unwrap();
    on(&[
        "secret",
        "create",
        "--label",
        "a=b",
        "password",
        &file("secret"),
    ]);
    on(&[
        "config",
        "create",
        "--label",
        "c=d",
        "settings",
        &file("config"),
    ]);
    on(&[
        "network",
        "create",
        "-d",
        "overlay",
        "--attachable",
        "--subnet",
        "10.94.0.0/24",
        "back",
    ]);
    on(&[
        "service",
        "create",
        "--detach",
        "--no-resolve-image",
        "--name",
        "app",
        "--endpoint-mode",
        "dnsrr",
        "--stop-grace-period",
        "1s",
        "--secret",
        "source=password,target=/run/pw,mode=0400",
        "--config",
        "source=settings,target=/etc/app.conf",
        "--network",
        "name=back,alias=api",
        "--env",
        "LEVEL=5",
        "--limit-memory",
        "64m",
        IMAGE,
        "sh",
        "-c",
        "while true; do sleep 1; done",
    ]);
    engine
}

/// All that the swarm keeps of it, but for ids and times.
fn kept(engine: &Engine) -> String {
    let on = |arguments: &[&str]| docker(Some(&engine.endpoint), arguments).unwrap_or_default();
    let service = "{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}} {{json .File}} {{end}}\
        {{range .Spec.TaskTemplate.ContainerSpec.Configs}}{{.ConfigName}} {{json .File}} {{end}}\
        {{range .Spec.TaskTemplate.Networks}}{{json .Aliases}}{{end}} {{json .Spec.EndpointSpec}}\
        {{json .Spec.TaskTemplate.Resources.Limits}} {{.Spec.TaskTemplate.ContainerSpec.Env}}";
    [
        on(&["service", "inspect", "-f", service, "app"]),
        on(&[
            "secret",
            "inspect",
            "-f",
            "{{json .Spec.Labels}}",
            "password",
        ]),
        on(&[
            "config",
            "inspect",
            "-f",
            "{{json .Spec.Labels}} {{json .Spec.Data}}",
            "settings",
        ]),
        on(&[
            "network",
            "inspect",
            "-f",
            "{{json .IPAM.Config}} {{.Attachable}} {{.Driver}} {{.Scope}}",
            "back",
        ]),
    ]
    .join("\n")
}

/// Each loss, what tasks see of it, and that it is over. The secret is in a file.
fn losses(file: &std::path::Path) -> String {
    format!(
        r#"
local app = docker.service("app")
app:wait_converged {{ within = "60s" }}
local function reads(file)
    local list = docker.containers {{ service = "app", allow_empty = true }}:list()
    return #list == 1 and list[1]:exec({{ "cat", file }}).stdout or nil
end
local secret, config, net = docker.secret("password"), docker.config("settings"), docker.network("back")
expect("it is there", reads("/run/pw") == "{HUSH}" and reads("/etc/app.conf") == "level = 3\n")
expect("read", secret:inspect().labels.a == "b" and secret:inspect().services[1] == "app" and secret:inspect().data == nil)
expect("told", config:inspect().data == "level = 3\n" and #docker.configs() == 1 and #docker.secrets() == 1)
expect("its own", app:inspect().secrets[1] == "password" and app:inspect().networks[1] == "back")

local live = inject(secret:detach())
eventually("tasks have none", function() return reads("/run/pw") == "" end, {{ within = "40s" }})
expect("it is kept", #docker.secrets() == 1)
live:heal()
eventually("they have it", function() return reads("/run/pw") == "{HUSH}" end, {{ within = "40s" }})

live = inject(secret:remove {{ file = "{secret}" }})
local other = inject(config:remove())
expect("both are gone", #docker.secrets() == 0 and #docker.configs() == 0)
live:heal()
other:heal()
eventually("they have both", function()
    return reads("/run/pw") == "{HUSH}" and reads("/etc/app.conf") == "level = 3\n"
end, {{ within = "40s" }})

live = inject(net:remove())
expect("no such network", #app:inspect().networks == 0)
live:heal()
expect("it is back", app:inspect().networks[1] == "back")
app:wait_converged {{ within = "60s" }}

live = inject(app:remove())
eventually("nobody runs", function()
    return #docker.containers {{ service = "app", allow_empty = true }}:list() == 0
end, {{ within = "40s" }})
live:heal()
app:wait_converged {{ within = "60s" }}
expect("it works again", reads("/run/pw") == "{HUSH}")

local made = docker.secret {{ name = "made", data = "{HUSH}" }}
expect("made", made:inspect().name == "made")
"#,
        secret = file.display()
    )
}

#[test]
fn what_services_need_is_lost_and_restored() {
    let test = "what_services_need_is_lost_and_restored";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = stocked(folder.path());
    let before = kept(&engine);
    let script = losses(&folder.path().join("secret"));
    let done = Rchaos::script(&script)
        .env("DOCKER_HOST", &engine.endpoint)
        .timeout(Duration::from_secs(240))
        .run();
    assert_eq!(done.status.code(), Some(0), "{}", done.all());
    assert_eq!(kept(&engine), before);
    let secrets = docker(
        Some(&engine.endpoint),
        &["secret", "ls", "--format", "{{.Name}}"],
    );
    assert_eq!(secrets.unwrap(), "password");
}

#[test]
fn no_secret_reaches_the_journal() {
    let test = "no_secret_reaches_the_journal";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = stocked(folder.path());
    let body = format!(
        "local at = {{ engine = \"{}\" }}\n\
         docker.secret {{ name = \"made\", data = \"{HUSH}\", engine = at.engine }}\n\
         inject(docker.secret(\"password\", at):remove {{ file = \"{}\" }})",
        engine.endpoint,
        folder.path().join("secret").display()
    );
    let faulty = crate::support::rollback::Faulty::with(&body, |rchaos| rchaos.args(["-v"]));
    let encoded = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";
    let mut seen = 0;
    let mut folders = vec![std::path::PathBuf::from(faulty.state())];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default())
                .into_owned();
            assert!(
                !text.contains(HUSH) && !text.contains(encoded),
                "{:?}: {text}",
                entry.path()
            );
            seen += usize::from(text.contains("docker.secret_loss"));
        }
    }
    assert!(seen > 0, "no journal was read");
    faulty.running.signal(rustix::process::Signal::INT);
    let done = faulty.running.wait();
    assert_eq!(done.status.code(), Some(6), "{}", done.all());
    assert!(
        !done.all().contains(HUSH) && !done.all().contains(encoded),
        "{}",
        done.all()
    );
    let secrets = docker(
        Some(&engine.endpoint),
        &["secret", "ls", "--format", "{{.Name}}"],
    );
    assert_eq!(secrets.unwrap(), "password");
}

#[test]
fn what_services_need_is_back_whoever_is_lost() {
    let test = "what_services_need_is_back_whoever_is_lost";
    if !NEEDS.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = stocked(folder.path());
    let before = kept(&engine);
    let body = format!(
        "local at = {{ engine = \"{}\" }}\n\
         inject(docker.secret(\"password\", at):remove {{ file = \"{}\" }})\n\
         inject(docker.config(\"settings\", at):remove())\n\
         inject(docker.network(\"back\", at):detach())\n\
         inject(docker.service(\"web\", at):remove())",
        engine.endpoint,
        folder.path().join("secret").display()
    );
    let on = |arguments: &[&str]| docker(Some(&engine.endpoint), arguments).unwrap_or_default();
    let live = || {
        kept(&engine) != before
            || !on(&["service", "ls", "--format", "{{.Name}} {{.Image}}"]).contains("web")
    };
    holder_lost(&body, live);

    // The other way about: what was removed is taken away only, and what was taken away is removed.
    let body = format!(
        "local at = {{ engine = \"{}\" }}\n\
         inject(docker.secret(\"password\", at):detach())\n\
         inject(docker.config(\"settings\", at):detach())\n\
         inject(docker.network(\"back\", at):remove())",
        engine.endpoint
    );
    holder_lost(&body, || kept(&engine) != before);
}

/// A network, and how two containers are on it.
fn on_network(name: &str, one: &Container, stopped: &Container) -> [String; 3] {
    let template = "{{.IPAM.Config}} {{.Labels}}";
    let network = docker(None, &["network", "inspect", "-f", template, name]);
    let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Aliases}}{{end}}";
    let networks = "{{len .NetworkSettings.Networks}}";
    [
        network.unwrap_or_default(),
        one.is(address),
        stopped.is(networks),
    ]
}

#[test]
fn a_network_is_back_with_all_that_were_on_it_whoever_is_lost() {
    let test = "a_network_is_back_with_all_that_were_on_it_whoever_is_lost";
    if !gate::met("docker", test) {
        return;
    }
    let name = unique("lost-net");
    let _network = Network(name.clone());
    docker(
        None,
        &[
            "network",
            "create",
            "--subnet",
            "10.96.7.0/24",
            "--label",
            "a=b",
            &name,
        ],
    )
    .unwrap();
    let (one, stopped) = (
        Container::start(
            None,
            "on-net",
            &[
                "--network",
                &name,
                "--ip",
                "10.96.7.9",
                "--network-alias",
                "api",
            ],
        ),
        Container::start(None, "off-net", &["--network", &name]),
    );
    stopped.client(&["kill"]).unwrap();
    let is = || on_network(&name, &one, &stopped);
    let before = is();
    assert!(before[1].starts_with("10.96.7.9"), "{before:?}");
    let body = format!("inject(docker.network(\"{name}\"):remove())");
    crash_tests(&body, || is() != before);
    stopped.client(&["start"]).unwrap();
}

/// A network that goes with the test, after the containers on it.
struct Network(String);

impl Drop for Network {
    fn drop(&mut self) {
        let _ = docker(None, &["network", "rm", &self.0]);
    }
}
