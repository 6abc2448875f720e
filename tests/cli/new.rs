//! `rchaos new`: every template is a script that passes.

use std::path::Path;

use crate::support::{Rchaos, gate};

fn new(folder: &Path, args: &[&str]) -> crate::support::Finished {
    Rchaos::new(["new"]).args(args).within(folder).run()
}

#[test]
fn every_template_runs_green() {
    let list = Rchaos::new(["new", "--list"]).run().exits(0);
    let names: Vec<_> = list
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "load",
            "profile",
            "data",
            "adhoc",
            "experiment",
            "partition",
            "gameday"
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let file = format!("{name}.lua");
        new(folder.path(), &[&file, "--template", name])
            .exits(0)
            .prints(&format!("next: rchaos run {file}"));
        let short: &[&str] = match name {
            "load" | "profile" => &["--duration", "1s"],
            "gameday" => &["--yes"],
            _ => &[],
        };
        if name == "partition" && !gate::met("netns", "every_template_runs_green") {
            Rchaos::new(["check", &file])
                .within(folder.path())
                .run()
                .exits(0);
            continue;
        }
        Rchaos::new(["run", &file])
            .args(short)
            .within(folder.path())
            .run()
            .exits(0);
    }
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.lua"), "-- mine").unwrap();
    new(folder.path(), &["mine.lua"])
        .exits(2)
        .says("error: \"mine.lua\" exists; write another name");
    let text = std::fs::read_to_string(folder.path().join("mine.lua")).unwrap();
    assert_eq!(text, "-- mine");
}

#[test]
fn a_file_or_list_is_needed() {
    Rchaos::new(["new"]).run().exits(2);
    Rchaos::new(["new", "a.lua", "--list"]).run().exits(2);
}
