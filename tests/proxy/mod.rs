//! `rchaos proxy` as others see it: its API, an independent client, its traffic, its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::gate;

/// A server on a port of its own, ended with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rchaos"))
            .args(["proxy", "-host", "127.0.0.1", "-port=0"])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split("listening on ")
            .nth(1)
            .unwrap_or_else(|| panic!("{line}"));
        let port = address
            .split(',')
            .next()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap();
        let port = port.trim().parse().unwrap();
        Self { child, port }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, body.to_owned())
    }

    /// Makes a proxy to `upstream`; gives its port.
    fn proxy(&self, name: &str, upstream: &str) -> u16 {
        let body = format!(r#"{{"name":"{name}","listen":"127.0.0.1:0","upstream":"{upstream}"}}"#);
        let (status, body) = self.call("POST", "/proxies", &body);
        assert_eq!(status, 201, "{body}");
        let listen = body.split(r#""listen":"127.0.0.1:"#).nth(1).unwrap();
        listen.split('"').next().unwrap().parse().unwrap()
    }

    fn run(&self, program: &Path, script: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/proxy")
            .join(script);
        let output = Command::new(program)
            .arg(script)
            .arg(self.port.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{errors}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An upstream that sends back what it gets.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut reader, &mut &stream);
                let _ = stream.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    address
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn ping(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let begin = Instant::now();
    stream.write_all(b"ping")?;
    stream.read_exact(&mut [0; 4])?;
    Ok(begin.elapsed())
}

#[test]
fn every_request_is_answered_as_toxiproxy_answers_it() {
    let present = Command::new("python3").arg("--version").output().is_ok();
    if !gate::has("python", "the requests of Toxiproxy's API", present) {
        return;
    }
    Server::start(&[]).run(Path::new("python3"), "api.py");
}

#[test]
fn a_client_written_for_toxiproxy_works() {
    let client = client();
    if !gate::has("pip", "the client toxiproxy-python", client.is_some()) {
        return;
    }
    let python = client.unwrap();
    Server::start(&[]).run(&python, "toxiproxy_client.py");
}

/// A Python that has toxiproxy-python, installed once under the target directory.
fn client() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("toxiproxy-python");
    let python = home.join("bin/python");
    let works = || {
        let check = Command::new(&python)
            .args(["-c", "import toxiproxy"])
            .output();
        check.is_ok_and(|output| output.status.success())
    };
    if works() {
        return Some(python);
    }
    Command::new("python3")
        .args(["-m", "venv"])
        .arg(&home)
        .output()
        .ok()?;
    let package = "toxiproxy-python==0.1.1";
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--timeout",
        "20",
        package,
    ];
    Command::new(&python).args(arguments).output().ok()?;
    works().then_some(python)
}

#[test]
fn a_configuration_makes_its_proxies_and_a_wrong_one_stops_the_start() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("toxiproxy.json");
    let upstream = echo();
    let text = format!(r#"[{{"name":"one","listen":"127.0.0.1:0","upstream":"{upstream}"}}]"#);
    std::fs::write(&file, text).unwrap();
    let server = Server::start(&["-config", file.to_str().unwrap()]);
    assert!(
        server
            .call("GET", "/proxies/one", "")
            .1
            .contains(r#""enabled":true"#)
    );

    std::fs::write(&file, r#"[{"name":"one"}]"#).unwrap();
    let missing = home.path().join("none.json");
    for (file, text) in [
        (&file, "missing required field: upstream at proxy 1"),
        (&missing, "cannot read"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_rchaos"))
            .args(["proxy", "-port", "0", "-config"])
            .arg(file)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(text), "{errors}");
    }
}

#[test]
fn a_taken_port_is_said_and_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_rchaos"))
        .args(["proxy", "--host", "127.0.0.1", "--port", &port])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("address already in use"), "{errors}");
}

#[test]
fn the_counters_count_and_the_routes_exist_only_on_request() {
    let server = Server::start(&["-proxy-metrics", "-runtime-metrics"]);
    let upstream = echo();
    let port = server.proxy("db", &upstream);
    ping(&mut connect(port)).unwrap();
    let lines = [("sent", "downstream"), ("received", "upstream")].map(|(name, direction)| {
        format!(
            "toxiproxy_proxy_{name}_bytes_total{{direction=\"{direction}\",listener=\"127.0.0.1:{port}\",proxy=\"db\",upstream=\"{upstream}\"}} 4\n"
        )
    });
    // Bytes are counted once they are sent: a client may read them first.
    let begin = Instant::now();
    let body = loop {
        let (status, body) = server.call("GET", "/metrics", "");
        assert_eq!(status, 200);
        if lines.iter().all(|line| body.contains(line)) {
            break body;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "{lines:?} in {body}"
        );
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(body.contains("process_resident_memory_bytes "), "{body}");
}

#[test]
fn the_seed_decides_which_connections_are_hit() {
    let upstream = echo();
    let hits = |seed: &str| {
        let server = Server::start(&["-seed", seed]);
        let port = server.proxy("db", &upstream);
        let toxic = r#"{"type":"reset_peer","stream":"upstream","toxicity":0.5}"#;
        assert_eq!(server.call("POST", "/proxies/db/toxics", toxic).0, 200);
        let one = |_| ping(&mut connect(port)).is_err();
        let all: Vec<bool> = (0..40).map(one).collect();
        let faults = server.call("GET", "/faults", "").1;
        let count = all.iter().filter(|hit| **hit).count();
        let shown = format!(r#""connections":40,"drawn":{count},"hit":{count}"#);
        assert!(faults.contains(&shown), "{shown} in {faults}");
        all
    };
    let first = hits("1");
    assert_eq!(first, hits("1"));
    assert_ne!(first, hits("2"));
    assert!(first.contains(&true) && first.contains(&false));
}

#[test]
fn ten_thousand_changes_leave_an_open_connection_working() {
    let server = Server::start(&[]);
    let port = server.proxy("db", &echo());
    let mut open = connect(port);
    let mut api = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    api.set_nodelay(true).unwrap();
    let mut answers = BufReader::new(api.try_clone().unwrap());
    let mut ask = |method: &str, path: &str, body: &str, wanted: &str| {
        let length = body.len();
        write!(
            api,
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let (mut first, mut length) = (String::new(), 0);
        answers.read_line(&mut first).unwrap();
        assert!(first.contains(wanted), "{first}");
        loop {
            let mut line = String::new();
            answers.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        answers.read_exact(&mut vec![0; length]).unwrap();
    };
    let kinds = ["latency", "bandwidth", "slicer", "slow_close", "noop"];
    for round in 0..5_000 {
        let toxic = format!(
            r#"{{"name":"t","type":"{}","attributes":{{"latency":50,"rate":9,"average_size":1}}}}"#,
            kinds[round % kinds.len()]
        );
        ask("POST", "/proxies/db/toxics", &toxic, " 200 ");
        if round % 500 == 0 {
            open.write_all(b"ping").unwrap();
        }
        ask("DELETE", "/proxies/db/toxics/t", "", " 204 ");
        if round % 500 == 0 {
            open.read_exact(&mut [0; 4]).unwrap();
        }
    }
    assert!(ping(&mut open).unwrap() < Duration::from_secs(1));
}

#[test]
fn it_ends_at_once_when_it_is_told_to() {
    let mut server = Server::start(&[]);
    let port = server.proxy("db", &echo());
    let mut open = connect(port);
    ping(&mut open).unwrap();
    let id = server.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let begin = Instant::now();
    assert!(server.child.wait().unwrap().success());
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert_eq!(open.read(&mut [0; 1]).unwrap(), 0);
}
