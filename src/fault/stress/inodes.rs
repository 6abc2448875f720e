//! `stress.inodes`: takes the inodes of a filesystem with empty files in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filesystem::{Room, StateDirectory, missing, spare_state};
use crate::fault::outcome::recorded;
use crate::fault::{
    Context, Fault, Healed, Kind, Preflight, Resource, Sharing, Sight, Survives, Tier, Trouble,
};

/// Its options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inodes {
    /// A folder on the filesystem.
    pub path: PathBuf,
    /// So many.
    pub count: Option<u64>,
    /// Until so many are left.
    pub leave: Option<u64>,
    /// Whether the filesystem of the agent's own state may be used up.
    pub force: bool,
}

/// The kind.
pub const KIND: Kind = Kind {
    name: "stress.inodes",
    tier: Tier::Journal,
    fixture: false,
    build: |spec, context| {
        Ok(Box::new(Taken {
            options: spec.read()?,
            context: context.clone(),
            wanted: 0,
            made: 0,
        }))
    },
    recover: |undo| recorded::<Undo>(undo)?.heal(),
    probe: || Ok("files".to_owned()),
};

/// More files than this take minutes to make and to remove.
const MOST: u64 = 2_000_000;

struct Taken {
    options: Inodes,
    context: Context,
    wanted: u64,
    made: u64,
}

/// The folder that holds the files; nobody else has one of that name.
#[derive(Debug, Serialize, Deserialize)]
struct Undo {
    folder: PathBuf,
}

impl Undo {
    fn heal(&self) -> Result<Healed, Trouble> {
        match fs::remove_dir_all(&self.folder) {
            Ok(()) => Ok(Healed::Restored),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Healed::Unchanged),
            Err(error) => {
                let folder = self.folder.display();
                let what = format!("cannot remove {folder}; run `rm -r {folder}`");
                Err(Trouble::Failed(format!("{what}: {error}")))
            }
        }
    }
}

impl Taken {
    fn record(&self) -> Undo {
        let (agent, id) = (&self.context.agent, self.context.id);
        Undo {
            folder: self.options.path.join(format!(".rchaos-{agent}-{id}")),
        }
    }
}

impl Fault for Taken {
    fn preflight(&mut self) -> Result<Preflight, Trouble> {
        let path = &self.options.path;
        let state = self.context.shared.get_or(|| StateDirectory(None));
        let force = self.options.force;
        spare_state(KIND.name, path, state.0.as_deref(), force)?;
        let free = Room::of(path)?.inodes;
        let shown = path.display();
        if free == u64::MAX {
            let text = format!(
                "{}: the filesystem of {shown} has no limit of inodes",
                KIND.name
            );
            return Err(Trouble::Precondition(text));
        }
        self.wanted = match (self.options.count, self.options.leave) {
            (Some(count), None) => count,
            (None, Some(leave)) => free.saturating_sub(leave),
            _ => {
                let text = format!("{}: say how many with one of count and leave", KIND.name);
                return Err(Trouble::Misuse(text));
            }
        };
        if self.wanted > free || self.wanted > MOST {
            let most = free.min(MOST);
            let text = format!("{}: {} are more than {most}", KIND.name, self.wanted);
            return Err(Trouble::Precondition(text));
        }
        Ok(Preflight {
            targets: vec![format!("filesystem of {shown}, {free} inodes free")],
            effect: format!("{} inodes are taken", self.wanted),
            undo: format!("{} is removed", self.record().folder.display()),
            tier: Tier::Journal,
            survives: Survives::Boot,
            resources: vec![Resource::new(format!("inodes of {shown}"), Sharing::Free)],
            provisional: false,
        })
    }

    fn undo(&self) -> Value {
        json!(self.record())
    }

    fn inject(&mut self, _lease: Duration) -> Result<(), Trouble> {
        if self.wanted == 0 {
            return Ok(());
        }
        let folder = self.record().folder;
        fs::create_dir(&folder).map_err(|error| missing(&self.options.path, error))?;
        // The folder is one of them.
        for number in 1..self.wanted {
            match fs::File::create(folder.join(number.to_string())) {
                Ok(_) => self.made = number + 1,
                // Others were faster: there are none left.
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => return Err(Trouble::system(folder.display(), error)),
            }
        }
        Ok(())
    }

    fn inspect(&mut self) -> Result<Sight, Trouble> {
        let left = Room::of(&self.options.path)?.inodes;
        Ok(Sight {
            installed: self.wanted == 0 || self.record().folder.exists(),
            hits: None,
            detail: format!("{} inodes taken, {left} left", self.made),
        })
    }

    fn heal(&mut self) -> Result<Healed, Trouble> {
        self.record().heal()
    }
}
