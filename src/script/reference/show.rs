//! Documentation as people read it: on a terminal, or as Markdown.

use std::fmt::Write as _;

use super::{Entry, Field, File, Key, Reference, Type};

/// Where the text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// On a terminal.
    Plain,
    /// In a browser.
    Markdown,
}

/// Every module and verb with a word on it.
#[must_use]
pub fn overview(reference: &Reference) -> String {
    let mut out = String::new();
    for file in &reference.files {
        let (_, about) = file.about.split_once(": ").unwrap_or(("", &file.about));
        // Writing to a string cannot fail, here and below.
        if file.name == "globals" {
            let names = file.declarations.iter().filter(|one| !one.is_type);
            let names: Vec<_> = names.map(|one| one.name.as_str()).collect();
            let _ = writeln!(out, "{:<12}{}", "globals", sentence(&file.about));
            for line in names.chunks(9) {
                let _ = writeln!(out, "{:<12}{}", "", line.join(" "));
            }
        } else {
            let _ = writeln!(out, "{:<12}{}", file.name, sentence(about));
        }
    }
    out + "\nrchaos docs http, rchaos docs http.get, rchaos docs Response\n"
}

/// The first sentence of a text, on one line.
fn sentence(text: &str) -> String {
    let line = text.replace('\n', " ");
    let end = line.find(". ").map_or(line.len(), |end| end + 1);
    line[..end].to_owned()
}

/// A whole module, or all globals.
#[must_use]
pub fn page(file: &File, shape: Shape) -> String {
    let mut out = String::new();
    let (_, about) = file.about.split_once(": ").unwrap_or(("", &file.about));
    let about = if file.name == "globals" {
        &file.about
    } else {
        about
    };
    match shape {
        Shape::Markdown => {
            let _ = write!(out, "# {}\n\n{}\n", file.name, capital(&prose(about)));
        }
        Shape::Plain => {
            let _ = writeln!(out, "{}", indented(&prose(about), ""));
        }
    }
    let declared = file.declarations.iter();
    let (types, values): (Vec<_>, Vec<_>) = declared.partition(|one| one.is_type);
    for one in values {
        let table = matches!(one.kind, Type::Table(_));
        if !table {
            section(&mut out, &one.name, &one.kind, &one.doc, shape);
        } else if one.name != file.name && !one.doc.is_empty() {
            let _ = match shape {
                Shape::Markdown => write!(out, "\n## {}\n\n{}\n", one.name, prose(&one.doc)),
                Shape::Plain => writeln!(out, "\n{}", indented(&prose(&one.doc), "")),
            };
        }
        let mut members = Vec::new();
        super::members(&mut members, &one.name, &one.kind, false, file.name);
        for member in members {
            if matches!(member.kind, Type::Table(_)) {
                continue;
            }
            section(&mut out, &member.name, member.kind, member.doc, shape);
        }
    }
    if !types.is_empty() && shape == Shape::Markdown {
        out.push_str("\n## Types\n");
    }
    for one in types {
        section(&mut out, &one.name, &one.kind, &one.doc, shape);
    }
    out
}

/// One function, value or type, with the types it names.
#[must_use]
pub fn entry(reference: &Reference, entry: &Entry, shape: Shape) -> String {
    let mut out = String::new();
    section(&mut out, &entry.name, entry.kind, entry.doc, shape);
    let mut names = Vec::new();
    entry.kind.names(&mut names);
    names.dedup();
    let mut shown: Vec<&str> = vec![&entry.name];
    for name in names {
        if let Some(found) = reference
            .type_named(name)
            .filter(|_| !shown.contains(&name))
        {
            shown.push(name);
            section(&mut out, name, &found.kind, &found.doc, shape);
        }
    }
    out.trim_start_matches('\n').to_owned()
}

/// A heading, the signature, the words, and the fields of tables in it.
fn section(out: &mut String, name: &str, kind: &Type, doc: &str, shape: Shape) {
    let lines = signatures(name, kind);
    let _ = match shape {
        Shape::Markdown => write!(out, "\n### {name}\n\n```lua\n{}\n```\n", lines.join("\n")),
        Shape::Plain => write!(out, "\n{}\n", lines.join("\n")),
    };
    if !doc.is_empty() {
        let doc = prose(doc);
        let _ = match shape {
            Shape::Markdown => writeln!(out, "\n{doc}"),
            Shape::Plain => writeln!(out, "{}", indented(&doc, "    ")),
        };
    }
    let mut fields = Vec::new();
    options(kind, &mut fields);
    if fields.is_empty() {
        return;
    }
    if shape == Shape::Markdown {
        out.push_str("\n| field | type | |\n|---|---|---|\n");
    }
    for field in fields {
        let name = match &field.key {
            Key::Name(name) => name.clone(),
            Key::Any(key) => format!("[{key}]"),
            Key::Element => "[…]".to_owned(),
        };
        let kind = brief(&field.kind);
        let doc = prose(&field.doc);
        let _ = match shape {
            Shape::Markdown => {
                let cell = |text: &str| text.replace('\n', " ").replace('|', "\\|");
                writeln!(out, "| `{name}` | `{}` | {} |", cell(&kind), cell(&doc))
            }
            Shape::Plain if doc.is_empty() => writeln!(out, "    {name}: {kind}"),
            Shape::Plain => writeln!(out, "    {name}: {kind}\n{}", indented(&doc, "        ")),
        };
    }
}

/// How it is called; a type's name alone, as its fields follow.
fn signatures(name: &str, kind: &Type) -> Vec<String> {
    let functions = kind.functions();
    if functions.is_empty() {
        return vec![match kind {
            Type::Table(_) => name.to_owned(),
            other => format!("{name}: {}", brief(other)),
        }];
    }
    let called = |function: &&super::Function| {
        let parameters = function.parameters.iter();
        let parameters = parameters.filter(|one| one.name != "self").map(|one| {
            let kind = brief(&one.kind);
            match one.name.as_str() {
                "" => kind,
                name => format!("{name}: {kind}"),
            }
        });
        let parameters: Vec<_> = parameters.collect();
        let returns = match &*function.returns {
            Type::Pack(none) if none.is_empty() => String::new(),
            returns => format!(" -> {}", brief(returns)),
        };
        format!("{name}({}){returns}", parameters.join(", "))
    };
    functions.iter().map(called).collect()
}

/// A type on one line; tables of options, which are listed below, as `{ … }`.
fn brief(kind: &Type) -> String {
    match kind {
        Type::Table(fields) if fields.iter().any(|field| field.name().is_some()) => {
            "{ … }".to_owned()
        }
        Type::Optional(inner) => match &**inner {
            Type::Table(_) | Type::Name(..) => format!("{}?", brief(inner)),
            _ => kind.to_string(),
        },
        _ => kind.to_string(),
    }
}

/// The fields of tables that are written out in a type, also as a parameter or a result.
fn options<'a>(kind: &'a Type, found: &mut Vec<&'a Field>) {
    match kind {
        Type::Table(fields) => {
            // Functions in it have entries of their own, methods of a type do not.
            let shown = |field: &&Field| field.name().is_some() || matches!(field.key, Key::Any(_));
            if fields.iter().any(|field| field.name().is_some()) {
                found.extend(fields.iter().filter(shown));
            }
        }
        Type::Optional(inner) => options(inner, found),
        Type::Function(function) => {
            for parameter in &function.parameters {
                options(&parameter.kind, found);
            }
            options(&function.returns, found);
        }
        Type::Union(all) => all.iter().for_each(|one| options(one, found)),
        Type::Both(all) => {
            // Overloads mostly repeat their options; fields beside a function have entries.
            for function in kind.functions().iter().take(1) {
                for parameter in &function.parameters {
                    options(&parameter.kind, found);
                }
            }
            if kind.functions().is_empty() {
                all.iter().for_each(|one| options(one, found));
            }
        }
        _ => {}
    }
}

/// A comment as flowing text: lines that only broke for the margin are joined.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        // Indented lines are tables and lists of their own.
        let own = line.starts_with(' ');
        if !out.is_empty() {
            out.push(if own { '\n' } else { ' ' });
        }
        out.push_str(line.trim_end());
    }
    out
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + rest.as_str()
    })
}

/// Text broken at 90 columns, each line after a margin.
fn indented(text: &str, margin: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = margin.to_owned();
        for word in paragraph.split(' ') {
            let length = line.chars().count() + 1 + word.chars().count();
            if length > 90 && line.len() > margin.len() {
                lines.push(std::mem::replace(&mut line, margin.to_owned()));
            }
            if line.len() > margin.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_shown_with_the_types_it_names() {
        let reference = Reference::load().unwrap();
        let entries = reference.entries();
        let get = entries.iter().find(|one| one.name == "http.get").unwrap();
        let text = entry(&reference, get, Shape::Plain);
        assert!(
            text.starts_with(
                "http.get(url: string, options: Options?) -> Response\n    Sends a GET."
            ),
            "{text}"
        );
        assert!(
            text.contains("    timeout: string?\n        A duration such as"),
            "{text}"
        );
        let rows = entries.iter().find(|one| one.name == "Rows:next").unwrap();
        let text = entry(&reference, rows, Shape::Plain);
        assert!(
            text.starts_with("Rows:next(options: { … }?) -> Row?\n"),
            "{text}"
        );
        assert!(text.contains("    wrap: boolean?\n"), "{text}");
    }

    #[test]
    fn a_page_has_every_function_of_its_module() {
        let reference = Reference::load().unwrap();
        let entries = reference.entries();
        for file in &reference.files {
            let text = page(file, Shape::Markdown);
            for entry in entries
                .iter()
                .filter(|one| one.file == file.name && !one.of_type)
            {
                if !entry.kind.functions().is_empty() {
                    assert!(
                        text.contains(&format!("\n### {}\n", entry.name)),
                        "{}",
                        entry.name
                    );
                }
            }
        }
        assert!(
            overview(&reference).contains("\nhttp        requests of virtual users, measured.")
        );
    }
}
