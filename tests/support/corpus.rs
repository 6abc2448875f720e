//! Scripts that carry their expectations in their first comment lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::Rchaos;
use super::gate;

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a script's first lines say: `-- exit: 5`, `-- stderr: text`, `-- stdout: text`,
/// `-- flags: --seed 1`, `-- env: NAME=VALUE`, `-- stdin: text`, `-- needs: docker`,
/// `-- takes: 120s`.
#[derive(Debug, Default)]
pub struct Header {
    /// The exit code; 0 by default.
    pub exit: i32,
    /// Texts that stderr must have.
    pub stderr: Vec<String>,
    /// Texts that stdout must have.
    pub stdout: Vec<String>,
    /// Arguments after the file.
    pub flags: Vec<String>,
    /// Variables of the process.
    pub env: Vec<(String, String)>,
    /// What the machine must have.
    pub needs: Vec<String>,
    /// How long it may take on a busy machine, where that is longer than the others may.
    pub takes: Option<Duration>,
}

impl Header {
    /// Reads the comment lines at a script's top.
    pub fn read(text: &str) -> Self {
        let mut header = Self::default();
        let comments = text.lines().map_while(|line| line.strip_prefix("--"));
        for (key, value) in comments.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            let words = || value.split_whitespace().map(str::to_owned);
            match key.trim() {
                "exit" => header.exit = value.parse().unwrap_or_else(|_| panic!("exit: {value}")),
                "stderr" => header.stderr.push(value.to_owned()),
                "stdout" => header.stdout.push(value.to_owned()),
                "flags" => header.flags.extend(words()),
                "takes" => {
                    let seconds = value.trim_end_matches('s').parse();
                    let seconds = seconds.unwrap_or_else(|_| panic!("takes: {value}"));
                    header.takes = Some(Duration::from_secs(seconds));
                }
                "needs" => header
                    .needs
                    .extend(words().map(|word| word.replace(',', ""))),
                "env" => {
                    let pair = value.split_once('=').unwrap_or((value, ""));
                    header.env.push((pair.0.to_owned(), pair.1.to_owned()));
                }
                _ => {}
            }
        }
        header
    }
}

/// Every script under a folder, sorted; folders named `lib` hold parts of scripts.
pub fn scripts(folder: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let part = path.file_name().is_some_and(|name| name == "lib");
            if path.is_dir() && !part {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "lua" || end == "luau")
            {
                found.insert(path);
            }
        }
    }
    found.into_iter().collect()
}

/// The folder whose `rchaos.toml` has this script in a suite.
pub fn suite_of(script: &Path) -> Option<&Path> {
    let folder = script.parent()?;
    let project = fs::read_to_string(folder.join("rchaos.toml")).ok()?;
    let name = script.file_name()?.to_str()?;
    project
        .contains(&format!("path = \"{name}\""))
        .then_some(folder)
}

/// Runs scripts two at a time, each from its own folder; returns what was wrong with which.
pub fn run_all(scripts: &[PathBuf], limit: Duration) -> Vec<String> {
    let rest = Mutex::new(scripts.iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(script) = rest.lock().unwrap().next() else {
                        return;
                    };
                    if let Err(text) = run(script, limit) {
                        wrong.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

fn run(script: &Path, limit: Duration) -> Result<(), String> {
    let name = script
        .strip_prefix(root())
        .unwrap_or(script)
        .display()
        .to_string();
    let header = Header::read(&fs::read_to_string(script).unwrap());
    if !header.needs.iter().all(|need| gate::met(need, &name)) {
        return Ok(());
    }
    let mut run = Rchaos::new(["run"])
        .args([script.file_name().unwrap()])
        .args(&header.flags)
        .within(script.parent().unwrap())
        .timeout(limit.max(header.takes.unwrap_or_default()));
    for (variable, value) in &header.env {
        run = run.env(variable, value);
    }
    // A script that hangs is one failure among others, not the end of the list.
    let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.run()))
        .map_err(|_| format!("{name}: still running after {limit:?}"))?;
    let mut problems = Vec::new();
    if finished.status.code() != Some(header.exit) {
        problems.push(format!("the exit code is not {}", header.exit));
    }
    for (stream, got, wanted) in [
        ("stderr", &finished.stderr, &header.stderr),
        ("stdout", &finished.stdout, &header.stdout),
    ] {
        for text in wanted.iter().filter(|text| !got.contains(text.as_str())) {
            problems.push(format!("not on {stream}: {text}"));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{name}: {}\n{}",
        problems.join("; "),
        finished.all()
    ))
}
