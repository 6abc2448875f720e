//! `rchaos watch`: real edits, on plain streams and in a terminal.

mod faults;
mod plain;
mod terminal;

use std::fs;
use std::path::Path;

use rustix::process::Pid;

/// Runs until it is interrupted, and says in which version it began and that it tore down.
const SCRIPT: &str = r#"
local part = require("./part")
local rows = data.lines("rows.txt")
setup(function() print("@ up VERSION " .. part.version .. " " .. rows[1]) end)
teardown(function() print("@ down") end)
scenario("s", { vus = 1, duration = "5m" }, function() sleep("10ms") end)
"#;

/// A folder with a script that requires a module and reads a file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "s1");
    part(folder.path(), "p1");
    fs::write(folder.path().join("rows.txt"), "r1\n").unwrap();
    folder
}

fn script(folder: &Path, version: &str) {
    fs::write(folder.join("a.lua"), SCRIPT.replace("VERSION", version)).unwrap();
}

fn part(folder: &Path, version: &str) {
    let text = format!("return {{ version = \"{version}\" }}");
    fs::write(folder.join("part.lua"), text).unwrap();
}

/// Replaces a file as editors do that write beside it and rename.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("tmp~");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// The processes of a command of the program that work in a folder.
pub fn processes(folder: &Path, command: &str) -> Vec<Pid> {
    let folder = folder.canonicalize().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let is_it = line.contains("rchaos") && line.split('\0').any(|word| word == command);
        if is_it && fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder) {
            found.extend(Pid::from_raw(id));
        }
    }
    found
}
