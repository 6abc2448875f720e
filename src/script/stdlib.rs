//! Lua files that come with the program, reached as `require("@std/name")`.

/// Every embedded file: its name after `@std/`, and its text.
pub const STDLIB: &[(&str, &str)] = &[
    ("cases", include_str!("../../stdlib/cases.luau")),
    ("dashboards", include_str!("../../stdlib/dashboards.luau")),
    ("etcd", include_str!("../../stdlib/etcd.luau")),
    ("integrity", include_str!("../../stdlib/integrity.luau")),
    ("partitions", include_str!("../../stdlib/partitions.luau")),
    ("postgres", include_str!("../../stdlib/postgres.luau")),
    ("profiles", include_str!("../../stdlib/profiles.luau")),
    ("redis", include_str!("../../stdlib/redis.luau")),
    ("resilience", include_str!("../../stdlib/resilience.luau")),
    ("trial", include_str!("../../stdlib/trial.luau")),
];

/// The text of an embedded file.
#[must_use]
pub fn find(name: &str) -> Option<&'static str> {
    STDLIB
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}
