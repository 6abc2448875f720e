//! The journal of an agent: what was done and how it is undone, on disk before the effect.
//!
//! A line is the CRC-32 of its JSON in eight hex digits, a space, and the JSON. A line that does not fit its sum
//! was torn by a crash: it is skipped, since an effect begins only after its line is on disk in full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::host::Place;
use crate::fault::process::Identity;
use crate::fault::{Healed, Resource, Survives, Tier, Trouble};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Header(Box<Header>),
    /// What is about to happen.
    Intent(Box<Intent>),
    /// It has happened; how to undo it, now that more is known.
    Done {
        /// The fault's number.
        id: u64,
        /// What its kind needs to undo it.
        undo: Value,
    },
    /// It is undone, or never happened.
    Healed {
        /// The fault's number.
        id: u64,
        /// How that ended.
        outcome: Healed,
    },
}

/// Whose journal it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The agent's id.
    pub agent: String,
    /// The version of the program that wrote it.
    pub program: String,
    /// The run's id.
    pub run: String,
    /// The script, for `status`.
    pub script: String,
    /// Where it was written.
    pub place: Place,
    /// The guardian.
    pub guardian: Identity,
    /// The worker.
    pub worker: Identity,
    /// The controller's host.
    pub host: String,
    /// The controller's pid there.
    pub controller: i32,
    /// How long without a beat until it counts as dead, in milliseconds.
    pub lease_ms: u64,
    /// When it began: seconds since 1970.
    pub started: u64,
}

/// A fault that is about to be injected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number, unique in the journal.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// What it does to whom, in words.
    pub effect: String,
    /// What holds it up.
    pub tier: Tier,
    /// What it survives.
    pub survives: Survives,
    /// What it touches.
    pub resources: Vec<Resource>,
    /// What its kind needs to undo it.
    pub undo: Value,
    /// Time since boot at which it was written, in milliseconds.
    pub at_ms: u64,
    /// How long the effect may take to land after that, in milliseconds.
    pub max_duration_ms: u64,
    /// When its time is up: milliseconds since boot.
    pub expires_ms: Option<u64>,
}

/// Why a journal cannot be kept; nothing is injected then.
#[derive(Debug, thiserror::Error)]
#[error("the journal {}: {what}: {error}", path.display())]
pub struct JournalError {
    path: PathBuf,
    what: &'static str,
    error: io::Error,
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Precondition(format!("{error}; nothing was injected"))
    }
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes written.
    length: u64,
    /// Bytes that the records of live faults may still need.
    reserved: u64,
}

/// What a record of healing takes at most.
const HEALED: u64 = 1024;

impl Journal {
    /// Makes a journal with its header.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn create(path: &Path, header: Header) -> Result<Self, JournalError> {
        let fail = |what, error| JournalError {
            path: path.to_owned(),
            what,
            error,
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| fail("cannot be made", error))?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            length: 0,
            reserved: 0,
        };
        journal.append(&Record::Header(Box::new(header)))?;
        journal.sync("cannot be written")?;
        if let Some(folder) = path.parent() {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| fail("its folder cannot be synced", error))?;
        }
        Ok(journal)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts an intent on disk, with room for all that will follow it.
    ///
    /// # Errors
    ///
    /// No space, or the disk fails: the effect must not begin.
    pub fn intent(&mut self, intent: Intent) -> Result<(), JournalError> {
        let undo = u64::try_from(intent.undo.to_string().len()).unwrap_or(u64::MAX);
        // What is done may know more than what was intended: pids, addresses.
        let more = undo.saturating_mul(3).saturating_add(4096 + HEALED);
        let text = encode(&Record::Intent(Box::new(intent)));
        let own = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let room = own.saturating_add(more).saturating_add(self.reserved);
        fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.length, room).or_else(|error| {
            // A filesystem without preallocation gives what it can.
            match error {
                rustix::io::Errno::OPNOTSUPP => Ok(()),
                error => Err(self.fail("no room for the way back", error.into())),
            }
        })?;
        self.write(&text)?;
        self.sync("cannot be synced")?;
        self.reserved += more;
        Ok(())
    }

    /// Notes that a fault is in place.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn done(&mut self, id: u64, undo: Value) -> Result<(), JournalError> {
        self.append(&Record::Done { id, undo })?;
        self.sync("cannot be synced")
    }

    /// Notes that a fault is healed. Healing itself never waits for this.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub fn healed(&mut self, id: u64, outcome: Healed) -> Result<(), JournalError> {
        self.reserved = self.reserved.saturating_sub(HEALED);
        self.append(&Record::Healed { id, outcome })
    }

    fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        self.write(&encode(record))
    }

    fn write(&mut self, text: &str) -> Result<(), JournalError> {
        self.file
            .write_all(text.as_bytes())
            .map_err(|error| self.fail("cannot be written", error))?;
        self.length += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }

    fn sync(&self, what: &'static str) -> Result<(), JournalError> {
        self.file
            .sync_data()
            .map_err(|error| self.fail(what, error))
    }

    fn fail(&self, what: &'static str, error: io::Error) -> JournalError {
        JournalError {
            path: self.path.clone(),
            what,
            error,
        }
    }
}

fn encode(record: &Record) -> String {
    let json = serde_json::to_string(record).unwrap_or_default();
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

/// How far a fault of a journal got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may have happened, or be about to.
    Intended,
    /// It has happened.
    Done,
}

/// A fault that a journal does not know to be healed.
#[derive(Debug, Clone, PartialEq)]
pub struct Unhealed {
    /// What was intended, with the newest undo.
    pub intent: Intent,
    /// How far it got.
    pub state: State,
}

/// What a journal says.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Whose it is; `None` when even its first line was torn: nothing was injected.
    pub header: Option<Header>,
    /// What is not healed, newest first.
    pub unhealed: Vec<Unhealed>,
    /// How many lines did not fit their sums.
    pub torn: usize,
}

/// Reads a journal, however it ends.
///
/// # Errors
///
/// It cannot be read.
pub fn read(path: &Path) -> io::Result<Read> {
    Ok(parse(&std::fs::read(path)?))
}

fn parse(bytes: &[u8]) -> Read {
    let mut read = Read {
        header: None,
        unhealed: Vec::new(),
        torn: 0,
    };
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        match decode(line) {
            Some(record) => take(&mut read, record),
            None => read.torn += 1,
        }
    }
    read.unhealed.reverse();
    read
}

fn take(read: &mut Read, record: Record) {
    match record {
        Record::Header(header) => read.header = Some(*header),
        Record::Intent(intent) => read.unhealed.push(Unhealed {
            intent: *intent,
            state: State::Intended,
        }),
        Record::Done { id, undo } => {
            let found = read.unhealed.iter_mut().find(|one| one.intent.id == id);
            if let Some(one) = found {
                one.intent.undo = undo;
                one.state = State::Done;
            }
        }
        Record::Healed { id, .. } => read.unhealed.retain(|one| one.intent.id != id),
    }
}

fn decode(line: &[u8]) -> Option<Record> {
    let (sum, json) = line.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    if sum != crc32fast::hash(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Adds lines to the journal of an agent that is dead.
///
/// # Errors
///
/// It cannot be opened.
pub fn reopen(path: &Path) -> Result<Journal, JournalError> {
    let fail = |error| JournalError {
        path: path.to_owned(),
        what: "cannot be opened",
        error,
    };
    let mut file = OpenOptions::new().append(true).open(path).map_err(fail)?;
    // A torn last line must not swallow the next one.
    file.write_all(b"\n").map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    Ok(Journal {
        path: path.to_owned(),
        file,
        length,
        reserved: 0,
    })
}
