//! `rchaos init`: definitions for editors, so that they complete and check scripts.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::text::quoted;
use crate::script::reference::{DEFINITIONS, luals};

use super::diagnostic::Failure;
use super::docs::reference;
use super::exit::Exit;

/// Options of `rchaos init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder of the scripts
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Where luau-lsp reads definitions, relative to the folder.
const LUAU: &str = ".rchaos/rchaos.d.luau";
/// Where LuaLS reads them.
const LUALS: &str = ".rchaos/luals/rchaos.lua";

/// Settings of editors; files that exist are left alone.
const SETTINGS: [(&str, &str, &str); 2] = [
    (
        ".luarc.json",
        "{\n  \"runtime.version\": \"Lua 5.1\",\n  \"workspace.library\": [\".rchaos/luals\"]\n}\n",
        "for LuaLS, put \".rchaos/luals\" into workspace.library of",
    ),
    (
        ".vscode/settings.json",
        "{\n  \"luau-lsp.platform.type\": \"standard\",\n  \"luau-lsp.types.definitionFiles\": [\".rchaos/rchaos.d.luau\"]\n}\n",
        "for luau-lsp, put \".rchaos/rchaos.d.luau\" into luau-lsp.types.definitionFiles of",
    ),
];

/// Writes definitions and, where there are none, settings that point to them.
///
/// # Errors
///
/// The folder does not exist or cannot be written.
pub fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let folder = &args.folder;
    if !folder.is_dir() {
        let folder = quoted(&folder.display().to_string());
        return Err(Failure::new(Exit::Usage, format!("{folder} is no folder")));
    }
    let version = env!("CARGO_PKG_VERSION");
    let mut luau = format!("-- rchaos {version}; written by rchaos init\n");
    for (_, text) in DEFINITIONS {
        luau.push('\n');
        luau.push_str(text);
    }
    write(&folder.join(LUAU), &luau)?;
    write(&folder.join(LUALS), &luals(&reference()?, version))?;
    for (name, text, advice) in SETTINGS {
        let path = folder.join(name);
        if path.exists() {
            println!("kept {}; {advice} it", path.display());
        } else {
            write(&path, text)?;
        }
    }
    Ok(Exit::Passed)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    };
    written().map_err(|error| {
        let cause = match error.kind() {
            ErrorKind::AlreadyExists => "a file is where a folder should be".to_owned(),
            _ => error.to_string(),
        };
        let path = quoted(&path.display().to_string());
        Failure::new(Exit::Usage, format!("cannot write {path}: {cause}"))
    })?;
    println!("wrote {}", path.display());
    Ok(())
}
