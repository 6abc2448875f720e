//! Holds the layers: a file imports from rows below its own, or from its own folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows of the architecture, top to bottom.
const ROWS: &[(u8, &[&str])] = &[
    (6, &["cli"]),
    (5, &["engine"]),
    (4, &["modules"]),
    (3, &["script", "agent", "output"]),
    (2, &["fault", "http", "metrics", "demo"]),
    (1, &["docker"]),
    (0, &["base"]),
];

fn row_of(folder: &str) -> Option<u8> {
    ROWS.iter()
        .find(|(_, folders)| folders.contains(&folder))
        .map(|(row, _)| *row)
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every first segment that follows `crate::` in a source text, grouped imports included.
fn imported(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for piece in source.split("crate::").skip(1) {
        if let Some(group) = piece.strip_prefix('{') {
            let group = group.split("};").next().unwrap_or_default();
            names.extend(group.split(',').map(first_word));
        } else {
            names.push(first_word(piece));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn imports_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    files_under(&root, &mut files);
    let mut wrong = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let folder = inside.components().next().unwrap().as_os_str();
        let folder = folder.to_string_lossy().into_owned();
        if inside.components().count() == 1 {
            continue;
        }
        let row = row_of(&folder).unwrap_or_else(|| panic!("src/{folder} is in no row"));
        for name in imported(&fs::read_to_string(&file).unwrap()) {
            let below = row_of(&name).is_some_and(|other| other < row);
            if name != folder && !below {
                wrong
                    .entry(inside.to_path_buf())
                    .or_insert_with(Vec::new)
                    .push(name);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports that do not point down: {wrong:#?}"
    );
}

#[test]
fn files_and_main_stay_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    files_under(&root, &mut files);
    let long: Vec<_> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).unwrap().lines().count()))
        .filter(|(file, lines)| {
            *lines
                >= if file.ends_with("src/main.rs") {
                    60
                } else {
                    400
                }
        })
        .collect();
    assert!(long.is_empty(), "files of 400 lines or more: {long:#?}");
}
