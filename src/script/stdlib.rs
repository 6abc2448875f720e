//! Lua files that come with the program, reached as `require("@std/name")`.

/// Every embedded file: its name after `@std/`, and its text.
pub const STDLIB: &[(&str, &str)] = &[("profiles", include_str!("../../stdlib/profiles.luau"))];

/// The text of an embedded file.
#[must_use]
pub fn find(name: &str) -> Option<&'static str> {
    STDLIB
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}
