//! `probe:command`: a program on this machine, held to its exit code and output.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use mlua::Result;
use serde_json::Value as Json;

use super::{Answer, Kit, Read};
use crate::base::program::{Leash, Program};
use crate::engine::experiment::tolerance::Tolerance;

/// A program with its arguments.
#[derive(Debug, Clone)]
pub struct CommandProbe {
    words: Vec<String>,
    folder: Arc<Path>,
    exit: Tolerance,
    output: Option<Tolerance>,
}

/// The options of its own.
pub(super) const KEYS: &[&str] = &["exit", "output"];

/// More output than this is not looked at.
const MOST: usize = 1 << 20;

impl CommandProbe {
    /// Reads a program and its arguments.
    ///
    /// # Errors
    ///
    /// Misuse: no program, or a tolerance that cannot be.
    pub(super) fn read(read: &mut Read, words: Vec<String>, folder: Arc<Path>) -> Result<Self> {
        if words.first().is_none_or(String::is_empty) {
            let message = "there is no program; write { \"pg_isready\", \"-q\" }";
            return Err(read.options.wrong(message));
        }
        Ok(Self {
            words,
            folder,
            exit: read
                .tolerance("exit")?
                .unwrap_or(Tolerance::Is(Json::from(0))),
            output: read.tolerance("output")?,
        })
    }

    /// Runs it once; it is killed, with what it started in its group, when nobody waits any more.
    pub(super) async fn ask(&self, kit: &Kit) -> Answer {
        let leash = Leash::default();
        let over = Arc::clone(&leash.0);
        let program = Program {
            words: self.words.clone(),
            folder: self.folder.to_path_buf(),
            env: BTreeMap::new(),
            stdin: Vec::new(),
            most: MOST,
        };
        let running = tokio::task::spawn_blocking(move || program.run(&over));
        let ended = match running.await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => return Answer::failed(format!("{}: {error}", self.words[0])),
            Err(_) => return Answer::failed("the probe broke off".to_owned()),
        };
        let answer = kit.judge("exit", &self.exit, Json::from(ended.code)).await;
        match &self.output {
            Some(tolerance) if answer.ok => {
                let output = String::from_utf8_lossy(&ended.stdout);
                let output = Json::String(output.trim_end().to_owned());
                kit.judge("output", tolerance, output).await
            }
            _ => answer,
        }
    }
}
