//! `profiles`: the classic load shapes, written in Lua and embedded.

use mlua::Result;

use crate::script::{STDLIB, Verb};

/// A table of functions, each returning the options of a scenario.
pub const VERB: Verb = Verb {
    name: "profiles",
    open: |lua| -> Result<_> {
        let text = STDLIB
            .iter()
            .find(|(name, _)| *name == "profiles")
            .map_or("return {}", |(_, text)| *text);
        // A chunk named like the interpreter's own is left out of call stacks.
        lua.load(text).set_name("=[rchaos]").eval()
    },
};
