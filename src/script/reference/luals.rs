//! The definitions in the words of LuaLS, the language server of plain Lua.

use std::fmt::Write as _;

use super::{Declaration, Function, Key, Parameter, Reference, Type};

/// One file of annotations for all definitions.
#[must_use]
pub fn luals(reference: &Reference, version: &str) -> String {
    let mut out = format!("---@meta\n-- rchaos {version}; written by rchaos init\n");
    for one in reference.files.iter().flat_map(|file| &file.declarations) {
        if one.is_type {
            class(&mut out, one);
        } else {
            value(&mut out, &one.name, &one.kind, &one.doc);
        }
    }
    out
}

fn words(out: &mut String, doc: &str) {
    for line in doc.lines() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "---{line}");
    }
}

fn class(out: &mut String, one: &Declaration) {
    out.push('\n');
    words(out, &one.doc);
    if !matches!(one.kind, Type::Table(_)) {
        let _ = writeln!(out, "---@alias {} {}", one.name, shown(&one.kind));
        return;
    }
    let _ = writeln!(out, "---@class {}", one.name);
    let Type::Table(fields) = &one.kind else {
        return;
    };
    for field in fields {
        let doc = field.doc.replace('\n', " ");
        let (name, kind) = match &field.key {
            Key::Name(name) => match &field.kind {
                Type::Optional(inner) => (format!("{name}?"), shown(inner)),
                kind => (name.clone(), shown(kind)),
            },
            Key::Any(key) => (format!("[{}]", shown(key)), shown(&field.kind)),
            Key::Element => ("[integer]".to_owned(), shown(&field.kind)),
        };
        let _ = writeln!(
            out,
            "{}",
            format!("---@field {name} {kind} {doc}").trim_end()
        );
    }
}

fn value(out: &mut String, name: &str, kind: &Type, doc: &str) {
    let functions = kind.functions();
    let fields = kind.fields();
    out.push('\n');
    if let [first, others @ ..] = &functions[..] {
        words(out, doc);
        if fields.is_empty() {
            function(out, name, first, others);
            return;
        }
        // A table that can be called.
        let _ = writeln!(out, "---@overload {}", called(first));
        let _ = writeln!(out, "{name} = {{}}");
    } else if fields.is_empty() {
        words(out, doc);
        let _ = writeln!(out, "---@type {}\n{name} = nil", shown(kind));
        return;
    } else {
        words(out, doc);
        let _ = writeln!(out, "{name} = {{}}");
    }
    for field in fields {
        if let Some(own) = field.name() {
            value(out, &format!("{name}.{own}"), &field.kind, &field.doc);
        }
    }
}

fn function(out: &mut String, name: &str, first: &Function, others: &[&Function]) {
    for parameter in &first.parameters {
        let (mark, kind) = match &parameter.kind {
            Type::Optional(inner) => ("?", shown(inner)),
            kind => ("", shown(kind)),
        };
        let _ = writeln!(out, "---@param {}{mark} {kind}", named(parameter));
    }
    let returns = returned(&first.returns);
    if !returns.is_empty() {
        let _ = writeln!(out, "---@return {}", returns.join(", "));
    }
    for other in others {
        let _ = writeln!(out, "---@overload {}", called(other));
    }
    let parameters: Vec<_> = first.parameters.iter().map(named).collect();
    let _ = writeln!(out, "function {name}({}) end", parameters.join(", "));
}

/// A parameter's name; some are words that Lua keeps for itself.
fn named(parameter: &Parameter) -> &str {
    match (parameter.name.as_str(), &parameter.kind) {
        ("...", _) | ("", Type::Many(_)) => "...",
        ("", _) => "value",
        ("end", _) => "end_",
        ("function", _) => "run",
        (name, _) => name,
    }
}

fn returned(kind: &Type) -> Vec<String> {
    match kind {
        Type::Pack(all) => all.iter().map(|one| shown(&one.kind)).collect(),
        Type::Many(inner) => vec![format!("{} ...", shown(inner))],
        other => vec![shown(other)],
    }
}

fn called(function: &Function) -> String {
    let parameters = function.parameters.iter();
    let parameters = parameters.map(|one| format!("{}: {}", named(one), shown(&one.kind)));
    let parameters: Vec<_> = parameters.collect();
    let returns = match &*function.returns {
        Type::Pack(none) if none.is_empty() => String::new(),
        // Several results cannot be told within a type; the first matters most.
        Type::Pack(all) => format!(": {}", shown(&all[0].kind)),
        Type::Many(inner) => format!(": {}", shown(inner)),
        returns => format!(": {}", shown(returns)),
    };
    format!("fun({}){returns}", parameters.join(", "))
}

fn shown(kind: &Type) -> String {
    match kind {
        Type::Name(name, _) => match name.as_str() {
            // Type parameters and what only Luau knows.
            "T" | "R" | "A" | "Row" | "Session" | "buffer" | "never" | "unknown" => {
                "any".to_owned()
            }
            other => other.to_owned(),
        },
        Type::Text(text) => text.clone(),
        Type::Table(fields) => table(fields),
        Type::Function(function) => called(function),
        Type::Union(all) => {
            let all: Vec<_> = all.iter().map(shown).collect();
            format!("({})", all.join(" | "))
        }
        Type::Both(all) => all.first().map_or_else(|| "any".to_owned(), shown),
        Type::Optional(inner) => format!("({} | nil)", shown(inner)),
        Type::Pack(all) => all
            .first()
            .map_or_else(|| "nil".to_owned(), |one| shown(&one.kind)),
        Type::Many(inner) => shown(inner),
    }
}

fn table(fields: &[super::Field]) -> String {
    if let [only] = fields {
        match &only.key {
            Key::Element => return format!("({})[]", shown(&only.kind)),
            Key::Any(key) => return format!("table<{}, {}>", shown(key), shown(&only.kind)),
            Key::Name(_) => {}
        }
    }
    let field = |field: &super::Field| match (&field.key, &field.kind) {
        (Key::Name(name), Type::Optional(inner)) => format!("{name}?: {}", shown(inner)),
        (Key::Name(name), kind) => format!("{name}: {}", shown(kind)),
        (Key::Any(key), kind) => format!("[{}]: {}", shown(key), shown(kind)),
        (Key::Element, kind) => format!("[integer]: {}", shown(kind)),
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    if fields.is_empty() {
        return "table".to_owned();
    }
    format!("{{ {} }}", fields.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_types_and_modules_are_told_as_luals_wants_them() {
        let reference = Reference::load().unwrap();
        let text = luals(&reference, "1.2.3");
        for line in [
            "---@meta",
            "-- rchaos 1.2.3; written by rchaos init",
            "---@class Response",
            "---@param options? Options",
            "function http.get(url, options) end",
            "function http.cookies.get(url, name) end",
            "---@return Response",
            "---@alias Field (string | number | boolean | ((string | number | boolean))[])",
            "function sleep(low, high) end",
            "log = {}",
        ] {
            assert!(text.lines().any(|one| one == line), "no {line}\n{text}");
        }
    }

    #[test]
    fn the_stubs_are_lua() {
        let reference = Reference::load().unwrap();
        let text = luals(&reference, "1.2.3");
        let lua = mlua::Lua::new();
        lua.load(&text).into_function().unwrap();
    }
}
