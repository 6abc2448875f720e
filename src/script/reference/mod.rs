//! What scripts can call, from the definition files: documentation, and stubs for editors.

mod luals;
mod parse;
mod show;
mod token;
mod types;

pub use luals::luals;
pub use parse::Declaration;
pub use show::{Shape, entry, overview, page};
pub use types::{Field, Function, Key, Parameter, Type};

/// Every definition file by name, the globals first: the one source of all documentation.
pub const DEFINITIONS: &[(&str, &str)] = &[
    (
        "globals",
        include_str!("../../../stdlib/types/globals.d.luau"),
    ),
    ("data", include_str!("../../../stdlib/types/data.d.luau")),
    ("demo", include_str!("../../../stdlib/types/demo.d.luau")),
    (
        "docker",
        include_str!("../../../stdlib/types/docker.d.luau"),
    ),
    ("http", include_str!("../../../stdlib/types/http.d.luau")),
    ("json", include_str!("../../../stdlib/types/json.d.luau")),
    ("log", include_str!("../../../stdlib/types/log.d.luau")),
    (
        "metrics",
        include_str!("../../../stdlib/types/metrics.d.luau"),
    ),
    (
        "netfault",
        include_str!("../../../stdlib/types/netfault.d.luau"),
    ),
    (
        "proxies",
        include_str!("../../../stdlib/types/proxies.d.luau"),
    ),
    (
        "process",
        include_str!("../../../stdlib/types/process.d.luau"),
    ),
    (
        "prometheus",
        include_str!("../../../stdlib/types/prometheus.d.luau"),
    ),
    (
        "stress",
        include_str!("../../../stdlib/types/stress.d.luau"),
    ),
    ("cases", include_str!("../../../stdlib/types/cases.d.luau")),
    (
        "dashboards",
        include_str!("../../../stdlib/types/dashboards.d.luau"),
    ),
    ("etcd", include_str!("../../../stdlib/types/etcd.d.luau")),
    (
        "integrity",
        include_str!("../../../stdlib/types/integrity.d.luau"),
    ),
    (
        "postgres",
        include_str!("../../../stdlib/types/postgres.d.luau"),
    ),
    ("redis", include_str!("../../../stdlib/types/redis.d.luau")),
    (
        "resilience",
        include_str!("../../../stdlib/types/resilience.d.luau"),
    ),
    ("trial", include_str!("../../../stdlib/types/trial.d.luau")),
];

/// All definition files, read.
#[derive(Debug)]
pub struct Reference {
    /// In the order of [`DEFINITIONS`].
    pub files: Vec<File>,
}

/// A definition file.
#[derive(Debug)]
pub struct File {
    /// Its name, that of its module: `http`.
    pub name: &'static str,
    /// What it says of itself.
    pub about: String,
    /// What it declares, in order.
    pub declarations: Vec<Declaration>,
}

/// Something that has documentation of its own.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// How scripts write it: `http.get`, `Rows:next`, `Response.status`, `scenario`.
    pub name: String,
    /// Its type.
    pub kind: &'a Type,
    /// What it means; where a definition explains several at once, what it says of the first.
    pub doc: &'a str,
    /// Whether it is a type or part of one.
    pub of_type: bool,
    /// The module whose file it is in.
    pub file: &'static str,
}

impl Reference {
    /// Reads all definition files.
    ///
    /// # Errors
    ///
    /// A line that is not understood; a test holds that there is none.
    pub fn load() -> Result<Self, String> {
        let read = |(name, text): &(&'static str, &str)| {
            let (about, declarations) =
                parse::parse(text).map_err(|error| format!("{name}.d.luau: {error}"))?;
            Ok(File {
                name,
                about,
                declarations,
            })
        };
        let files = DEFINITIONS
            .iter()
            .map(read)
            .collect::<Result<_, String>>()?;
        Ok(Self { files })
    }

    /// Everything with a name, in the order of the files.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut all = Vec::new();
        for file in &self.files {
            for one in &file.declarations {
                all.push(Entry {
                    name: one.name.clone(),
                    kind: &one.kind,
                    doc: &one.doc,
                    of_type: one.is_type,
                    file: file.name,
                });
                members(&mut all, &one.name, &one.kind, one.is_type, file.name);
            }
        }
        all
    }

    /// The type of a name, if a file declares it.
    #[must_use]
    pub fn type_named(&self, name: &str) -> Option<&Declaration> {
        let mut all = self.files.iter().flat_map(|file| &file.declarations);
        all.find(|one| one.is_type && one.name == name)
    }
}

/// The fields of a table, and those of tables in it.
fn members<'a>(
    all: &mut Vec<Entry<'a>>,
    of: &str,
    kind: &'a Type,
    of_type: bool,
    file: &'static str,
) {
    let mut doc = "";
    for field in kind.fields() {
        let Some(name) = field.name() else { continue };
        let functions = field.kind.functions();
        let method = functions.first().is_some_and(|function| {
            let first = function.parameters.first();
            first.is_some_and(|first| first.name == "self")
        });
        // One comment may stand above several functions that differ little.
        if !field.doc.is_empty() || functions.is_empty() {
            doc = &field.doc;
        }
        let name = format!("{of}{}{name}", if method { ':' } else { '.' });
        all.push(Entry {
            name: name.clone(),
            kind: &field.kind,
            doc,
            of_type,
            file,
        });
        if functions.is_empty() && !of_type {
            members(all, &name, &field.kind, of_type, file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_understood_and_all_functions_are_documented() {
        let reference = Reference::load().unwrap();
        let entries = reference.entries();
        let named = |name: &str| entries.iter().any(|entry| entry.name == name);
        for name in [
            "http.get",
            "http.cookies.set",
            "Rows:next",
            "Response.status",
            "scenario",
            "profiles.spike",
            "log.warn",
        ] {
            assert!(named(name), "{name}");
        }
        // Verbs of HTTP and levels of a log say what they are by their names.
        let plain = |entry: &Entry| entry.name.starts_with("Client:") || entry.file == "log";
        let silent: Vec<_> = entries
            .iter()
            .filter(|entry| !entry.kind.functions().is_empty() && entry.doc.is_empty())
            .filter(|entry| !plain(entry))
            .map(|entry| &entry.name)
            .collect();
        assert!(silent.is_empty(), "without a word: {silent:?}");
        let files = reference.files.iter();
        assert!(files.clone().all(|file| !file.about.is_empty()));
    }

    #[test]
    fn every_type_that_is_named_is_declared() {
        let reference = Reference::load().unwrap();
        let known = [
            "any", "string", "number", "boolean", "buffer", "never", "nil", "true", "false", "T",
            "Row", "Session", "R", "A", "thread", "unknown",
        ];
        let mut names = Vec::new();
        for one in reference.files.iter().flat_map(|file| &file.declarations) {
            one.kind.names(&mut names);
        }
        names.retain(|name| !known.contains(name) && reference.type_named(name).is_none());
        assert!(names.is_empty(), "not declared: {names:?}");
    }
}
