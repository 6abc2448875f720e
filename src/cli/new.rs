//! `rchaos new`: writes a script to begin with.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::base::text::quoted;

use super::diagnostic::Failure;
use super::exit::Exit;

/// Options of `rchaos new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The script to write; a file that exists is left as it is
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    /// What the script is about
    #[arg(short, long, value_enum, default_value = "load")]
    template: Template,
    /// List the templates and write nothing
    #[arg(long, conflicts_with_all = ["file", "template"])]
    list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Template {
    Load,
    Profile,
    Data,
    Adhoc,
    Experiment,
    Partition,
    Gameday,
}

/// Stands in a template for the name of its data file, within a string.
const DATA_NAME: &str = "@DATA@";

impl Template {
    fn about(self) -> &'static str {
        match self {
            Self::Load => "visitors arrive at a rate; checks and thresholds",
            Self::Profile => "a ready load shape: a smoke test, then a spike",
            Self::Data => "users with data of their own, from a CSV file beside the script",
            Self::Adhoc => "run from top to bottom, once: requests and expectations",
            Self::Experiment => "a fault in a step, under load, and the way back; needs no root",
            Self::Partition => {
                "what is cut off on the network, and answered nevertheless; needs root"
            }
            Self::Gameday => "people are led through a fault: questions, marks, scores",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Load => include_str!("../../stdlib/templates/load.lua"),
            Self::Profile => include_str!("../../stdlib/templates/profile.lua"),
            Self::Data => include_str!("../../stdlib/templates/data.lua"),
            Self::Adhoc => include_str!("../../stdlib/templates/adhoc.lua"),
            Self::Experiment => include_str!("../../stdlib/templates/experiment.lua"),
            Self::Partition => include_str!("../../stdlib/templates/partition.lua"),
            Self::Gameday => include_str!("../../stdlib/templates/gameday.lua"),
        }
    }

    fn data(self) -> Option<&'static str> {
        (self == Self::Data).then_some(include_str!("../../stdlib/templates/data.csv"))
    }
}

/// Writes a script from a template.
///
/// # Errors
///
/// A file exists, or cannot be written; then nothing was written.
pub fn run(args: &NewArgs) -> Result<Exit, Failure> {
    let Some(file) = args.file.as_deref() else {
        list();
        return Ok(Exit::Passed);
    };
    let mut script = args.template.script().to_owned();
    let mut files = Vec::new();
    if let Some(data) = args.template.data() {
        let path = file.with_extension("csv");
        if path == file {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{} is where the data goes; write a name that ends in .lua",
                    shown(file)
                ),
            ));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        script = script.replace(DATA_NAME, &escaped(&name));
        files.push((path, data.to_owned()));
    }
    files.insert(0, (file.to_path_buf(), script));
    write_all(&files)?;
    for (path, _) in &files {
        println!("wrote {}", path.display());
    }
    println!("next: rchaos run {}", file.display());
    Ok(Exit::Passed)
}

fn list() {
    for template in Template::value_variants() {
        if let Some(value) = template.to_possible_value() {
            println!("{:10} {}", value.get_name(), template.about());
        }
    }
}

/// Writes every file or none.
fn write_all(files: &[(PathBuf, String)]) -> Result<(), Failure> {
    let mut written: Vec<&Path> = Vec::new();
    for (path, text) in files {
        let mut created = false;
        // Created only where nothing is: an answer to "does it exist" could be out of date.
        let result = File::create_new(path).and_then(|mut file| {
            created = true;
            file.write_all(text.as_bytes())
        });
        if created {
            written.push(path);
        }
        if let Err(error) = result {
            for path in written {
                // What cannot be removed cannot be helped; the first error is the one to tell.
                let _ = std::fs::remove_file(path);
            }
            let message = match error.kind() {
                ErrorKind::AlreadyExists => {
                    format!("{} exists; write another name", shown(path))
                }
                _ => format!("cannot write {}: {error}", shown(path)),
            };
            return Err(Failure::new(Exit::Usage, message));
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A text as it stands within a Lua string.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(file: &Path, template: Template) -> Result<Exit, Failure> {
        run(&NewArgs {
            file: Some(file.to_path_buf()),
            template,
            list: false,
        })
    }

    #[test]
    fn data_lies_beside_the_script_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        new(&folder.path().join("a \"b\".lua"), Template::Data).unwrap();
        let script = std::fs::read_to_string(folder.path().join("a \"b\".lua")).unwrap();
        assert!(script.contains(r#"data.csv("a \"b\".csv")"#), "{script}");
        assert!(folder.path().join("a \"b\".csv").exists());
    }

    #[test]
    fn nothing_is_written_where_something_is() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a.csv");
        std::fs::write(&data, "mine").unwrap();
        let script = folder.path().join("a.lua");
        let failure = new(&script, Template::Data).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.text.contains("exists"), "{}", failure.text);
        assert!(!script.exists());
        assert_eq!(std::fs::read_to_string(&data).unwrap(), "mine");
        let failure = new(&data, Template::Data).unwrap_err();
        assert!(failure.text.contains(".lua"), "{}", failure.text);
    }
}
