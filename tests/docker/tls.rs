//! An engine that listens on the network behind certificates, by environment and by a context of the client.

use std::path::Path;
use std::process::{Command, Output};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};

use crate::support::docker::{Container, Engine};
use crate::support::gate;

const URL: &str = "tcp://127.0.0.1:2376";

/// An authority with a server of the name 127.0.0.1 and a client, as engine and client read them.
fn certificates(folder: &Path) {
    let mut authority = CertificateParams::new(vec!["authority".to_owned()]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    write("ca.pem", authority.pem());
    for (who, usage) in [
        ("server-", ExtendedKeyUsagePurpose::ServerAuth),
        ("", ExtendedKeyUsagePurpose::ClientAuth),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let signed = params.signed_by(&key, &authority).unwrap();
        write(&format!("{who}cert.pem"), signed.pem());
        write(&format!("{who}key.pem"), key.serialize_pem());
    }
}

/// Runs a script beside the engine, which nobody outside its namespace reaches.
fn beside(engine: &Engine, script: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.lua"), script).unwrap();
    Command::new("nsenter")
        .arg(format!("--net=/run/netns/{}", engine.namespace))
        .arg(env!("CARGO_BIN_EXE_rchaos"))
        .args(["run", "a.lua"])
        .current_dir(folder.path())
        .env("RCHAOS_STATE_DIR", folder.path().join("state"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn behind_certificates() -> Engine {
    Engine::with(|folder| {
        certificates(folder);
        let file = |name: &str| folder.join(name).display().to_string();
        let paths = [
            ("--tlscacert", "ca.pem"),
            ("--tlscert", "server-cert.pem"),
            ("--tlskey", "server-key.pem"),
        ];
        let mut all = vec!["-H".to_owned(), URL.to_owned(), "--tlsverify".to_owned()];
        all.extend(
            paths
                .iter()
                .flat_map(|(flag, name)| [(*flag).to_owned(), file(name)]),
        );
        all
    })
}

/// A context of the client, which writes it itself, so that its form is the one that it reads.
fn context(folder: &str, settings: &str) {
    let docker =
        format!("host={URL},ca={folder}/ca.pem,cert={folder}/cert.pem,key={folder}/key.pem");
    let made = Command::new("docker")
        .args(["context", "create", "far", "--docker", &docker])
        .env("DOCKER_CONFIG", settings)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

#[test]
fn an_engine_behind_certificates_is_used_by_environment_and_by_context() {
    let test = "an_engine_behind_certificates_is_used_by_environment_and_by_context";
    let needs = ["docker", "dockerd", "root", "netns", "nsenter"];
    if !needs.iter().all(|need| gate::met(need, test)) {
        return;
    }
    let engine = behind_certificates();
    let one = Container::start(Some(&engine.endpoint), "behind", &["--network", "none"]);
    let folder = engine.file("").display().to_string();
    let script = format!(
        r#"
local one = docker.container("{}")
inject(one:pause(), {{ ttl = "20s" }})
expect("paused", one:inspect().status == "paused")
"#,
        one.name
    );
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let by_environment = [
        ("DOCKER_HOST", URL),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_CERT_PATH", &folder),
    ];
    let done = beside(&engine, &script, &by_environment);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(one.state(), "running");

    let settings = tempfile::tempdir().unwrap();
    let settings = settings.path().display().to_string();
    context(&folder, &settings);
    let by_context = [("DOCKER_CONFIG", &*settings), ("DOCKER_CONTEXT", "far")];
    let done = beside(&engine, &script, &by_context);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));

    // Without certificates, and with those of somebody else, nothing is injected.
    let done = beside(&engine, &script, &[("DOCKER_HOST", URL)]);
    assert_eq!(done.status.code(), Some(4), "{}", said(&done));
    assert!(said(&done).contains(URL), "{}", said(&done));
    let others = tempfile::tempdir().unwrap();
    certificates(others.path());
    let others = others.path().display().to_string();
    let wrong = [
        by_environment[0],
        by_environment[1],
        ("DOCKER_CERT_PATH", &others),
    ];
    let done = beside(&engine, &script, &wrong);
    assert_eq!(done.status.code(), Some(4), "{}", said(&done));
    assert!(said(&done).contains(URL), "{}", said(&done));
    let none = [
        by_environment[0],
        by_environment[1],
        ("DOCKER_CERT_PATH", "/nowhere"),
    ];
    let done = beside(&engine, &script, &none);
    assert_eq!(done.status.code(), Some(4), "{}", said(&done));
    assert!(said(&done).contains("/nowhere"), "{}", said(&done));
}
