//! Which scripts a run of a folder is made of, in which order, and what they are called.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::glob;
use crate::base::text::{nearest, quoted};
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::project::{FileEntry, FullEntry, NAME, Project, known_name};

/// A script to run.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// Where it is.
    pub file: PathBuf,
    /// Relative to the folder.
    pub path: String,
    /// Its short name, unique in the run.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Words by which it is selected.
    pub tags: Vec<String>,
    /// Variables for it alone.
    pub env: BTreeMap<String, String>,
}

/// Scripts that are run together.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The suite's name; empty for all files of a folder.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Suites that must have passed before.
    pub needs: Vec<String>,
    /// Hooks that are started before it, by name.
    pub hooks: Vec<String>,
    /// Its scripts.
    pub scripts: Vec<Script>,
}

/// The groups that were asked for: suites by name or tag, else all suites, else all scripts of the folder; with `only`
/// reduced to scripts with these ids or tags.
///
/// # Errors
///
/// A name that is not there; nothing to run.
pub(super) fn select(
    folder: &Path,
    project: Option<&Project>,
    suites: &[String],
    only: &[String],
) -> Result<Vec<Group>, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let own = project.filter(|project| !project.suites.is_empty());
    let mut groups = match own {
        Some(project) => named(project, suites).map_err(usage)?,
        None if suites.is_empty() => vec![everything(folder).map_err(usage)?],
        None => {
            let text = format!("--suite: {} has no {NAME} with suites", folder.display());
            return Err(usage(text));
        }
    };
    if !only.is_empty() {
        reduce(&mut groups, only).map_err(usage)?;
    }
    groups.retain(|group| !group.scripts.is_empty());
    if groups.is_empty() {
        let text = format!("{} has no scripts to run", folder.display());
        return Err(usage(text));
    }
    Ok(groups)
}

/// Suites in the order in which they can be run: what is needed first.
fn named(project: &Project, wanted: &[String]) -> Result<Vec<Group>, String> {
    let mut names: Vec<&String> = Vec::new();
    for name in wanted {
        let tagged: Vec<&String> = project
            .suites
            .iter()
            .filter(|(_, suite)| suite.tags.contains(name))
            .map(|(name, _)| name)
            .collect();
        if tagged.is_empty() {
            known_name("suite", name, project.suites.keys(), "--suite")?;
            names.extend(project.suites.keys().find(|known| *known == name));
        } else {
            names.extend(tagged);
        }
    }
    if wanted.is_empty() {
        // Those that only gather others would run everything twice.
        let whole = project
            .suites
            .iter()
            .filter(|(_, suite)| !suite.files.is_empty());
        names = whole.map(|(name, _)| name).collect();
    }
    let mut order = Order {
        project,
        groups: Vec::new(),
        open: Vec::new(),
    };
    for name in names {
        order.visit(name)?;
    }
    Ok(order.groups)
}

struct Order<'a> {
    project: &'a Project,
    groups: Vec<Group>,
    open: Vec<String>,
}

impl Order<'_> {
    fn visit(&mut self, name: &str) -> Result<(), String> {
        if self.groups.iter().any(|group| group.name == name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            let circle = self.open.join(" -> ");
            return Err(format!("suites need each other: {circle} -> {name}"));
        }
        let Some(suite) = self.project.suites.get(name) else {
            return Ok(());
        };
        self.open.push(name.to_owned());
        for other in suite.needs.iter().chain(&suite.suites) {
            self.visit(other)?;
        }
        self.open.pop();
        let mut scripts = Vec::new();
        for entry in &suite.files {
            scripts.extend(matching(&self.project.folder, entry)?);
        }
        self.groups.push(Group {
            name: name.to_owned(),
            title: suite.title.clone().unwrap_or_else(|| name.to_owned()),
            needs: suite.needs.iter().chain(&suite.suites).cloned().collect(),
            hooks: suite.hooks.clone(),
            scripts,
        });
        Ok(())
    }
}

/// The scripts of an entry, by name.
fn matching(folder: &Path, entry: &FileEntry) -> Result<Vec<Script>, String> {
    let full = match entry {
        FileEntry::Full(full) => full.clone(),
        FileEntry::Path(path) => FullEntry {
            path: path.clone(),
            id: None,
            title: None,
            tags: Vec::new(),
            env: BTreeMap::new(),
        },
    };
    let pattern = full.path.contains(['*', '?']);
    let mut paths = if pattern {
        let all = beneath(folder, true)?;
        all.into_iter()
            .filter(|path| glob::matches(&full.path, path))
            .collect()
    } else {
        vec![full.path.clone()]
    };
    paths.sort();
    if paths.is_empty() {
        return Err(format!("no file is like {}", quoted(&full.path)));
    }
    paths
        .into_iter()
        .map(|path| script(folder, path, &full))
        .collect()
}

fn script(folder: &Path, path: String, entry: &FullEntry) -> Result<Script, String> {
    let file = folder.join(&path);
    let text = std::fs::read_to_string(&file).map_err(|error| {
        format!(
            "cannot read {}: {error}",
            quoted(&file.display().to_string())
        )
    })?;
    let (id, title) = headline(&text);
    let stem = Path::new(&path).file_stem().unwrap_or_default();
    let id = entry.id.clone().or(id);
    Ok(Script {
        id: id.unwrap_or_else(|| stem.to_string_lossy().into_owned()),
        title: entry.title.clone().unwrap_or(title),
        tags: entry.tags.clone(),
        env: entry.env.clone(),
        file,
        path,
    })
}

/// Id and title as a script's first comment says them: `-- TC-01: pub/sub answers`.
pub(super) fn headline(text: &str) -> (Option<String>, String) {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(comment) = first.and_then(|line| line.trim().strip_prefix("--")) else {
        return (None, String::new());
    };
    let comment = comment.trim_start_matches(['-', ' ', '[', '!']).trim();
    let end = comment.find([':', ' ']).unwrap_or(comment.len());
    let word = comment[..end].trim_end_matches(',');
    let is_id = word.contains(|c: char| c.is_ascii_digit())
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !is_id {
        return (None, comment.trim_end_matches('.').to_owned());
    }
    let rest = comment[end..].trim_start_matches([':', ' ', ',']);
    (Some(word.to_owned()), rest.trim_end_matches('.').to_owned())
}

/// All scripts of a folder that say something of their own: not those of `lib`, nor those that begin with `_` or `.`.
fn everything(folder: &Path) -> Result<Group, String> {
    let mut scripts = Vec::new();
    let none = FullEntry {
        path: String::new(),
        id: None,
        title: None,
        tags: Vec::new(),
        env: BTreeMap::new(),
    };
    for path in beneath(folder, false)? {
        scripts.push(script(folder, path, &none)?);
    }
    Ok(Group {
        name: String::new(),
        title: String::new(),
        needs: Vec::new(),
        hooks: Vec::new(),
        scripts,
    })
}

/// Paths of all scripts beneath a folder, sorted; with `hidden` also of those that are only run by name.
fn beneath(folder: &Path, hidden: bool) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(inner) = folders.pop() {
        let here = folder.join(&inner);
        let entries = std::fs::read_dir(&here).map_err(|error| {
            format!(
                "cannot read {}: {error}",
                quoted(&here.display().to_string())
            )
        })?;
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let own = name.starts_with('.') || !hidden && (name.starts_with('_') || name == "lib");
            if own {
                continue;
            }
            let path = if inner.is_empty() {
                name
            } else {
                format!("{inner}/{name}")
            };
            let script = path.ends_with(".lua") || path.ends_with(".luau");
            // A link to a folder could lead back here.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(_) if script => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Keeps scripts whose id, path or tag is wanted.
fn reduce(groups: &mut [Group], only: &[String]) -> Result<(), String> {
    let wanted = |script: &Script, name: &String| {
        script.id.eq_ignore_ascii_case(name) || script.path == *name || script.tags.contains(name)
    };
    let ids: Vec<String> = groups
        .iter()
        .flat_map(|group| &group.scripts)
        .map(|script| script.id.clone())
        .collect();
    for name in only {
        let mut scripts = groups.iter().flat_map(|group| &group.scripts);
        if scripts.any(|script| wanted(script, name)) {
            continue;
        }
        let hint = nearest(name, ids.iter().map(String::as_str)).map_or_else(
            || format!("there are {}", ids.join(", ")),
            |near| format!("did you mean {}?", quoted(near)),
        );
        return Err(format!(
            "--only: no script has the id {}; {hint}",
            quoted(name)
        ));
    }
    for group in groups {
        group
            .scripts
            .retain(|script| only.iter().any(|name| wanted(script, name)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_has_an_id_and_a_title() {
        let of = |text: &str| headline(text);
        let some = |id: &str, title: &str| (Some(id.to_owned()), title.to_owned());
        assert_eq!(
            of("-- TC-01: pub/sub answers.\nx"),
            some("TC-01", "pub/sub answers")
        );
        assert_eq!(
            of("\n--- exp-2 slow network"),
            some("exp-2", "slow network")
        );
        assert_eq!(of("-- Kills a store"), (None, "Kills a store".to_owned()));
        assert_eq!(of("local x"), (None, String::new()));
    }
}
