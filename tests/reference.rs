//! The definitions that editors get are the truth about what scripts can call, and so is what is made of them.

use std::collections::BTreeSet;
use std::fs;

use rchaos::engine::VERBS;
use rchaos::modules::ALL;
use rchaos::script::reference::{DEFINITIONS, Reference, Shape, page};

use crate::support::Rchaos;
use crate::support::corpus::{root, scripts};

/// Every function and value with a name, as scripts write it.
fn documented() -> BTreeSet<String> {
    let reference = Reference::load().unwrap();
    let entries = reference.entries();
    let values = entries.iter().filter(|one| !one.of_type);
    values.map(|one| one.name.clone()).collect()
}

#[test]
fn every_definition_file_is_embedded() {
    let folder = fs::read_dir(root().join("stdlib/types")).unwrap();
    let names = folder.map(|one| one.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names.map(|name| name.replace(".d.luau", "")).collect();
    let embedded: BTreeSet<String> = DEFINITIONS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(
        files, embedded,
        "add it to DEFINITIONS in src/script/reference/mod.rs"
    );
}

#[test]
fn everything_that_scripts_can_call_is_documented_and_the_reverse() {
    let modules: Vec<_> = ALL.iter().map(|module| module.name).collect();
    let script: String = modules
        .iter()
        .map(|name| {
            format!(
                "for key, value in pairs({name}) do
                    print('@ {name}.' .. key)
                    if type(value) == 'table' then
                        for inner in pairs(value) do print('@ {name}.' .. key .. '.' .. tostring(inner)) end
                    end
                end\n"
            )
        })
        .collect();
    let done = Rchaos::script(&script).run().exits(0);
    let real: BTreeSet<String> = done.marks().into_iter().map(str::to_owned).collect();
    let of_modules = |name: &String| {
        let module = name.split('.').next().unwrap();
        name.contains('.') && modules.contains(&module)
    };
    let documented = documented();
    let told: BTreeSet<String> = documented
        .iter()
        .filter(|name| of_modules(name))
        .cloned()
        .collect();
    assert_eq!(
        real.difference(&told).collect::<Vec<_>>(),
        [""; 0],
        "not in stdlib/types"
    );
    assert_eq!(
        told.difference(&real).collect::<Vec<_>>(),
        [""; 0],
        "not in the program"
    );
    for verb in VERBS {
        assert!(documented.contains(verb.name), "{}", verb.name);
    }
}

/// A script without its comments and texts.
fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut quote = None;
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            match quote {
                Some(_) if c == '\\' => drop(rest.next()),
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if c == '-' && rest.peek() == Some(&'-') => break,
                None if c == '"' || c == '\'' => quote = Some(c),
                None => out.push(c),
            }
        }
        out.push('\n');
    }
    out
}

#[test]
fn examples_name_only_what_is_there() {
    let documented = documented();
    let mut unknown = Vec::new();
    for path in scripts(&root().join("examples")) {
        let text = code(&fs::read_to_string(&path).unwrap());
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        for name in text.split(|c| !word(c)).filter(|name| name.contains('.')) {
            let mut parts = name.split('.');
            let (module, function) = (parts.next().unwrap(), parts.next().unwrap());
            let is_module = ALL.iter().any(|one| one.name == module);
            let full = format!("{module}.{function}");
            if is_module && !documented.contains(&full) {
                unknown.push(format!("{}: {full}", path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn pages_are_those_of_the_definitions() {
    let folder = root().join("docs/reference");
    let bless = std::env::var("RCHAOS_BLESS").is_ok_and(|value| value == "1");
    let reference = Reference::load().unwrap();
    let mut stale = Vec::new();
    for file in &reference.files {
        let path = folder.join(format!("{}.md", file.name));
        let text =
            page(file, Shape::Markdown) + "\n---\nMade from `stdlib/types/` by `scripts/docs`.\n";
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(file.name);
        }
    }
    assert!(stale.is_empty(), "run scripts/docs: {stale:?}");
}

#[test]
fn docs_say_what_a_name_means() {
    Rchaos::new(["docs", "http.get"])
        .run()
        .exits(0)
        .prints("http.get(url: string, options: Options?) -> Response\n    Sends a GET.");
    Rchaos::new(["docs"]).run().exits(0).prints("\nhttp ");
    Rchaos::new(["docs", "rows:next"])
        .run()
        .exits(0)
        .prints("Rows:next(");
    Rchaos::new(["docs", "json", "--markdown"])
        .run()
        .exits(0)
        .prints("\n### json.encode\n");
    Rchaos::new(["docs", "http.gte"])
        .run()
        .exits(2)
        .says("there is no \"http.gte\"; did you mean http.get?");
}

#[test]
fn init_writes_definitions_and_leaves_settings_alone() {
    let done = Rchaos::new(["init"])
        .file(".luarc.json", "{}")
        .run()
        .exits(0)
        .prints("wrote ./.vscode/settings.json")
        .prints("kept ./.luarc.json; for LuaLS, put \".rchaos/luals\"");
    assert_eq!(done.left(".luarc.json"), "{}");
    let stamp = format!(
        "-- rchaos {}; written by rchaos init\n",
        env!("CARGO_PKG_VERSION")
    );
    let luau = done.left(".rchaos/rchaos.d.luau");
    assert!(luau.starts_with(&stamp), "{luau}");
    for (name, text) in DEFINITIONS {
        assert!(luau.contains(text), "{name}");
    }
    let types = luau
        .lines()
        .filter_map(|line| line.strip_prefix("export type "));
    let types: Vec<_> = types
        .map(|line| line.split([' ', '<']).next().unwrap())
        .collect();
    let unique: BTreeSet<_> = types.iter().collect();
    assert_eq!(
        unique.len(),
        types.len(),
        "two types of one name: {types:?}"
    );
    assert!(done.left(".rchaos/luals/rchaos.lua").contains(&stamp));
    let settings: serde_json::Value =
        serde_json::from_str(&done.left(".vscode/settings.json")).unwrap();
    assert_eq!(
        settings["luau-lsp.types.definitionFiles"][0],
        ".rchaos/rchaos.d.luau"
    );
    Rchaos::new(["init", "nowhere"])
        .run()
        .exits(2)
        .says("\"nowhere\" is no folder");
}

#[test]
fn the_manual_has_every_command_and_help_fits_a_screen() {
    let manual = Rchaos::new(["man"]).run().exits(0).stdout;
    let help = Rchaos::new(["--help"]).run().exits(0).stdout;
    let lines = help.lines().count();
    assert!(lines <= 50, "{lines} lines:\n{help}");
    assert!(help.contains("Examples:\n"), "{help}");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        assert!(
            manual.contains(&format!(".SS rchaos {name}")),
            "{name}\n{manual}"
        );
    }
    for part in [
        ".TH RCHAOS 1",
        "\\-\\-summary FILE",
        ".SH EXIT STATUS\n0 passed",
    ] {
        assert!(manual.contains(part), "no {part}\n{manual}");
    }
    // Every line that begins with a point is a request that we meant.
    let requests = manual.lines().filter(|line| line.starts_with('.'));
    let known = [".TH", ".SH", ".SS", ".TP", ".B", ".I", ".nf", ".fi"];
    for line in requests {
        assert!(known.contains(&line.split(' ').next().unwrap()), "{line}");
    }
}
